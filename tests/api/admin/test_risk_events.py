"""Counting events backwards: how far it goes is told. Pure."""

from msgspec.structs import replace

from api.admin.risk_events import Activity
from shared.messages import (
    Applied,
    MarketStatus,
    MarketStatusChanged,
    Reject,
    Rejected,
    StatusReason,
)
from shared.wire import encode

HALT = MarketStatusChanged(1, "A_B", MarketStatus.HALTED, StatusReason.VOLATILITY, 9)
REJECT = Rejected(2, 7, 1, Reject.PRICE_OUT_OF_BAND, "price", "A_B")


def commit(*batch: Applied) -> bytes:
    return encode(batch)


def test_halts_and_rejects_are_counted_under_their_market() -> None:
    activity = Activity(since_at_ns=10)
    calm = replace(HALT, sequence=3, reason=StatusReason.OPERATOR)
    elsewhere = replace(REJECT, sequence=4, market="", code=Reject.UNKNOWN_ORDER)
    applied = Applied(1, 10, (replace(HALT, sequence=5), REJECT, calm, elsewhere))
    assert activity.add_commit(commit(applied))
    assert (activity.of("A_B").volatility_halts, activity.of("A_B").band_hits) == (1, 1)
    assert activity.of("").rejects == {"UNKNOWN_ORDER": 1}


def test_what_is_older_than_asked_ends_it_and_is_not_counted() -> None:
    activity = Activity(since_at_ns=10)
    old, new = Applied(1, 9, (HALT,)), Applied(2, 11, (REJECT,))
    assert not activity.add_commit(commit(old, new))
    assert (activity.commands, activity.is_complete) == (1, True)
    assert (activity.reach.from_at_ns, activity.reach.to_at_ns) == (11, 11)


def test_the_first_event_of_all_ends_it() -> None:
    activity = Activity(since_at_ns=0)
    assert not activity.add_commit(commit(Applied(1, 5, (HALT,))))
    assert activity.is_complete

"""The audit of the rows finds what is gone and what was made up, and nothing else."""

import contextlib
from collections.abc import Iterator

import pytest

from engine import row_audit, standby
from shared.messages import CancelWithdrawal, Deposit, RequestWithdrawal
from shared.wire import encode
from tests.engine.test_standby import ROUND_TURNS, halt_of, trade
from tests.support.standbys import WatchingStandby
from tests.support.venue import Venue, as_bytes

KINDS = (
    *("assets", "markets", "market_states", "totals"),
    *("accounts", "balances", "withdrawals", "closed", "results"),
)


@pytest.fixture
def venue(each_redis_url: str) -> Iterator[Venue]:
    with contextlib.closing(Venue(each_redis_url)) as venue:
        venue.seed()
        venue.journal(
            Deposit(account_id=1, asset="TATA", amount_atoms=1_000_000, idempotency_key="first"),
            Deposit(account_id=2, asset="INR", amount_atoms=1_000_000_000),
            RequestWithdrawal(account_id=2, asset="INR", amount_atoms=700),
        )
        yield venue


@pytest.fixture
def watching(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> Iterator[WatchingStandby]:
    monkeypatch.setattr(standby, "ROWS_EVERY_S", 0.0)
    with contextlib.closing(WatchingStandby(venue)) as watching:
        yield watching


def first_of(venue: Venue, key: str) -> tuple[bytes, bytes]:
    name, row = next(iter(venue.redis.hgetall(key).items()))
    return as_bytes(name), as_bytes(row)


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_that_is_gone_is_found(
    venue: Venue, watching: WatchingStandby, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_audit, "PAGE_ROWS", 5)
    trade(venue, 0)
    watching.turns()
    key = getattr(venue.keys, kind)
    venue.redis.hdel(key, first_of(venue, key)[0])
    watching.turns(2 * ROUND_TURNS)
    assert halt_of(venue).startswith("the standby disagrees")


@pytest.mark.parametrize("counter", ["sequence", "at_ns", "next_order_id"])
@pytest.mark.parametrize("value", ["1", ""])
def test_a_counter_that_was_changed_is_found(
    venue: Venue, watching: WatchingStandby, counter: str, value: str
) -> None:
    trade(venue, 0)
    watching.turns()
    if value:
        venue.redis.hset(venue.keys.meta, counter, value)
    else:
        venue.redis.hdel(venue.keys.meta, counter)
    watching.turns(ROUND_TURNS)
    assert f"meta {counter}" in halt_of(venue)


def test_an_invented_closed_order_is_found(venue: Venue, watching: WatchingStandby) -> None:
    trade(venue, 0)
    watching.turns()
    name, row = first_of(venue, venue.keys.closed)
    venue.redis.hdel(venue.keys.closed, name)
    venue.redis.hset(venue.keys.closed, "999", row)
    watching.turns(ROUND_TURNS)
    assert "closed" in halt_of(venue)


def test_a_withdrawal_that_was_changed_or_made_up_is_found(
    venue: Venue, watching: WatchingStandby
) -> None:
    trade(venue, 0)
    watching.turns()
    follower = watching.standby._follower
    assert follower is not None
    (withdrawal,) = follower.exchange.state.withdrawals.values()
    row = encode(withdrawal)
    venue.redis.hset(venue.keys.withdrawals, "999", row)
    watching.turns(ROUND_TURNS)
    assert "withdrawals 999" in halt_of(venue)


def test_a_withdrawal_that_has_ended_has_no_row(venue: Venue, watching: WatchingStandby) -> None:
    trade(venue, 0)
    watching.turns()
    ((name, _row),) = venue.redis.hgetall(venue.keys.withdrawals).items()
    venue.journal(CancelWithdrawal(account_id=2, withdrawal_id=int(name)))
    venue.engine().run_until_idle()
    watching.turns(ROUND_TURNS)
    assert not venue.redis.exists(venue.keys.withdrawals)
    assert halt_of(venue) == ""


def test_an_account_that_was_only_spoken_of_needs_no_row(
    venue: Venue, watching: WatchingStandby
) -> None:
    trade(venue, 0)
    watching.turns()
    follower = watching.standby._follower
    assert follower is not None
    ledger = follower.exchange.state.ledger
    ledger.balance(ledger.account(77), "INR")
    watching.turns(ROUND_TURNS)
    assert halt_of(venue) == ""
    assert watching.standby._rows.rounds > 1

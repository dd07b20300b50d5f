"""What a standby does beside following: it keeps a lease it was given, its note, and its audits."""

import contextlib
from collections.abc import Iterator

import pytest

from engine import standby
from engine.audit import SnapshotPlace
from engine.core.changes import Rows
from engine.core.exchange import Exchange, Limits
from engine.watch import LOADING, NOTE_MS, StandbyNote
from shared.messages import Deposit
from tests.engine.test_standby import halt_of, trade
from tests.support.standbys import InlineAudit, WatchingStandby
from tests.support.venue import Venue


@pytest.fixture
def venue(each_redis_url: str) -> Iterator[Venue]:
    with contextlib.closing(Venue(each_redis_url)) as venue:
        venue.seed()
        venue.journal(
            Deposit(account_id=1, asset="TATA", amount_atoms=1_000_000),
            Deposit(account_id=2, asset="INR", amount_atoms=1_000_000_000),
        )
        yield venue


@pytest.fixture
def watching(venue: Venue) -> Iterator[WatchingStandby]:
    with contextlib.closing(WatchingStandby(venue)) as watching:
        yield watching


def test_the_lease_is_kept_between_the_batches_of_a_takeover(
    venue: Venue, watching: WatchingStandby
) -> None:
    trade(venue, 0)
    watching.turns()
    trade(venue, 10)
    trade(venue, 20)
    kept_at: list[int] = []
    follower = watching.standby._follower
    assert follower is not None
    meta = venue.engine().store.meta()
    assert watching.standby.take_over(meta, lambda: kept_at.append(follower.position))
    assert len(set(kept_at)) > 1, "both batches come in one answer"


class FailingAudit(InlineAudit):
    """Cannot start a process, the first two times."""

    def __init__(self) -> None:
        super().__init__()
        self.failures = 0

    def start(self, exchange: Exchange, chain: bytes, place: SnapshotPlace | None) -> None:
        if self.failures < 2:
            self.failures += 1
            raise BlockingIOError("no more processes")
        super().start(exchange, chain, place)


def test_an_audit_that_cannot_be_started_is_tried_again_later(
    venue: Venue, watching: WatchingStandby, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit = watching.standby._audit = FailingAudit()
    trade(venue, 0)
    watching.turns(5)
    assert audit.failures == 1, "not in every turn"
    assert watching.standby.position == int(venue.meta("position")), "it goes on following"
    monkeypatch.setattr(standby, "AUDIT_EVERY_S", 0.0)
    watching.standby._audit_due_s = 0.0
    watching.turns(5)
    assert (audit.failures, halt_of(venue)) == (2, "")
    assert audit.findings


def test_a_loading_standby_is_known_until_it_follows_and_keeps_its_picture(
    venue: Venue, watching: WatchingStandby, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The archiver keeps for it what it will have to follow."""
    seen: list[tuple[StandbyNote | None, int]] = []
    sound = Exchange.restore

    def restore(rows: Rows, limits: Limits) -> Exchange:
        seen.append((watching.watch.note(), venue.redis.pttl(venue.keys.standby)))
        return sound(rows, limits)

    trade(venue, 0)
    monkeypatch.setattr(Exchange, "restore", restore)
    watching.turns(1)
    [(note, left_ms)] = seen
    assert note is not None
    assert (note.state, note.position) == (LOADING, int(venue.meta("position")))
    assert left_ms > 5 * NOTE_MS, "nothing is said while millions of rows are restored"
    watching.turns(1)
    assert venue.redis.pttl(venue.keys.standby) <= NOTE_MS


def test_rows_that_make_no_exchange_again_and_again_halt_the_venue(
    venue: Venue, watching: WatchingStandby, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standby, "LOAD_AGAIN_S", 0.0)
    trade(venue, 0)
    venue.redis.delete(venue.keys.markets)
    watching.turns(standby.BROKEN_LOADS_MAX - 1)
    assert halt_of(venue) == "", "it may have been a picture of two venues"
    watching.turns(1)
    assert "do not make an exchange" in halt_of(venue)
    assert watching.standby.position == 0

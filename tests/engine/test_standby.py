"""The standby follows and agrees, or it names the entry at which the venue went wrong and halts it.

The rule of this file: each mutant changes one thing that an engine could do wrong, or that
somebody could do to Redis, and the standby must find it without being told where.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine import row_audit, standby
from engine.entries import Entry
from engine.snapshots import list_snapshots, newest_snapshot
from engine.store import Commit
from engine.watch import FOLLOWING, STOPPED
from shared.messages import Deposit, PlaceOrder, Side, SkipCommand
from shared.wire import NOBODY, decode_batch, encode
from tests.support.standbys import OWNER, WatchingStandby
from tests.support.venue import Venue, as_bytes

ROUND_TURNS = 40  # More than a round over all rows of these venues takes.


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every turn do all that it may do now and then."""
    for module, name in (
        (standby, "LOAD_AGAIN_S"),
        (standby, "STANDING_EVERY_S"),
        (standby, "ROWS_EVERY_S"),
        (standby, "AUDIT_EVERY_S"),
        (standby, "AUDIT_SHARE"),
    ):
        monkeypatch.setattr(module, name, 0.0)


@pytest.fixture
def venue(each_redis_url: str) -> Iterator[Venue]:
    with contextlib.closing(Venue(each_redis_url)) as venue:
        venue.seed()
        venue.journal(
            Deposit(account_id=1, asset="TATA", amount_atoms=1_000_000, idempotency_key="first"),
            Deposit(account_id=2, asset="INR", amount_atoms=1_000_000_000),
        )
        yield venue


@pytest.fixture
def watching(venue: Venue) -> Iterator[WatchingStandby]:
    with contextlib.closing(WatchingStandby(venue)) as watching:
        yield watching


def order(number: int, side: Side = Side.SELL) -> PlaceOrder:
    return PlaceOrder(
        account_id=1 if side is Side.SELL else 2,
        market="TATA_INR",
        side=side,
        price_ticks=100 + number % 7,
        quantity_lots=1 + number % 3,
        idempotency_key=f"order-{side}-{number}",
    )


def trade(venue: Venue, first: int, count: int = 10) -> None:
    numbers = range(first, first + count)
    venue.journal(
        *(order(number) for number in numbers),
        *(order(number, Side.BUY) for number in numbers),
        *(order(number + 3) for number in numbers),
    )
    venue.engine().run_until_idle()


def halt_of(venue: Venue) -> str:
    return venue.meta("halt")


def test_a_standby_follows_every_commit_and_agrees(venue: Venue, watching: WatchingStandby) -> None:
    venue.engine(batch_max=3).run_until_idle()
    watching.turns()
    for number in range(0, 50, 10):
        trade(venue, number)
        watching.turns()
        assert watching.standby.position == int(venue.meta("position"))
    watching.turns(ROUND_TURNS)
    watching.standby._note_due_s = 0.0
    watching.turns(1)
    note = watching.watch.note()
    assert note is not None
    assert (note.state, note.owner) == (FOLLOWING, OWNER)
    assert note.verified_position == note.position == int(venue.meta("position"))
    assert note.rows_compared > 50
    assert halt_of(venue) == ""
    assert all(not finding.fault for finding in watching.audit.findings)


# ---- mutants: what was committed is not what the journal makes of it ----


def tampered_event(venue: Venue) -> int:
    """Commit a batch whose fifth entry says something else than it should; return that entry."""
    first = int(venue.meta("position")) + 1
    venue.journal(*(order(number) for number in range(60, 70)))
    engine = venue.engine()
    sound = type(engine.store).start_commit

    def start_commit(commit: Commit, **rest: Any) -> list[Entry]:
        told = decode_batch(commit.events)
        wrong = encode(told[4]).replace(encode(told[4].at_ns), encode(told[4].at_ns + 1), 1)
        events = commit.events.replace(encode(told[4]), wrong)
        return sound(engine.store, replace(commit, events=events), **rest)

    engine.store.start_commit = start_commit  # type: ignore[method-assign]
    engine.run_until_idle()
    return first + 4


def test_a_commit_that_differs_is_found_at_its_entry(
    venue: Venue, watching: WatchingStandby
) -> None:
    trade(venue, 0)
    watching.turns()
    n = tampered_event(venue)
    watching.turns()
    assert f"entry {n} " in halt_of(venue)
    assert "standby" in halt_of(venue)
    note = watching.watch.note()
    assert note is not None
    assert note.state == STOPPED


def test_events_that_cannot_be_read_are_found(venue: Venue, watching: WatchingStandby) -> None:
    trade(venue, 0)
    watching.turns()
    n, sequence = int(venue.meta("position")) + 1, int(venue.meta("sequence")) + 1
    venue.redis.xadd(venue.keys.events, {"e": b"\xff"}, id=f"{sequence}-0")
    watching.turns()
    assert f"entry {n} " in halt_of(venue)


def _row_of(venue: Venue, key: str) -> tuple[bytes, bytes]:
    name, row = next(iter(venue.redis.hgetall(key).items()))
    return as_bytes(name), as_bytes(row)


def _flip(venue: Venue, key: str) -> None:
    name, row = _row_of(venue, key)
    venue.redis.hset(key, name, row[:-1] + bytes([row[-1] ^ 1]))


def _more_money(venue: Venue) -> None:
    venue.redis.hset(venue.keys.balances, "2:INR", "999999999999 0")


def _new_owner(venue: Venue) -> None:
    venue.redis.hset(venue.keys.balances, "77:INR", "1 0")


def _lost_order(venue: Venue) -> None:
    name, _ = _row_of(venue, venue.keys.open_orders(1))
    venue.redis.hdel(venue.keys.open_orders(1), name)


def _lost_balance(venue: Venue) -> None:
    venue.redis.hdel(venue.keys.balances, "2:INR")


def _other_key(venue: Venue) -> None:
    venue.redis.hset(venue.keys.results, "1:never-sent", encode((1, 1, 1, b"12345678")))


def _lost_key(venue: Venue) -> None:
    venue.redis.hdel(venue.keys.results, "1:first")


def _other_chain(venue: Venue) -> None:
    venue.redis.hset(venue.keys.meta, "chain", "11" * 32)


TAMPERINGS: list[Callable[[Venue], None]] = [
    _more_money,
    _new_owner,
    _lost_order,
    _lost_balance,
    _other_key,
    _lost_key,
    _other_chain,
    lambda venue: _flip(venue, venue.keys.open_orders(1)),
    lambda venue: _flip(venue, venue.keys.totals),
    lambda venue: _flip(venue, venue.keys.accounts),
    lambda venue: _flip(venue, venue.keys.markets),
    lambda venue: _flip(venue, venue.keys.market_states),
    lambda venue: _flip(venue, venue.keys.assets),
]


@pytest.mark.parametrize("number", range(len(TAMPERINGS)))
def test_a_row_that_was_changed_is_found(
    venue: Venue, watching: WatchingStandby, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_audit, "PAGE_ROWS", 5)
    trade(venue, 0)
    watching.turns()
    TAMPERINGS[number](venue)
    watching.turns(ROUND_TURNS)
    assert halt_of(venue).startswith("the standby disagrees")


def test_a_broken_rule_in_memory_halts_the_venue(venue: Venue, watching: WatchingStandby) -> None:
    trade(venue, 0)
    watching.turns()
    follower = watching.standby._follower
    assert follower is not None
    follower.exchange.state.ledger.accounts[2].balances["INR"].available += 5
    trade(venue, 10)
    watching.turns(ROUND_TURNS)
    assert "entry" in halt_of(venue)


def test_a_halted_venue_goes_on_from_its_rows_when_told_to(
    venue: Venue, watching: WatchingStandby
) -> None:
    trade(venue, 0)
    watching.turns()
    tampered_event(venue)
    watching.turns()
    assert halt_of(venue)
    watching.link.run("resume", [venue.keys.meta, venue.keys.attempts], [])
    watching.turns()
    trade(venue, 80)
    watching.turns()
    assert halt_of(venue) == ""
    assert watching.standby.position == int(venue.meta("position"))


# ---- streams ----


def test_a_standby_behind_the_trimming_loads_again(venue: Venue, watching: WatchingStandby) -> None:
    trade(venue, 0)
    watching.turns()
    trade(venue, 10)
    trade(venue, 20)
    venue.redis.xtrim(venue.keys.events, maxlen=1)
    venue.redis.xtrim(venue.keys.journal, maxlen=1)
    watching.turns(5)
    assert halt_of(venue) == ""
    assert watching.standby.position == int(venue.meta("position"))


def test_a_standby_behind_the_trimmed_journal_loads_again(
    venue: Venue, watching: WatchingStandby
) -> None:
    trade(venue, 0)
    watching.turns()
    trade(venue, 10)
    trade(venue, 20)
    venue.redis.xtrim(venue.keys.journal, maxlen=1)
    watching.turns(5)
    assert halt_of(venue) == ""
    assert watching.standby.position == int(venue.meta("position"))


def test_what_another_version_committed_is_no_difference(
    venue: Venue, watching: WatchingStandby
) -> None:
    trade(venue, 0)
    watching.turns()
    tampered_event(venue)
    venue.redis.hset(venue.keys.meta, "program", "99.0.0")
    watching.turns(5)
    assert halt_of(venue) == ""
    assert watching.standby.position == 0, "it waits for an engine of its own version"
    trade(venue, 10)  # An engine of ours has the lease again.
    watching.turns(5)
    assert halt_of(venue) == ""
    assert watching.standby.position == int(venue.meta("position"))
    tampered_event(venue)
    watching.turns()
    assert halt_of(venue)


def test_an_entry_that_is_gone_from_the_middle_halts_the_venue(
    venue: Venue, watching: WatchingStandby
) -> None:
    trade(venue, 0)
    watching.turns()
    n = int(venue.meta("position")) + 1
    trade(venue, 10)
    venue.redis.xdel(venue.keys.journal, f"{n}-0")
    watching.turns(5)
    assert f"entry {n} " in halt_of(venue)


def test_a_venue_that_was_emptied_is_loaded_anew(venue: Venue, watching: WatchingStandby) -> None:
    trade(venue, 0)
    watching.turns()
    venue.redis.flushall()
    venue.seed()
    venue.engine().run_until_idle()
    watching.turns(10)
    assert halt_of(venue) == ""
    assert watching.standby.position == int(venue.meta("position"))


def test_a_skipped_entry_is_followed(venue: Venue, watching: WatchingStandby) -> None:
    venue.engine().run_until_idle()
    watching.turns()
    deadly = venue.journal(order(1))
    venue.journal(order(2))
    venue.redis.hset(venue.keys.meta, mapping={"halt": "a test", "halted_n": deadly})
    keys = [venue.keys.n, venue.keys.journal, venue.keys.meta, venue.keys.attempts]
    watching.link.run("skip", keys, [deadly, _skip_payload(deadly)])
    venue.engine().run_until_idle()
    watching.turns()
    assert halt_of(venue) == ""
    assert watching.standby.position == int(venue.meta("position")) == deadly + 2


def _skip_payload(n: int) -> bytes:
    return encode((1, NOBODY, 0, SkipCommand(skip_n=n)))


# ---- snapshots ----


def test_a_verified_snapshot_is_written_and_holds_the_venue(venue: Venue, tmp_path: Path) -> None:
    with contextlib.closing(WatchingStandby(venue, snapshots=tmp_path)) as watching:
        for number in range(0, 40, 10):
            trade(venue, number)
            watching.turns(5)
        assert len(list_snapshots(tmp_path)) == 2
        found = newest_snapshot(tmp_path, venue.engine().service._options.limits)
        assert found is not None
        about, exchange = found
        assert (about.position, about.chain) == (int(venue.meta("position")), venue.meta("chain"))
        note = watching.watch.note()
        assert note is not None
        assert (note.verified_hash, note.snapshot_position) == (about.state_hash, about.position)
        assert exchange.state_hash() == about.state_hash


def test_a_broken_rule_writes_no_snapshot(venue: Venue, tmp_path: Path) -> None:
    with contextlib.closing(WatchingStandby(venue, snapshots=tmp_path)) as watching:
        trade(venue, 0)
        watching.turns(1)  # It loads.
        follower = watching.standby._follower
        assert follower is not None
        follower.exchange.state.ledger.accounts[2].balances["INR"].available += 5
        watching.turns(5)
        assert list_snapshots(tmp_path) == []
        assert halt_of(venue)

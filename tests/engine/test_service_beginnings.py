"""How an engine begins: from rows that are sound, or not at all."""

import contextlib
from collections.abc import Iterator

import pytest

from engine.core.changes import Rows
from engine.core.exchange import Exchange, Limits
from engine.operations import resume
from shared.messages import Deposit, PlaceOrder, Side
from tests.support.venue import LEASE_TTL_MS, Venue, as_bytes

ALICE = 1


@pytest.fixture
def venue(each_redis_url: str) -> Iterator[Venue]:
    with contextlib.closing(Venue(each_redis_url)) as venue:
        venue.seed()
        venue.journal(
            Deposit(account_id=ALICE, asset="TATA", amount_atoms=10),
            PlaceOrder(
                account_id=ALICE,
                market="TATA_INR",
                side=Side.SELL,
                price_ticks=100,
                quantity_lots=4,
            ),
        )
        venue.engine().run_until_idle()
        yield venue


def lost_row(venue: Venue, key: str) -> tuple[bytes, bytes]:
    """Delete a row of that hash and return it."""
    name, row = next(iter(venue.redis.hgetall(key).items()))
    venue.redis.hdel(key, name)
    return as_bytes(name), as_bytes(row)


@pytest.mark.parametrize("kind", ["assets", "markets", "totals", "accounts", "balances"])
def test_rows_that_break_a_rule_halt_the_venue_before_the_first_commit(
    venue: Venue, kind: str
) -> None:
    position = venue.meta("position")
    venue.journal(Deposit(account_id=2, asset="INR", amount_atoms=1))
    venue.redis.delete(getattr(venue.keys, kind))
    venue.engine().run_until_idle()
    assert venue.meta("halt").startswith("the rows do not make an exchange: ")
    assert venue.meta("position") == position
    assert not venue.redis.exists(venue.keys.attempts), "no entry is to blame for it"


def test_a_row_that_cannot_be_read_halts_the_venue(venue: Venue) -> None:
    venue.redis.hset(venue.keys.accounts, str(ALICE), b"\xc1")
    venue.journal(Deposit(account_id=ALICE, asset="TATA", amount_atoms=1))
    venue.engine().run_until_idle()
    assert venue.meta("halt").startswith("the rows do not make an exchange: ")


def test_a_venue_goes_on_when_its_rows_were_put_right(venue: Venue) -> None:
    name, row = lost_row(venue, venue.keys.accounts)
    venue.journal(Deposit(account_id=ALICE, asset="TATA", amount_atoms=1))
    venue.engine().run_until_idle()
    assert "holds 4, but its open orders and pending withdrawals hold 0" in venue.meta("halt")
    venue.redis.hset(venue.keys.accounts, name, row)
    resume(venue.engine().link, venue.keys)
    venue.engine().run_until_idle()
    assert venue.meta("halt") == ""
    assert venue.redis.hget(venue.keys.balances, "1:TATA") == b"7 4"


def test_the_reason_of_an_earlier_halt_stays(venue: Venue) -> None:
    lost_row(venue, venue.keys.accounts)
    engine = venue.engine()
    assert engine.store.acquire()
    venue.redis.hset(venue.keys.meta, "halt", "the standby disagrees: a row is gone")
    assert not engine.service._begin_or_halt()
    assert venue.meta("halt") == "the standby disagrees: a row is gone"
    engine.link.close()


def test_the_lease_lasts_while_an_engine_restores_and_not_longer(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_ms: list[int] = []
    sound = Exchange.restore

    def restore(rows: Rows, limits: Limits) -> Exchange:
        left_ms.append(venue.redis.pttl(venue.keys.lease))
        return sound(rows, limits)

    def at_step(name: str) -> None:
        if name == "loaded":
            left_ms.append(venue.redis.pttl(venue.keys.lease))

    monkeypatch.setattr(Exchange, "restore", restore)
    venue.journal(Deposit(account_id=ALICE, asset="TATA", amount_atoms=1))
    venue.engine(at_step=at_step).run_until_idle()
    restoring_ms, loaded_ms = left_ms
    assert restoring_ms > 20 * LEASE_TTL_MS, "no beat comes before millions of rows are restored"
    assert 0 < loaded_ms <= LEASE_TTL_MS

"""Loading while commits go on: the picture is true at one position, or it is refused."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine.core import invariants
from engine.core.exchange import Exchange
from engine.demo import demo_commands
from engine.loading import Loader, Torn, unpack_program
from engine.redis_link import Argument, RedisLink
from engine.rows import Meta, Program, raw_string
from shared.messages import (
    CancelOrder,
    CancelWithdrawal,
    Command,
    Deposit,
    PlaceOrder,
    RequestWithdrawal,
    Side,
)
from tests.support.replay import sorted_rows
from tests.support.venue import Venue

ACCOUNTS = 12
BURST = 9


@pytest.fixture
def venue(each_redis_url: str) -> Iterator[Venue]:
    with contextlib.closing(Venue(each_redis_url)) as venue:
        venue.seed()
        yield venue


def burst(number: int) -> list[Command]:
    """Commands that make, change and remove rows of every kind."""
    account_id = 1 + number % ACCOUNTS
    sender: dict[str, Any] = {"account_id": account_id}
    commands: list[Command] = [
        Deposit(asset="TATA", amount_atoms=1_000, idempotency_key=f"d{number}", **sender),
        Deposit(asset="INR", amount_atoms=1_000_000, **sender),
        CancelOrder(order_id=max(1, number * 5 - 20), **sender),
        RequestWithdrawal(asset="INR", amount_atoms=1 + number, **sender),
    ]
    if number >= ACCOUNTS:  # Its own request of one round before.
        request_n = len(demo_commands()) + (number - ACCOUNTS) * BURST + 4
        commands.append(CancelWithdrawal(withdrawal_id=request_n, **sender))
    for i in range(BURST - len(commands)):
        side = Side.BUY if i % 2 else Side.SELL
        commands.append(
            PlaceOrder(
                market="TATA_INR",
                side=side,
                price_ticks=100 + (number * 7 + i) % 5,
                quantity_lots=3,
                idempotency_key=f"{number}-{i}",
                **sender,
            )
        )
    return commands


class BusyLink(RedisLink):
    """A link during whose reads somebody else is at work."""

    def __init__(self, url: str, at_work: Callable[[], None]) -> None:
        super().__init__(url)
        self._at_work = at_work

    def call(self, *arguments: Argument) -> object:
        if arguments[0] in ("HSCAN", "HGETALL"):
            self._at_work()
        return super().call(*arguments)


def loaded(venue: Venue, at_work: Callable[[], None]) -> tuple[Meta, Exchange]:
    link = BusyLink(venue.url, lambda: None)
    link.open()
    link._at_work = at_work
    with contextlib.closing(link):
        meta, rows = Loader(link, venue.keys).load()
    return meta, Exchange.restore(rows)


def test_rows_loaded_between_commits_are_those_of_the_last_commit(venue: Venue) -> None:
    for number in range(20):
        venue.journal(*burst(number))
    engine = venue.engine(batch_max=4)
    bursts = iter(range(20, 1_000))

    def at_work() -> None:
        venue.journal(*burst(next(bursts)))
        engine.service.turn()
        engine.service.turn()
        engine.service._settle()

    assert engine.store.acquire()
    engine.service._begin()
    meta, exchange = loaded(venue, at_work)
    invariants.check(exchange)
    assert exchange.n == meta.position > 100
    assert 0 < len(exchange.state.withdrawals) <= ACCOUNTS
    engine.service._settle()
    _meta, rows = engine.store.load()
    assert sorted_rows(exchange.rows()) == sorted_rows(rows), "nothing was committed since"
    assert exchange.state_hash() == engine.service.exchange.state_hash()
    engine.link.close()


def test_a_picture_that_is_put_together_again_still_gives_signs_of_life(venue: Venue) -> None:
    for number in range(20):
        venue.journal(*burst(number))
    engine = venue.engine(batch_max=4)
    bursts = iter(range(20, 1_000))
    assert engine.store.acquire()
    engine.service._begin()

    def at_work() -> None:
        venue.journal(*burst(next(bursts)))
        engine.service.turn()
        engine.service._settle()

    link = BusyLink(venue.url, at_work)
    link.open()
    read_at: list[int] = []
    caught_up: list[int] = []
    loader = Loader(link, venue.keys, lambda: read_at.append(loader.position))
    sound = loader._catch_up

    def catch_up() -> None:
        sound()
        caught_up.append(len(read_at))

    loader._catch_up = catch_up  # type: ignore[method-assign]
    meta, _rows = loader.load()
    link.close()
    engine.link.close()
    assert len(read_at) > caught_up[0], "also while nothing is read from Redis any more"
    assert loader.position == meta.position > read_at[0]


def test_rows_of_a_quiet_venue_are_read_once(venue: Venue) -> None:
    engine = venue.engine().run_until_idle()
    meta, exchange = loaded(venue, lambda: None)
    assert exchange.state_hash() == engine.service.exchange.state_hash()
    assert meta.position == exchange.n


def test_commits_that_leave_no_changes_make_no_picture(venue: Venue) -> None:
    engine = venue.engine()
    assert engine.store.acquire()
    engine.service._begin()
    moves = iter(range(1_000))

    def at_work() -> None:
        venue.redis.delete(venue.keys.changes_wanted, venue.keys.changes)
        venue.journal(*burst(next(moves)))
        engine.service.turn()

    with pytest.raises(Torn):
        loaded(venue, at_work)
    engine.link.close()


def test_no_commit_leaves_changes_that_nobody_wants(venue: Venue) -> None:
    venue.engine().run_until_idle()
    loaded(venue, lambda: None)
    venue.journal(*burst(1))
    venue.engine().run_until_idle()
    assert not venue.redis.exists(venue.keys.changes)


@pytest.mark.parametrize("size", [0, 1, 31, 32, 255, 256, 70_000])
def test_a_packed_program_is_read_back(size: int) -> None:
    program = Program()
    program.write("HSET", "key", [raw_string(b"\xff" * size), "7"])
    assert unpack_program(program.packed()) == [b"HSET", b"key", b"2", b"\xff" * size, b"7"]

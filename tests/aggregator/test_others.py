"""The books and trades of another process, over a real Redis, with its silences and restarts."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from aggregator import others
from aggregator.merge import MergeOptions
from aggregator.others import GONE, Others
from aggregator.outlet.consolidated import ConsolidatedOutlet
from shared.channels import Keys
from shared.messages import BookState, ConsolidatedBook, OutsideBook
from shared.publishing import BookNow, Publisher, PublisherLink
from tests.support.deadlines import eventually_async
from tests.support.tcp_proxy import tcp_proxy

KEYS = Keys("test")
BOOK = "kraken:spot:BTC/USD"
TAPE = "trades:consolidated:BTC/USD"
CENT = 10**16


class OtherProcess:
    """What another aggregator publishes: one live book and its tape."""

    def __init__(self, redis_url: str, name: str = "aggregator-2") -> None:
        self.publisher = Publisher(name, KEYS, boot_us=time.time_ns() // 1_000)
        self.link = PublisherLink(redis_url, KEYS, self.publisher)
        self.book = self.publisher.open_book(f"book:{BOOK}", self._image)
        self.tape = self.publisher.open_log(f"trades:{BOOK}")
        self.book.change(time.time_ns())

    def _image(self) -> BookNow:
        said = OutsideBook(at_ns=1, book=BOOK, state=BookState.LIVE, since_ns=1)
        bids, asks = [(9_900, ("99", "1"))], [(10_000, ("100", "2"))]
        return BookNow(bids, asks, msgspec.json.encode(said))

    def trade(self, number: int) -> None:
        self.tape.add(time.time_ns(), b'{"trade_id":"%d"}' % number)


class Consolidating:
    """The process that has the consolidated books, as far as the others go."""

    def __init__(self, redis_url: str) -> None:
        self.publisher = Publisher("aggregator", KEYS, boot_us=1)
        self.outlet = ConsolidatedOutlet(self.publisher, MergeOptions())
        self.others = Others(redis_url, KEYS, "aggregator", self.outlet, lambda: None)
        self.trades: list[bytes] = []
        add = self.outlet.say_trade

        def say_trade(book: str, at_ns: int, said: bytes) -> None:
            self.trades.append(said)
            add(book, at_ns, said)

        self.outlet.say_trade = say_trade  # type: ignore[method-assign]

    @property
    def now(self) -> ConsolidatedBook:
        return self.outlet.merger.symbols["BTC/USD"].info(1)

    @property
    def is_in(self) -> bool:
        return "BTC/USD" in self.outlet.merger.symbols and self.now.books == (BOOK,)

    @property
    def is_out(self) -> bool:
        return not self.now.books and [one.reason for one in self.now.left_out] == [GONE]


@asynccontextmanager
async def consolidating(redis_url: str) -> AsyncIterator[Consolidating]:
    ours = Consolidating(redis_url)
    await ours.others.start()
    try:
        yield ours
    finally:
        await ours.others.close()


@asynccontextmanager
async def publishing(redis_url: str, name: str = "aggregator-2") -> AsyncIterator[OtherProcess]:
    other = OtherProcess(redis_url, name)
    await other.link.start()
    try:
        yield other
    finally:
        await other.link.close()


async def heard(ours: Consolidating, other: OtherProcess, *numbers: int) -> None:
    """Let these trades happen there, and wait until they are on the tape here."""
    for number in numbers:
        other.trade(number)
    last = b'{"trade_id":"%d"}' % numbers[-1]
    await eventually_async(lambda: last in ours.trades)


def is_up_to_date(ours: Consolidating) -> bool:
    return ours.others.counts()["behind"] == 0


def ids(ours: Consolidating) -> list[int]:
    return [int(msgspec.json.decode(said)["trade_id"]) for said in ours.trades]


async def test_another_process_s_book_and_trades_are_taken_in(redis_url: str) -> None:
    async with consolidating(redis_url) as ours, publishing(redis_url) as other:
        await eventually_async(lambda: ours.is_in)
        assert (ours.now.bid, ours.now.ask) == ("99", "100")
        await eventually_async(lambda: is_up_to_date(ours))
        await heard(ours, other, 1, 2)
        assert ids(ours) == [1, 2]
        assert ours.others.counts() == {"channels": 2, "behind": 0, "gaps": 0, "unreadable": 0}


async def test_what_is_no_aggregator_is_passed_over(redis_url: str) -> None:
    async with (
        consolidating(redis_url) as ours,
        publishing(redis_url, "prices"),
        publishing(redis_url),
    ):
        await eventually_async(lambda: ours.is_in)
        assert ours.others.counts()["channels"] == 2


async def test_a_process_that_ends_is_left_out_with_the_reason(redis_url: str) -> None:
    async with consolidating(redis_url) as ours:
        async with publishing(redis_url):
            await eventually_async(lambda: ours.is_in)
        await eventually_async(lambda: ours.is_out)


async def test_after_a_silence_no_trade_is_told_twice(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(others, "SILENCE_MAX_S", 0.5)
    async with (
        tcp_proxy(redis_url) as proxy,
        consolidating(redis_url) as ours,
        publishing(proxy.url) as other,
    ):
        await eventually_async(lambda: ours.is_in)
        await eventually_async(lambda: is_up_to_date(ours))
        await heard(ours, other, 1, 2, 3)
        # Given: it cannot be heard for a while, and trades go on there.
        await proxy.refuse()
        await eventually_async(lambda: ours.is_out)
        other.trade(4)
        await proxy.open()
        await eventually_async(lambda: ours.is_in)
        await heard(ours, other, 5)
        assert ids(ours) == [1, 2, 3, 4, 5]


async def test_who_cannot_hear_redis_leaves_out_all_that_is_heard_by_it(redis_url: str) -> None:
    async with (
        tcp_proxy(redis_url) as proxy,
        publishing(redis_url) as other,
        consolidating(proxy.url) as ours,
    ):
        await eventually_async(lambda: ours.is_in)
        await eventually_async(lambda: is_up_to_date(ours))
        await heard(ours, other, 1)
        await proxy.refuse()
        await eventually_async(lambda: ours.is_out)
        # What was missed meanwhile is filled in by the numbers, and said once.
        other.trade(2)
        await proxy.open()
        await eventually_async(lambda: ours.is_in)
        await heard(ours, other, 3)
        assert ids(ours) == [1, 2, 3]


async def test_what_cannot_be_read_is_counted_and_changes_nothing(redis_url: str) -> None:
    async with consolidating(redis_url) as ours, publishing(redis_url) as other:
        await eventually_async(lambda: ours.is_in)
        ours.others._on_alive(b"nothing")
        lane = ours.others._lanes[other.book.name]
        ours.others._on_publication(lane, b"nothing")
        assert ours.others.counts()["unreadable"] == 2
        assert ours.is_in

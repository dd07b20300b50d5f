"""ccxt's exchanges as a feed: with a library of our own making, and with the real one."""

import asyncio
import sys
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from types import ModuleType
from typing import Any, cast

import pytest

from aggregator.books.desk import Desk, DeskOptions
from aggregator.connectors import ccxt_any
from aggregator.feed.ccxt_socket import (
    MISSING,
    CcxtError,
    NumberError,
    book_message,
    exact,
    instruments_message,
    load_exchange,
    make_exact,
    trade_message,
)
from aggregator.feed.fleet import Fleet
from aggregator.feed.opening import OpeningError, Way, open_socket
from aggregator.feed.sockets import Listener
from aggregator.protocol import BookUpdate, Evidence, FrameError, Instrument, TradeUpdate, Update
from aggregator.registry import load_connectors
from shared.messages import BookState, Side
from tests.support.deadlines import eventually_async

FEED = "ccxt-fake:spot"
PAIR = "BTC/USDT"
BOOK = {"bids": [[Decimal("1.10"), Decimal("2"), None]], "asks": [["1.20", 3]], "timestamp": 7}
LATE_MS = 10**14  # A time after any that a test runs at.
SPOT: dict[str, object] = {
    "symbol": PAIR,
    "base": "BTC",
    "quote": "USDT",
    "spot": True,
    "active": True,
}


MARKETS: dict[str, Any] = {
    PAIR: SPOT,
    "future": {**SPOT, "symbol": "BTC/USDT:USDT", "spot": False},
    "gone": {**SPOT, "symbol": "OLD/USDT", "active": False},
}


def trade(number: int, **fields: object) -> dict[str, object]:
    told = {"id": str(number), "price": "1.10", "amount": "0.5", "side": "buy"}
    return {**told, "timestamp": LATE_MS, **fields}


class FakeExchange:
    """Gives what a script says, one after the other, and then nothing for ever."""

    books: Iterable[object] = ()
    trades: Iterable[object] = ()
    markets: dict[str, Any] | Exception = MARKETS
    has: dict[str, bool] = {}  # noqa: RUF012 - each test has a class of its own.
    made: list["FakeExchange"] = []  # noqa: RUF012

    def __init__(self, options: dict[str, object]) -> None:
        assert options == {"enableRateLimit": True}
        self.is_closed = False
        self.asked: set[str] = set()
        self.made.append(self)
        self._books: Iterator[object] = iter(self.books)
        self._trades: Iterator[object] = iter(self.trades)

    async def load_markets(self) -> dict[str, Any]:
        if isinstance(self.markets, Exception):
            raise self.markets
        return self.markets

    async def watch_order_book(self, pair: str) -> object:
        return await self._next("watch_order_book", self._books)

    async def fetch_order_book(self, pair: str) -> object:
        return await self._next("fetch_order_book", self._books)

    async def watch_trades(self, pair: str) -> object:
        return await self._next("watch_trades", self._trades)

    async def fetch_trades(self, pair: str) -> object:
        return await self._next("fetch_trades", self._trades)

    async def close(self) -> None:
        self.is_closed = True

    async def _next(self, way: str, script: Iterator[object]) -> object:
        self.asked.add(way)
        answer = next(script, None)
        if answer is None:
            await asyncio.Event().wait()
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> type[FakeExchange]:
    """A library with one exchange, `fake`, whose scripts are the class's."""

    class Scripted(FakeExchange):
        made: list[FakeExchange] = []  # noqa: RUF012

    module = ModuleType("ccxt.pro")
    vars(module).update(exchanges=["fake"], fake=Scripted)
    monkeypatch.setitem(sys.modules, "ccxt.pro", module)
    return Scripted


async def follow(done: Callable[[Desk], object]) -> Desk:
    """Run a fleet of this one feed until something is so."""
    connector, manifest = load_connectors(wanted=[FEED])[FEED]
    desk = Desk(connector, manifest, [PAIR], DeskOptions())
    fleet = Fleet([desk])
    fleet.start()
    try:
        await eventually_async(lambda: done(desk))
    finally:
        await fleet.close()
    return desk


def parsed(message: bytes | None) -> Update:
    assert message is not None
    (update,) = ccxt_any.parse_message(message, 0)
    return update


@pytest.mark.parametrize("has_streams", [True, False])
async def test_a_book_and_its_trades_come_to_a_desk(
    library: type[FakeExchange], has_streams: bool
) -> None:
    library.has = {"watchOrderBook": has_streams, "watchTrades": has_streams}
    library.books, library.trades = [BOOK], [[trade(1), trade(2), trade(2), trade(3, id=None)]]
    got: list[str] = []

    def all_there(desk: Desk) -> bool:
        got.extend(trade.trade_id for trade in desk.take_trades())
        return desk.listings[PAIR].state is BookState.LIVE and got == ["1", "2"]

    desk = await follow(all_there)
    asked = set().union(*(exchange.asked for exchange in library.made))
    way = "watch" if has_streams else "fetch"
    assert asked == {f"{way}_order_book", f"{way}_trades"}
    assert all(exchange.is_closed for exchange in library.made)
    assert desk.listings[PAIR].name == f"{FEED}:{PAIR}"


async def test_after_a_failure_it_begins_anew(library: type[FakeExchange]) -> None:
    library.has = {"watchOrderBook": True, "fetchTrades": False}
    # One script for all connections: the second one goes on where the first one was cut.
    library.books = iter([BOOK, ConnectionError("cut"), BOOK])

    def has_come_back(desk: Desk) -> bool:
        return len(library.made) >= 2 and desk.listings[PAIR].state is BookState.LIVE

    await follow(has_come_back)
    assert all(exchange.is_closed for exchange in library.made)


class NeverOpened:
    """A listener that nothing is told to."""

    def opened(self, socket: object) -> None:
        raise AssertionError("it was opened")

    received = ponged = lost = opened


async def test_what_keeps_it_from_opening_is_said(library: type[FakeExchange]) -> None:
    async def refusal(url: str, way: Way) -> str:
        with pytest.raises(OpeningError) as caught:
            await open_socket(url, way, cast(Listener, NeverOpened()), memoryview(bytearray(1)))
        return str(caught.value)

    library.markets = ConnectionError("no such host")
    assert await refusal("ccxt://fake", Way()) == "ConnectionError: no such host"
    assert all(exchange.is_closed for exchange in library.made)
    offline = await refusal("ccxt://fake", Way("127.0.0.1:1"))
    assert offline == "nothing stands in for ccxt://fake offline"


def test_a_feed_is_made_for_the_name_that_is_wanted_and_is_proven_by_nothing() -> None:
    assert FEED not in load_connectors()
    _, manifest = load_connectors(wanted=[FEED, "binance:spot", "none:spot"])[FEED]
    assert manifest.evidence is Evidence.NONE
    assert manifest.from_documents_alone
    assert manifest.sockets[0].url == "ccxt://fake"
    for feed in ("binance:spot", "ccxt-:spot", "ccxt-fake:linear", "ccxt-fake"):
        assert ccxt_any.make_manifest(feed) is None
    assert ccxt_any.fetch_snapshot(manifest, PAIR, 0) is None
    assert ccxt_any.fetch_instruments(manifest) is None
    assert ccxt_any.fetch_trades(manifest, PAIR) is None
    assert ccxt_any.guess_instrument(manifest, PAIR) == Instrument(PAIR, "BTC", "USDT")
    for rubbish in (b"", b"{}", b'{"kind":"book"}', b'{"kind":"other"}'):
        with pytest.raises(FrameError):
            ccxt_any.parse_message(rubbish, 0)


def test_only_spot_markets_that_are_traded_are_listed() -> None:
    assert parsed(instruments_message(MARKETS)) == Instrument(PAIR, "BTC", "USDT")


def test_texts_keep_every_digit_and_floats_become_the_shortest_text() -> None:
    levels = [["0.00005100", Decimal("1E-8")], [63004.9, 1e-7], [5, Decimal("2.50")]]
    assert parsed(book_message(PAIR, {"bids": levels, "asks": []})) == BookUpdate(
        PAIR,
        [("0.00005100", "0.00000001"), ("63004.9", "0.0000001"), ("5", "2.50")],
        [],
        is_snapshot=True,
    )


@pytest.mark.parametrize("value", [None, "abc", float("nan"), "1e999"])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(NumberError):
        book_message(PAIR, {"bids": [[value, 1]], "asks": []})


def test_a_trade_from_before_is_history_and_one_without_id_or_side_is_none() -> None:
    live = parsed(trade_message(PAIR, trade(5), LATE_MS))
    assert live == TradeUpdate(PAIR, "5", "1.10", "0.5", Side.BUY, LATE_MS * 10**6)
    old = parsed(trade_message(PAIR, trade(5), LATE_MS + 1))
    assert isinstance(old, TradeUpdate)
    assert old.is_history
    assert trade_message(PAIR, trade(5, id=None), 0) is None
    assert trade_message(PAIR, trade(5, side=None), 0) is None


def test_a_missing_library_and_an_unknown_exchange_are_clear_errors() -> None:
    with pytest.raises(CcxtError) as caught:
        load_exchange("kraken", modules=("no_such_library",))
    assert str(caught.value) == MISSING
    pytest.importorskip("ccxt")
    with pytest.raises(CcxtError, match="'krakn'; did you mean 'kraken'"):
        load_exchange("krakn")


async def test_the_library_gives_decimals_where_it_would_give_floats() -> None:
    pytest.importorskip("ccxt")
    exchange = load_exchange("kraken")
    try:
        book = exchange.parse_order_book(
            {"bids": [["63004.90", "0.00005100"]], "asks": [["63005.0", "1E-8"]]}, "BTC/USD"
        )
        update = parsed(book_message("BTC/USD", book))
        assert isinstance(update, BookUpdate)
        assert update.bids == [("63004.90", "0.00005100")]
        assert update.asks == [("63005.0", "0.00000001")]
        told = exchange.safe_trade({"id": "1", "price": "0.10", "amount": "2.00", "side": "sell"})
        known = parsed(trade_message("BTC/USD", told, 0))
        assert isinstance(known, TradeUpdate)
        assert (known.price, known.quantity, known.taker_side) == ("0.10", "2.00", Side.SELL)
    finally:
        await exchange.close()


def test_an_exchange_is_made_exact_by_its_own_option() -> None:
    exchange = make_exact(type("Bare", (), {"number": float})())
    assert exchange.number is exact
    assert str(exchange.number("1.10")) == "1.10"
    assert str(exchange.number(63004.9)) == "63004.9"

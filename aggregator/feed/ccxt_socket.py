"""The library ccxt as if it were a socket: what it gives comes as messages, in texts of our own.

The rule of this file: the only one that knows the library, which is loaded when it is first wanted.
So reconnecting, silence, limits of memory, recording and figures are those of every other venue.
"""

import asyncio
import difflib
import importlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

import msgspec

from aggregator.feed.sockets import ABNORMAL, Listener, VenueSocket
from aggregator.protocol import Change, Kind

SCHEME = "ccxt://"
MISSING = "The extra `ccxt` is not installed: pip install 'rialto[ccxt]'."
OPEN_WITHIN_S = 30.0  # The list of markets is asked for, of some exchanges in several questions.
LEVELS_MAX = 100  # Of a side: the whole book comes each time, and more would only cost.
TRADES_MAX = 1_000  # Of one answer.
TOPICS_MAX = 1_000  # Followed at a time.
DIGITS_MAX = 40
# Beside the exchange's own limit: without streams a book is a picture from time to time.
POLL_S = 1.0
NS_A_MS = 1_000_000


class CcxtError(Exception):
    """The library is not there, or it does not know what is wanted; the text says which."""


class NumberError(ValueError):
    """The library gave something that is no price and no quantity."""


def load_exchange(name: str, modules: Sequence[str] = ("ccxt.pro", "ccxt.async_support")) -> Any:
    """Return a new exchange of the library, with streams where it has them.

    Raises CcxtError, which names the nearest exchange for an unknown one. `close` it after.
    """
    known: list[str] = []
    for module_name in modules:
        try:
            library = importlib.import_module(module_name)
        except ImportError as error:
            raise CcxtError(MISSING) from error
        if name in library.exchanges:
            return make_exact(getattr(library, name)({"enableRateLimit": True}))
        known += library.exchanges
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise CcxtError(f"ccxt has no exchange {name!r}{hint}")


def make_exact(exchange: Any) -> Any:
    """Have the library make decimals of what exchanges write, where it would make floats."""
    exchange.number = exact
    return exchange


def exact(value: object) -> Decimal:
    """Return a decimal of a text, digit for digit; of a float the shortest one that is it."""
    return Decimal(str(value))


def number_text(value: object) -> str:
    """Return a number of the library as a plain decimal text; raises NumberError."""
    try:
        number = exact(value)
    except ArithmeticError as error:
        raise NumberError(f"{value!r} is no number.") from error
    if not number.is_finite() or abs(number.adjusted()) > DIGITS_MAX:
        raise NumberError(f"{value!r} is no price and no quantity.")
    return format(number, "f")


def book_message(symbol: str, book: Mapping[str, Any]) -> bytes:
    """Return a book of the library as a message; raises NumberError."""
    at_ns = int(book.get("timestamp") or 0) * NS_A_MS
    bids, asks = _changes(book["bids"]), _changes(book["asks"])
    return msgspec.json.encode(
        {"kind": "book", "symbol": symbol, "bids": bids, "asks": asks, "at_ns": at_ns}
    )


def _changes(levels: Sequence[Sequence[object]]) -> list[Change]:
    return [(number_text(level[0]), number_text(level[1])) for level in levels[:LEVELS_MAX]]


def trade_message(symbol: str, trade: Mapping[str, Any], since_ms: int) -> bytes | None:
    """Return a trade of the library as a message; None for one without an id or a side, which
    cannot be told from others. One before `since_ms` is history. Raises NumberError.
    """
    trade_id, side = trade.get("id"), trade.get("side")
    if not trade_id or side not in ("buy", "sell"):
        return None
    at_ms = int(trade.get("timestamp") or 0)
    return msgspec.json.encode(
        {
            "kind": "trade",
            "symbol": symbol,
            "trade_id": str(trade_id),
            "price": number_text(trade["price"]),
            "quantity": number_text(trade["amount"]),
            "side": side,
            "at_ns": at_ms * NS_A_MS,
            "is_history": at_ms < since_ms,
        }
    )


def instruments_message(markets: Mapping[str, Mapping[str, Any]]) -> bytes:
    """Return the spot markets that are traded as a message."""
    listed = [
        (market["symbol"], market["base"], market["quote"])
        for market in markets.values()
        if market.get("spot") and market.get("active") is not False
    ]
    return msgspec.json.encode({"kind": "instruments", "instruments": listed})


class CcxtSocket:
    """Looks like a `VenueSocket`. `trades_passed_over` had no id or no side."""

    def __init__(
        self,
        exchange: Any,
        listener: Listener,
        *,
        since_ms: int,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.bytes_received = 0
        self.bytes_sent = 0
        self.is_open = True
        self.trades_passed_over = 0
        self._exchange = exchange
        self._listener = listener
        self._since_ms = since_ms
        self._pause = pause
        self._following: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._closing: asyncio.Task[None] | None = None

    def send(self, text: str) -> bool:
        """Follow a topic, or cease to; False when it is over."""
        if not self.is_open:
            return False
        topic = msgspec.json.decode(text)
        kind, symbol = topic["kind"], topic["symbol"]
        before = self._following.pop((kind, symbol), None)
        if before is not None:
            before.cancel()
        if topic["wanted"]:
            assert len(self._following) < TOPICS_MAX, "a connection has room for its topics"
            work = self._guarded(_WAYS[kind](self, symbol))
            self._following[kind, symbol] = asyncio.create_task(work)
        return True

    def ping(self) -> None:
        """The library keeps its own connections; ours to it cannot be cut."""
        asyncio.get_running_loop().call_soon(self._listener.ponged)

    def pause(self) -> None:
        """There is no line to leave anything on: what is too much ends the connection."""

    def resume(self) -> None:
        """Nothing was paused."""

    def close(self, code: int, reason: str) -> None:
        """Be gone: the listener is told at once, and of nothing afterwards."""
        if not self.is_open:
            return
        self.is_open = False
        for task in self._following.values():
            task.cancel()
        self._following.clear()
        # Kept, as the loop itself keeps no task.
        self._closing = asyncio.create_task(self._exchange.close())
        self._listener.lost(code, reason)

    async def _guarded(self, work: Coroutine[object, object, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - the library has forty classes of errors.
            self.close(ABNORMAL, f"{type(error).__name__}: {error}")

    def _hand_over(self, messages: list[bytes]) -> None:
        if messages and self.is_open:
            self.bytes_received += sum(map(len, messages))
            self._listener.received([*messages])

    async def _list(self, _symbol: str) -> None:
        self._hand_over([instruments_message(await self._exchange.load_markets())])

    async def _follow_book(self, symbol: str) -> None:
        is_stream = bool(self._exchange.has.get("watchOrderBook"))
        ask = self._exchange.watch_order_book if is_stream else self._exchange.fetch_order_book
        while True:
            self._hand_over([book_message(symbol, await ask(symbol))])
            await self._pause(0 if is_stream else POLL_S)

    async def _follow_trades(self, symbol: str) -> None:
        is_stream = bool(self._exchange.has.get("watchTrades"))
        if not is_stream and self._exchange.has.get("fetchTrades") is False:
            return  # There are such exchanges; their books are worth having.
        ask = self._exchange.watch_trades if is_stream else self._exchange.fetch_trades
        while True:
            trades = (await ask(symbol))[-TRADES_MAX:]
            messages = [trade_message(symbol, trade, self._since_ms) for trade in trades]
            known = [message for message in messages if message is not None]
            self.trades_passed_over += len(messages) - len(known)
            self._hand_over(known)
            await self._pause(0 if is_stream else POLL_S)


_WAYS: dict[str, Callable[[CcxtSocket, str], Coroutine[object, object, None]]] = {
    Kind.INSTRUMENTS: CcxtSocket._list,
    Kind.BOOK: CcxtSocket._follow_book,
    Kind.TRADES: CcxtSocket._follow_trades,
}


async def open_ccxt(url: str, listener: Listener, since_ms: int) -> VenueSocket:
    """Open `ccxt://<exchange>`. Raises CcxtError for whatever keeps it from working."""
    # Loading takes half a second, and is done once.
    exchange = await asyncio.to_thread(load_exchange, url.removeprefix(SCHEME))
    try:
        async with asyncio.timeout(OPEN_WITHIN_S):
            await exchange.load_markets()
    except BaseException as error:
        await exchange.close()
        if isinstance(error, Exception):
            raise CcxtError(f"{type(error).__name__}: {error}") from error
        raise
    socket = cast(VenueSocket, CcxtSocket(exchange, listener, since_ms=since_ms))
    listener.opened(socket)
    return socket

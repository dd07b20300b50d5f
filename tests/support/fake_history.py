"""The history's door as a small HTTP server of the test's own, which also misbehaves as it is told.

The rule of this file: it reads what it is asked with the contract's own function, and keeps it, so
that a test sees what the gateway has asked. Every ill manner is one word.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from urllib.parse import parse_qsl, urlsplit

import msgspec
from msgspec import Struct

from shared.rest.history import (
    Fills,
    Klines,
    Ledger,
    Orders,
    OrderStory,
    Rejections,
    Tickers,
    TradeHistory,
)
from shared.rest.history_queries import (
    CSV,
    ROUTES,
    TRADES,
    HistoryQuery,
    HistoryRoute,
    QueryFault,
    read_query,
)
from shared.rest.market_data import TradeView

SEQUENCE, AT_NS = 431, 1_924_992_000_123_456_789
KINDS: dict[str, type[Struct]] = {
    "/klines": Klines,
    "/tickers": Tickers,
    "/trades": TradeHistory,
    "/orders": Orders,
    "/orders/story": OrderStory,
    "/fills": Fills,
    "/ledger": Ledger,
    "/rejections": Rejections,
}
BIG = 10_000_000
CSV_HEAD = "trade_id,price\r\n"


class Manner(Enum):
    """How it answers."""

    GOOD = auto()
    DIES = auto()  # In the middle of an answer that said how long it would be.
    IS_SLOW = auto()  # A byte now and then, and never the end.
    HANGS = auto()  # Takes the request and says nothing.
    FAILS = auto()  # 500, with a page of text.
    TALKS_GARBAGE = auto()  # 200, and a body that is no JSON.
    TALKS_NO_HTTP = auto()
    TALKS_OTHER_JSON = auto()  # 200, and JSON that is no answer of the history.
    IS_HUGE = auto()  # Says how long it is.
    IS_ENDLESS = auto()  # Does not say it.
    REDIRECTS = auto()
    INJECTS = auto()  # Headers that are none of its business.
    MIXES_UP = auto()  # Answers about another account.
    CSV_DIES = auto()  # In the middle of a file.
    CSV_INJECTS = auto()  # A file with a name that is none.
    CSV_WITHOUT_COUNT = auto()
    REFUSES_ODDLY = auto()  # With a code that is not one of its own.


@dataclass
class FakeHistory:
    """What it was asked, and how it answers; `trades` are the ids of its trades, oldest first."""

    manner: Manner = Manner.GOOD
    is_healthy: bool = True
    url: str = ""
    asked: list[tuple[str, HistoryQuery]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    trades: Sequence[int] = ()
    csv_rows: int = 3
    csv_gate: asyncio.Event | None = None  # Before the second half of a CSV.
    refusal: QueryFault | None = None
    refusal_status: int = 404
    ended_early: int = 0  # Answers whose reader went away.
    example: Callable[[type[Struct]], object] = lambda _kind: {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                await self._one(head.split(b" ", 2)[1].decode(), writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _one(self, target: str, writer: asyncio.StreamWriter) -> None:
        place = urlsplit(target)
        self.paths.append(place.path)
        if place.path == "/health":
            _write(writer, b'{"status":"ok"}', status=200 if self.is_healthy else 503)
            return
        route = next(route for route in ROUTES if f"/v1{route.path}" == place.path)
        try:
            query = self._read(route, parse_qsl(place.query, keep_blank_values=True))
            if self.refusal is not None:
                raise self.refusal
        except QueryFault as fault:
            said = {"code": fault.code, "message": fault.sentence, "field": fault.field}
            body = msgspec.json.encode({**said, "request_id": ""})
            status = self.refusal_status if fault is self.refusal else 422
            _write(writer, body, status=status)
            return
        self.asked.append((route.path, query))
        if self.manner is not Manner.GOOD:
            await self._misbehave(writer)
        elif query.format == CSV:
            await self._send_csv(writer)
        else:
            _write(writer, self.body(route, query))
        await writer.drain()

    def _read(self, route: HistoryRoute, given: list[tuple[str, str]]) -> HistoryQuery:
        accounts = [int(text) for name, text in given if name == "account_id"]
        assert len(accounts) == int(route.is_private), "one account, where rows are of one"
        rest = [pair for pair in given if pair[0] != "account_id"]
        return read_query(route, rest, account_id=accounts[0] if accounts else 0)

    def body(self, route: HistoryRoute, query: HistoryQuery) -> bytes:
        """Return the answer to a query, as the gateway is to pass it on."""
        if route is TRADES:
            return msgspec.json.encode(self._page_of_trades(query)) + b"\n"
        body = self.example(KINDS[route.path])
        if isinstance(body, dict) and "account_id" in body:
            body["account_id"] = query.account_id
        return msgspec.json.encode(body) + b"\n"

    def _page_of_trades(self, query: HistoryQuery) -> TradeHistory:
        known = [id_ for id_ in self.trades if not query.before or id_ < query.before]
        page = known[-query.limit :][::-1]
        views = [TradeView(id_, "101.5", "4", "buy", False, id_) for id_ in page]
        following = "more" if len(known) > len(page) else None
        return TradeHistory(query.market, views, following, SEQUENCE, AT_NS)

    async def _send_csv(self, writer: asyncio.StreamWriter) -> None:
        writer.write(_csv_head(b"x-total-rows: %d\r\n" % self.csv_rows))
        half = self.csv_rows // 2
        _write_chunk(writer, CSV_HEAD + "".join(f"{row},101.5\r\n" for row in range(half)))
        try:
            await writer.drain()
            if self.csv_gate is not None:
                await self._wait_for_gate(writer)
            rest = (f"{row},101.5\r\n" for row in range(half, self.csv_rows))
            _write_chunk(writer, "".join(rest))
            _write_chunk(writer, "")
            await writer.drain()
        except ConnectionError:
            self.ended_early += 1
            raise

    async def _wait_for_gate(self, writer: asyncio.StreamWriter) -> None:
        assert self.csv_gate is not None
        while not self.csv_gate.is_set():
            _write_chunk(writer, "7,101.5\r\n")
            await writer.drain()
            await asyncio.sleep(0.01)

    async def _misbehave(self, writer: asyncio.StreamWriter) -> None:
        match self.manner:
            case Manner.DIES:
                writer.write(_head(1_000) + b'{"market":"TATA')
                await writer.drain()
                writer.close()
            case Manner.IS_SLOW:
                writer.write(_head(1_000))
                while not writer.is_closing():
                    writer.write(b" ")
                    await writer.drain()
                    await asyncio.sleep(0.02)
            case Manner.HANGS:
                await asyncio.sleep(60)
            case Manner.TALKS_NO_HTTP:
                writer.write(b"SSH-2.0-OpenSSH_9.9\r\n")
                await writer.drain()
                writer.close()
            case Manner.CSV_WITHOUT_COUNT:
                writer.write(_csv_head(b""))
                _write_chunk(writer, "")
            case Manner.CSV_INJECTS:
                head = _csv_head(b"x-total-rows: 3\r\n")
                writer.write(head.replace(b"trades.csv", b'a"; filename*=evil'))
                _write_chunk(writer, "")
            case Manner.CSV_DIES:
                writer.write(_csv_head(b"x-total-rows: 100\r\n"))
                _write_chunk(writer, CSV_HEAD)
                await writer.drain()
                writer.close()
            case Manner.IS_ENDLESS:
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")
                for _ in range(BIG // 100_000):
                    writer.write(b" " * 100_000)
                    await writer.drain()
                writer.close()
            case _:
                status, body, more = _ILL_ANSWERS[self.manner]
                _write(writer, body, status=status, more=more)


_ILL_ANSWERS: dict[Manner, tuple[int, bytes, bytes]] = {
    Manner.FAILS: (500, b"Internal Server Error: /srv/history/door.py", b""),
    Manner.TALKS_GARBAGE: (200, b'{"sequence":1,"at_ns":2,"klines":[', b""),
    Manner.TALKS_OTHER_JSON: (200, b'{"hello":"world"}', b""),
    Manner.IS_HUGE: (200, b'{"sequence":1,"at_ns":2}' + b" " * BIG, b""),
    Manner.REDIRECTS: (302, b"{}", b"location: /v1/tickers\r\n"),
    Manner.INJECTS: (
        200,
        b'{"tickers":[],"sequence":1,"at_ns":2}',
        b"set-cookie: session=stolen\r\naccess-control-allow-origin: *\r\n"
        b"location: https://evil.example\r\ncache-control: public\r\n",
    ),
    Manner.MIXES_UP: (200, b'{"account_id":666,"sequence":1,"at_ns":2}', b""),
    Manner.REFUSES_ODDLY: (
        401,
        b'{"code":"TOKEN_MISSING","message":"","field":"","request_id":""}',
        b"",
    ),
}


def _csv_head(more: bytes) -> bytes:
    return (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/csv; charset=utf-8\r\n"
        b'content-disposition: attachment; filename="trades.csv"\r\n'
        b"%stransfer-encoding: chunked\r\n\r\n" % more
    )


def _head(size: int, status: int = 200, more: bytes = b"") -> bytes:
    return (
        b"HTTP/1.1 %d Status\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%s\r\n"
        % (status, size, more)
    )


def _write(
    writer: asyncio.StreamWriter, body: bytes, *, status: int = 200, more: bytes = b""
) -> None:
    writer.write(_head(len(body), status, more) + body)


def _write_chunk(writer: asyncio.StreamWriter, text: str) -> None:
    writer.write(b"%x\r\n%s\r\n" % (len(text), text.encode()))


@contextlib.asynccontextmanager
async def running_history(fake: FakeHistory) -> AsyncIterator[FakeHistory]:
    """Serve on a port of its own, in the loop of whoever asks."""
    serving: set[asyncio.Task[None]] = set()

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(fake.serve(reader, writer))
        serving.add(task)
        task.add_done_callback(serving.discard)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    fake.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield fake
    finally:
        server.close()
        for task in tuple(serving):
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        await asyncio.sleep(0)  # For the last sockets to be closed.


@contextlib.contextmanager
def history_in_a_thread(fake: FakeHistory) -> Iterator[FakeHistory]:
    """Serve for a test that has no loop of its own."""
    from threading import Event, Thread

    has_begun = Event()
    loop = asyncio.new_event_loop()
    ending = asyncio.Event()

    async def run() -> None:
        async with running_history(fake):
            has_begun.set()
            await ending.wait()

    thread = Thread(target=lambda: loop.run_until_complete(run()), daemon=True)
    thread.start()
    assert has_begun.wait(10), "the server has not begun"
    try:
        yield fake
    finally:
        loop.call_soon_threadsafe(ending.set)
        thread.join(10)
        loop.close()

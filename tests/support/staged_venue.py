"""A venue that plays a recording to a desk, with accidents on the way, and knows the true books.

The rule of this file: the true books are plain dictionaries, built from the whole recording by
nothing of the product but its numbers. What the desk asks for is answered from them, a little
later, as they are by then.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import nlargest, nsmallest
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from aggregator.books.book import Book
from aggregator.books.desk import Desk, DeskOptions
from aggregator.books.effects import Close, Effect, Fetch, Mismatch, Purpose, Renew, Send
from aggregator.books.plan import ConnectionPlan
from aggregator.books.words import BookState, Trade
from aggregator.protocol import (
    NONE,
    BookUpdate,
    Chain,
    Connector,
    FrameError,
    Manifest,
    SnapshotFrom,
    TradeUpdate,
    Update,
    to_text,
    to_units,
)
from aggregator.registry import load_connectors
from tests.support.recorded import recorded_rows

TOP_LEVELS = 40
ANSWER_AFTER = 3  # Frames between a wish and what comes of it.
LOST_BY_RECONNECT = 20
SNAPSHOT_LEVELS = 1_000
TRADES_IN_HISTORY = 1_000

Top = tuple[list[tuple[int, int]], list[tuple[int, int]]]


class TrueBook:
    """Levels by price, as the venue itself has them."""

    def __init__(self, truncates_to: int) -> None:
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self.last: BookUpdate | None = None
        self._truncates_to = truncates_to

    def apply(self, update: BookUpdate) -> None:
        if update.is_snapshot:
            self.bids, self.asks = {}, {}
        for side, changes in ((self.bids, update.bids), (self.asks, update.asks)):
            for price, quantity in changes:
                side[to_units(price)] = to_units(quantity)
                if not to_units(quantity):
                    del side[to_units(price)]
        if self._truncates_to:
            self.bids = dict(sorted(self.bids.items(), reverse=True)[: self._truncates_to])
            self.asks = dict(sorted(self.asks.items())[: self._truncates_to])
        self.last = update

    def top(self) -> Top:
        bids = nlargest(TOP_LEVELS, self.bids.items())
        return bids, nsmallest(TOP_LEVELS, self.asks.items())

    def snapshot(self, levels_count: int) -> BookUpdate:
        """Return the book as the venue would give it now."""
        last = self.last
        assert last is not None
        bids = sorted(self.bids.items(), reverse=True)[: levels_count or None]
        asks = sorted(self.asks.items())[: levels_count or None]
        return BookUpdate(
            symbol=last.symbol,
            bids=[(to_text(price), to_text(quantity)) for price, quantity in bids],
            asks=[(to_text(price), to_text(quantity)) for price, quantity in asks],
            is_snapshot=True,
            last_id=last.last_id,
            first_id=last.last_id,
            checksum=last.checksum,
            depth=last.depth,
            is_whole=not levels_count,
        )


def shown_top(book: Book) -> Top:
    bids = [(key, quantity) for key, quantity in book.bids.best(TOP_LEVELS)]
    return bids, [(-key, quantity) for key, quantity in book.asks.best(TOP_LEVELS)]


@dataclass(frozen=True)
class Recorded:
    """A recording as updates: each frame's, and its time. `snapshots` are those that were asked
    for, by symbol.
    """

    connector: Connector
    manifest: Manifest
    frames: Sequence[Sequence[Update]]
    at_ns: Sequence[int]
    depth: int = 0
    snapshots: Mapping[str, BookUpdate] = field(default_factory=dict)


def read_recording(
    data_dir: Path, name: str, feed: str, *, url: str = "", depth: int = 0, levels: int = 0
) -> Recorded:
    """Return a recording as updates: of the addresses that have `url` in them, and of `levels` a
    side in snapshots (0: all).
    """
    connector, manifest = load_connectors()[feed]
    frames: list[Sequence[Update]] = []
    times: list[int] = []
    snapshots: dict[str, BookUpdate] = {}
    for row in recorded_rows(data_dir, name):
        if row.kind == "recv" and url in row.url:
            frames.append(connector.parse_message(row.data.encode(), row.at_ns))
            times.append(row.at_ns)
        elif row.kind == "http" and "depth?" in row.url:
            symbol = row.url.partition("symbol=")[2].partition("&")[0]
            request = connector.fetch_snapshot(manifest, symbol, SNAPSHOT_LEVELS)
            assert request is not None
            (answer,) = request.read(row.data.encode(), row.url)
            assert isinstance(answer, BookUpdate)
            snapshots[symbol] = answer
    for update in (update for frame in frames for update in frame if levels):
        if isinstance(update, BookUpdate) and update.is_snapshot:
            update.bids, update.asks = update.bids[:levels], update.asks[:levels]
    return Recorded(connector, manifest, frames, times, depth, snapshots)


# What happens on the way: the number of a frame, or what else.
@dataclass(frozen=True)
class Delivery:
    frame: int
    is_cut: bool = False
    is_lost: bool = False
    reconnects: bool = False


def in_order(frames: Sequence[Sequence[Update]]) -> list[Delivery]:
    return [Delivery(number) for number in range(len(frames))]


def drop(deliveries: list[Delivery], at: int) -> None:
    deliveries[at] = replace(deliveries[at], is_lost=True)


def double(deliveries: list[Delivery], at: int) -> None:
    deliveries.insert(at + 1, deliveries[at])


def swap(deliveries: list[Delivery], at: int) -> None:
    deliveries[at : at + 2] = reversed(deliveries[at : at + 2])


def delay(deliveries: list[Delivery], at: int) -> None:
    deliveries.insert(min(at + 25, len(deliveries) - 1), deliveries.pop(at))


def cut(deliveries: list[Delivery], at: int) -> None:
    deliveries[at] = replace(deliveries[at], is_cut=True)


def reconnect(deliveries: list[Delivery], at: int) -> None:
    deliveries[at] = replace(deliveries[at], reconnects=True)
    for index in range(at, min(at + LOST_BY_RECONNECT, len(deliveries))):
        deliveries[index] = replace(deliveries[index], is_lost=True)


ACCIDENTS: dict[str, Callable[[list[Delivery], int], None]] = {
    "dropped": drop,
    "doubled": double,
    "swapped": swap,
    "delayed": delay,
    "truncated": cut,
    "reconnected": reconnect,
}


@dataclass
class Outcome:
    wrong: list[int] = field(default_factory=list)  # Deliveries after which a live book was wrong.
    compared: int = 0
    trades: list[Trade] = field(default_factory=list)
    mismatches: list[Mismatch] = field(default_factory=list)
    crossed_live: int = 0


class Stage:
    """One performance: `play` it, then look at `desk` and `outcome`."""

    def __init__(self, recorded: Recorded, **options: Any) -> None:
        self.outcome = Outcome()
        self._recorded = recorded
        self._manifest = recorded.manifest
        self._truth: dict[str, TrueBook] = {}
        self._tops: dict[tuple[str, int], Top] = {}
        self._trades_sent: dict[str, list[TradeUpdate]] = {}
        self._seen: dict[str, tuple[int, int, int]] = {}
        self._sent_up_to = -1
        self._connection = 1
        self._later: list[tuple[int, Callable[[int], None]]] = []
        self._step = 0
        connector = self._make_connector(recorded.connector)
        settings = {"guess_symbols": True, "depth": recorded.depth} | options
        self.desk = Desk(connector, recorded.manifest, (), DeskOptions(**settings))
        self._plan = ConnectionPlan(0, recorded.manifest.sockets[0], "wss://stage", (), ())

    @property
    def trades_sent_count(self) -> int:
        return sum(len(sent) for sent in self._trades_sent.values())

    def _make_connector(self, real: Connector) -> Any:
        names = [name for name in dir(real) if not name.startswith("__")]
        stage = SimpleNamespace(**{name: getattr(real, name) for name in names})
        stage.parse_message = self._parse
        return stage

    def _parse(self, frame: bytes, _at_ns: int) -> Sequence[Update]:
        if frame.startswith(b"cut"):
            raise FrameError("It was cut.")
        return self._recorded.frames[int(frame)]

    def play(self, deliveries: Sequence[Delivery]) -> Outcome:
        self.desk.opened(self._connection, self._plan, self._recorded.at_ns[0])
        for self._step, delivery in enumerate(deliveries):
            at_ns = self._recorded.at_ns[max(delivery.frame, self._sent_up_to, 0)]
            self._send_up_to(delivery.frame)
            if delivery.reconnects:
                self._reconnect("It broke.", at_ns)
            if not delivery.is_lost:
                frame = b"cut" if delivery.is_cut else str(delivery.frame).encode()
                self.desk.received(self._connection, frame, at_ns)
            self._look(at_ns)
            self._fulfil(at_ns)
        return self.outcome

    def _send_up_to(self, frame: int) -> None:
        """The venue goes on, whatever becomes of what it sends."""
        while self._sent_up_to < frame:
            self._sent_up_to += 1
            for update in self._recorded.frames[self._sent_up_to]:
                if isinstance(update, BookUpdate):
                    self._advance(update)
                elif isinstance(update, TradeUpdate) and not update.is_history:
                    self._trades_sent.setdefault(update.symbol, []).append(update)

    def _advance(self, update: BookUpdate) -> None:
        manifest = self._manifest
        truncates_to = self._recorded.depth if manifest.truncates else 0
        asked = self._recorded.snapshots.get(update.symbol)
        if asked is not None and update.last_id < asked.last_id:
            return  # The true book begins with the snapshot.
        book = self._truth.setdefault(update.symbol, TrueBook(truncates_to))
        if asked is not None and book.last is None:
            book.apply(asked)
        book.apply(update)
        if update.last_id != NONE:
            self._tops[update.symbol, update.last_id] = book.top()

    # ---- what the desk wishes for ----

    def _fulfil(self, at_ns: int) -> None:
        due = [act for step, act in self._later if step <= self._step]
        self._later = [(step, act) for step, act in self._later if step > self._step]
        for act in due:
            act(at_ns)
            self._look(at_ns)
        for effect in self.desk.take_effects():
            self._do(effect, at_ns)
        self.outcome.trades += self.desk.take_trades()
        self.desk.take_changed()

    def _soon(self, act: Callable[[int], None]) -> None:
        self._later.append((self._step + ANSWER_AFTER, act))

    def _do(self, effect: Effect, at_ns: int) -> None:
        if isinstance(effect, Mismatch):
            self.outcome.mismatches.append(effect)
        elif isinstance(effect, Fetch):
            self._soon(lambda now_ns: self._answer(effect, now_ns))
        elif isinstance(effect, Renew):
            assert not effect.overlap
            self._reconnect(effect.reason, at_ns)
        elif isinstance(effect, Send):
            said = " ".join(effect.texts)
            symbols = [symbol for symbol in self._truth if symbol in said]
            assert symbols, effect
            self._soon(lambda now_ns: self._stream_snapshots(symbols, now_ns))
        else:
            assert not isinstance(effect, Close)

    def _answer(self, fetch: Fetch, at_ns: int) -> None:
        if fetch.purpose is Purpose.TRADES:
            sent = self._trades_sent.get(fetch.symbol, [])[-TRADES_IN_HISTORY:]
            past: list[Update] = [_as_history(trade) for trade in sent]
            self.desk.answered_parsed(fetch.ticket, past, at_ns)
        elif fetch.symbol not in self._truth:
            self._soon(lambda now_ns: self._answer(fetch, now_ns))
        else:
            snapshot = self._truth[fetch.symbol].snapshot(SNAPSHOT_LEVELS)
            self.desk.answered_parsed(fetch.ticket, [snapshot], at_ns)

    def _stream_snapshots(self, symbols: Sequence[str], at_ns: int) -> None:
        books = [self._truth[symbol].snapshot(0) for symbol in symbols]
        past = [
            _as_history(trade)
            for symbol in symbols
            for trade in self._trades_sent.get(symbol, [])[-TRADES_IN_HISTORY:]
        ]
        self.desk.take_parsed(self._connection, [*books, *past], at_ns)

    def _reconnect(self, reason: str, at_ns: int) -> None:
        self.desk.closed(self._connection, reason, at_ns)
        self._connection += 1
        self.desk.opened(self._connection, self._plan, at_ns)
        if self._manifest.snapshot_from is SnapshotFrom.STREAM:
            connection = self._connection
            symbols = [symbol for symbol, book in self._truth.items() if book.last is not None]

            def begin(now_ns: int) -> None:
                if connection == self._connection:
                    self._stream_snapshots(symbols, now_ns)

            self._later.append((self._step + LOST_BY_RECONNECT, begin))

    # ---- what the desk shows ----

    def _look(self, at_ns: int) -> None:
        for listing in self.desk.listings.values():
            if listing.state not in (BookState.LIVE, BookState.STALE):
                continue
            book, instrument = listing.book, listing.instrument
            assert instrument is not None
            seen = (id(book), book.last_id, book.counts.updates)
            is_numbered = self._manifest.chain is not Chain.NONE
            if is_numbered and self._seen.get(listing.name) == seen:
                continue  # Neither the book nor the true one of its number can have changed.
            self._seen[listing.name] = seen
            if not self._is_right(instrument.symbol, book):
                self.outcome.wrong.append(self._step)
            self.outcome.compared += 1

    def _is_right(self, symbol: str, book: Book) -> bool:
        truth = self._truth.get(symbol)
        if truth is None or truth.last is None:
            return True  # Where the recording's own snapshot is all that there was yet.
        if book.last_id == truth.last.last_id:
            return _within(truth, book) == (book.bids.quantities, _asks(book))
        top = self._tops.get((symbol, book.last_id))
        return top is None or _clip(top, book) == _clip(shown_top(book), book)


def _within(truth: TrueBook, book: Book) -> tuple[dict[int, int], dict[int, int]]:
    """Return the true levels within the range that the book is trusted in."""
    if not book.levels.is_window and book.trusted_bid_key is None:
        return truth.bids, truth.asks
    bid_edge, ask_edge = book.trusted_bid_key, book.trusted_ask_key
    return (
        {key: q for key, q in truth.bids.items() if bid_edge is None or key >= bid_edge},
        {key: q for key, q in truth.asks.items() if ask_edge is None or -key >= ask_edge},
    )


def _asks(book: Book) -> dict[int, int]:
    return {-key: quantity for key, quantity in book.asks.quantities.items()}


def _clip(top: Top, book: Book) -> Top:
    bid_edge, ask_edge = book.trusted_bid_key, book.trusted_ask_key
    bids = [level for level in top[0] if bid_edge is None or level[0] >= bid_edge]
    return bids, [level for level in top[1] if ask_edge is None or -level[0] >= ask_edge]


def _as_history(trade: TradeUpdate) -> TradeUpdate:
    past = TradeUpdate(**{name: getattr(trade, name) for name in trade.__struct_fields__})
    past.is_history = True
    return past

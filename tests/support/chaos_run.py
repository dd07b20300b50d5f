"""A desk that follows a venue over a bad wire, and somebody who compares it with the truth.

The rule of this file: the desk does what it does in production; its wishes are met a little later,
from the venue's books as they are then. After every frame, whatever book says that it is live is
compared with what the venue truly had at the point that the desk has reached.
"""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial

from aggregator.books.desk import Desk, DeskOptions, Listing
from aggregator.books.effects import Close, Fetch, Purpose, Renew, Send
from aggregator.books.side import Side
from aggregator.books.words import BookState
from aggregator.captures.rows import Row, RowKind
from aggregator.protocol import NS_A_S
from aggregator.registry import load_connectors
from tests.support.chaos_truth import Frozen, Heard, Venue
from tests.support.chaos_wire import Mischief, Parcel, Wire

ANSWER_FRAMES_MAX = 8  # How many frames pass before a wish is met.
CALM_PART = 3  # The last third of a recording passes without mischief.
STALE_PART = 0.25  # Of the answers.
QUIET_S_MAX = 150  # A desk's longest wait before it asks again, and the time for the answer.


class Judge(Enum):
    """When a book that is wrong must not be live any more.

    Where it is not at once, all books come anew before the calm, and from then on it is.
    """

    AT_ONCE = auto()
    NEXT_PROOF = auto()  # Once the venue's word on what is compared has come twice.
    LATER = auto()  # Nothing that the venue sends can tell, until the book comes anew.


@dataclass
class Run:
    """One recording over one wire with one seed."""

    feed: str
    venue: Venue
    rows: Sequence[Row]
    pairs: Sequence[str]
    seed: int
    kinds: tuple[Mischief, ...]
    every: int = 40
    levels_compared: int = 0  # 0: all that the desk trusts.
    has_numbers: bool = True  # The desk's `last_id` tells which state it is at.
    judge: Judge = Judge.AT_ONCE
    compared: int = 0
    told: Counter[tuple[str, str]] = field(default_factory=Counter)
    happened: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        connector, manifest = load_connectors()[self.feed]
        self.chance = random.Random(self.seed)
        self.wire = Wire(self.chance, self.kinds, self.every, self._deliver, self._disconnect)
        guesses = [connector.guess_instrument(manifest, symbol) for symbol in SYMBOLS[self.feed]]
        self.instruments = [guess for guess in guesses if guess is not None]
        self.desk = Desk(connector, manifest, self.pairs, DeskOptions(), self.instruments)
        self.at_ns = self.rows[0].at_ns
        self._connection = 0
        self._wrong_since: dict[str, int] = {}  # At how many proofs of the book.
        self._compared_at: dict[str, int] = {}  # At how many updates of the book.
        self._bodies: dict[str, bytes] = {}  # The last answer of each symbol.
        self._reached: dict[str, int] = {}  # By symbol: the truth's number that was delivered.
        self._wishes: list[tuple[int, Callable[[], None]]] = []  # Frames to wait, and what to do.

    # ---- the run ----

    def go(self) -> "Run":
        self._open()
        frames = [row for row in self.rows if row.kind is RowKind.RECV]
        calm_from = len(frames) - len(frames) // CALM_PART
        for index, row in enumerate(frames):
            self.at_ns = max(self.at_ns, row.at_ns)
            if index == calm_from:
                self.wire.calm()
                if self.judge is not Judge.AT_ONCE:
                    self._begin_anew()
            frame, heard = self.venue.say(row.data or "")
            self.happened += heard.trades
            self.wire.send(Parcel(frame.encode(), heard), is_calm=index >= calm_from)
            self._meet_wishes()
        self._wait()
        return self

    def _begin_anew(self) -> None:
        self.judge, self.levels_compared = Judge.AT_ONCE, 0
        self._compared_at.clear()
        self._disconnect()

    def _wait(self) -> None:
        for _ in range(QUIET_S_MAX * 4):
            if all(listing.state in FINE for listing in self.desk.listings.values()):
                break
            self.at_ns += NS_A_S // 4
            self.desk.tick(self.at_ns)
            self._collect()
            self._meet_wishes()

    # ---- connections ----

    def _open(self) -> None:
        self._connection += 1
        past = self.venue.reconnected()
        self.desk.opened(self._connection, self.desk.plans[0], self.at_ns)
        for frame in past:
            self.wire.send(Parcel(frame.encode(), Heard()), is_calm=True)
        if self.venue.is_streamed:
            for symbol in sorted(self.venue.books):
                self._send_snapshot(symbol)
        self._collect()

    def _disconnect(self) -> None:
        self.wire.calm()
        self.desk.closed(self._connection, "mischief", self.at_ns)
        self._collect()
        self._wishes = []
        self._open()

    def _send_snapshot(self, symbol: str) -> None:
        heard = Heard({symbol: self.venue.books[symbol].number})
        self.wire.send(Parcel(self.venue.snapshot(symbol).encode(), heard), is_calm=True)

    # ---- what the desk hears and wants ----

    def _deliver(self, parcel: Parcel) -> None:
        self.desk.received(self._connection, parcel.frame, self.at_ns)
        self._reached.update(parcel.heard.books)
        self._collect()
        self._compare()

    def _collect(self) -> None:
        for trade in self.desk.take_trades():
            self.told[trade.book.split(":")[2], trade.trade_id] += 1
        for effect in self.desk.take_effects():
            self._hear(effect)

    def _hear(self, effect: object) -> None:
        if isinstance(effect, Fetch) and effect.purpose is Purpose.SNAPSHOT:
            self._later(partial(self._answer, effect))
        elif isinstance(effect, Renew | Close):
            self._later(self._disconnect)
        elif isinstance(effect, Send) and self.venue.is_streamed:
            for symbol in sorted(self.venue.books):
                if any(f'"{symbol}"' in text or f".{symbol}" in text for text in effect.texts):
                    self._later(partial(self._send_snapshot, symbol))

    def _later(self, act: Callable[[], None]) -> None:
        self._wishes.append((self.chance.randint(0, ANSWER_FRAMES_MAX), act))

    def _meet_wishes(self) -> None:
        due = [act for frames, act in self._wishes if frames == 0]
        self._wishes = [(frames - 1, act) for frames, act in self._wishes if frames]
        for act in due:
            act()

    def _answer(self, fetch: Fetch) -> None:
        # Now and then a cache between gives the answer of before.
        is_stale = fetch.symbol in self._bodies and self.chance.random() < STALE_PART
        if not is_stale:
            self._bodies[fetch.symbol] = self.venue.snapshot(fetch.symbol).encode()
        body = self._bodies[fetch.symbol]
        self.desk.answered(fetch.ticket, body, fetch.request.url, self.at_ns)
        self._collect()
        self._compare()

    # ---- the truth ----

    def _compare(self) -> None:
        if self.judge is Judge.LATER:
            return
        for instrument in self.instruments:
            symbol = instrument.symbol
            listing = self.desk.listings.get(f"{instrument.base}/{instrument.quote}")
            if listing is None or listing.state is not BookState.LIVE:
                self._wrong_since.pop(symbol, None)
                continue
            # Nothing has touched it since it was compared.
            if self._compared_at.get(symbol) == listing.counts.updates:
                continue
            self._compared_at[symbol] = listing.counts.updates
            number = listing.book.last_id if self.has_numbers else self._reached[symbol]
            self._judge(symbol, listing, number)

    def _judge(self, symbol: str, listing: Listing, number: int) -> None:
        self.compared += 1
        truth = self.venue.books[symbol].states.get(number)
        is_right = truth is not None and self._is_right(listing, truth)
        if is_right:
            self._wrong_since.pop(symbol, None)
            return
        verified = listing.counts.verified
        proofs = verified - self._wrong_since.setdefault(symbol, verified)
        proofs_max = 1 if self.judge is Judge.NEXT_PROOF else -1
        where = f"seed {self.seed}: {listing.name} at {number}"
        assert proofs <= proofs_max, f"{where} is wrong, and live"

    def _is_right(self, listing: Listing, truth: Frozen) -> bool:
        book = listing.book
        asks = {-price: quantity for price, quantity in truth[1].items()}
        return self._is_side_right(book.bids, truth[0], book.trusted_bid_key) and (
            self._is_side_right(book.asks, asks, book.trusted_ask_key)
        )

    def _is_side_right(self, side: Side, true: dict[int, int], edge: int | None) -> bool:
        if self.levels_compared:
            best = sorted(true, reverse=True)[: self.levels_compared]
            return side.best(self.levels_compared) == [(key, true[key]) for key in best]
        if edge is None:
            return side.quantities == true
        return {key: quantity for key, quantity in side.quantities.items() if key >= edge} == {
            key: quantity for key, quantity in true.items() if key >= edge
        }


FINE = frozenset({BookState.LIVE, BookState.STALE})
SYMBOLS = {
    "kraken:spot": ["BTC/USD"],
    "bybit:linear": ["BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT"],
    "bybit:spot": ["BTCUSDT", "ETHUSDT"],
    "coinbase:spot": ["BTC-USD", "ETH-USD"],
    "binance:spot": ["BTCUSDT"],
    "binance:linear": ["BTCUSDT"],
}

"""What is said after a drain, and in which order."""

import json
import random
from dataclasses import dataclass, field

from aggregator.books.words import BookState, Trade
from aggregator.merge import MergeOptions
from aggregator.metrics import StageTimes
from aggregator.outlet.consolidated import SAYING_NS_MAX, ConsolidatedOutlet
from aggregator.outlet.outlet import Feed, Outlet
from aggregator.outlet.signals import SignalsOutlet
from aggregator.protocol import to_text, to_units
from shared.messages import FeedState, FeedStatus, Side, SymbolStatus
from tests.aggregator.outlet.listings import FakeListing, Told, a_publisher

KRAKEN, COINBASE = "kraken:spot:BTC/USD", "coinbase:spot:BTC/USD"
CONSOLIDATED = "book:consolidated:BTC/USD"


@dataclass
class FakeDesk:
    listings: dict[str, FakeListing]
    trades: list[Trade] = field(default_factory=list)

    @property
    def has_news(self) -> bool:
        return bool(self.trades) or any(each.is_changed for each in self.listings.values())

    def take_changed(self) -> list[FakeListing]:
        changed = [listing for listing in self.listings.values() if listing.is_changed]
        for listing in changed:
            listing.is_changed = False
        return changed

    def take_trades(self) -> list[Trade]:
        taken, self.trades = self.trades, []
        return taken


class Stage:
    """Two feeds with a book each, and everything that is published of them."""

    def __init__(self) -> None:
        self.now_ns = 10
        self.is_written = True
        self.publisher = a_publisher()
        self.books = {name: FakeListing(name=name) for name in (KRAKEN, COINBASE)}
        self.desks = {name: FakeDesk({"BTC/USD": book}) for name, book in self.books.items()}
        self.states = dict.fromkeys(self.books, FeedState.CONNECTING)
        self.stages = {"kraken:spot": StageTimes(), "coinbase:spot": StageTimes()}
        self.consolidated = ConsolidatedOutlet(self.publisher, MergeOptions())
        self.outlet = Outlet(
            self.publisher,
            [self._feed(name) for name in self.books],
            levels_max=100,
            clock_ns=lambda: self.now_ns,
            consolidated=self.consolidated,
            signals=SignalsOutlet(self.publisher),
            stages=self.stages,
        )
        self.told = Told(self.publisher)
        self.told.take()

    def _feed(self, name: str) -> Feed:
        feed = name.rpartition(":")[0]
        return Feed(
            feed,
            "checksum",
            self.desks[name],
            lambda: FeedStatus(feed=feed, state=self.states[name], since_ns=1),
        )

    def say(self) -> list[str]:
        """Return the names of what was published by one flush."""
        self.now_ns += 10
        flushed: list[str] = []

        def flush() -> bool:
            self.said = self.told.take()
            flushed.extend(name for name, _ in self.said)
            return self.is_written

        self.outlet.say(flush)
        return flushed

    def say_more(self) -> None:
        """Say one part of what was left."""

        def flush() -> bool:
            self.said = self.told.take()
            return self.is_written

        self.outlet.say_more(flush)

    def say_all(self) -> None:
        while self.outlet.is_more_to_say:
            self.say_more()

    def times(self, *names: str) -> list[int]:
        """Return as of when the last flush said something on these channels."""
        at_ns = {name: said.at_ns for name, said in self.said if hasattr(said, "at_ns")}
        return [at_ns[name] for name in names]

    def trade(self, name: str, trade_id: str, at_ns: int) -> None:
        price, quantity = to_units("100"), to_units("1")
        self.desks[name].trades.append(Trade(name, trade_id, price, quantity, Side.BUY, 5, at_ns))


def test_states_come_first_then_trades_then_touches_then_depth() -> None:
    stage = Stage()
    stage.books[KRAKEN].go_live([("100", "1")], [("101", "1")])
    stage.say()
    stage.say_all()
    stage.books[KRAKEN].change([("100.5", "2")])
    stage.books[COINBASE].fail(BookState.HALTED, "refused")
    stage.states[COINBASE] = FeedState.REFUSED
    stage.trade(KRAKEN, "1", 20)
    names = [name.partition(":")[0] for name in stage.say()]
    ranks = {"status": 0, "trades": 1, "price": 2, "bbo": 2, "book": 3, "signals": 4}
    assert [ranks[name] for name in names] == sorted(ranks[name] for name in names)
    assert {"status", "trades", "price", "bbo", "book"} <= set(names)


def test_whole_books_are_published_one_at_a_time_and_changes_at_once() -> None:
    stage = Stage()
    for book in stage.books.values():
        book.go_live([("100", "1")], [("101", "1")])
    assert f"book:{KRAKEN}" not in stage.say()
    seen = []
    while stage.outlet.is_more_to_say:
        stage.say_more()
        seen.append({name for name, _ in stage.said})
    own = [
        [name for name in names if name in (f"book:{KRAKEN}", f"book:{COINBASE}")] for names in seen
    ]
    assert own == [[f"book:{KRAKEN}"], [f"book:{COINBASE}"]]
    stage.books[KRAKEN].change([("99", "1")])
    assert f"book:{KRAKEN}" in stage.say()


def test_a_book_that_fails_before_it_was_published_is_never_shown() -> None:
    stage = Stage()
    stage.books[KRAKEN].go_live([("100", "1")], [("101", "1")])
    stage.say()
    stage.books[KRAKEN].fail(BookState.RESYNC, "a gap")
    stage.say()
    stage.say_all()
    assert stage.told.book(f"book:{KRAKEN}") == ([], [])


def test_the_consolidated_book_has_both_and_loses_one_at_once() -> None:
    stage = Stage()
    for name, price in ((KRAKEN, "100"), (COINBASE, "99.5")):
        stage.books[name].go_live([(price, "1")], [("101", "1")])
    stage.say()
    stage.say_all()
    assert stage.told.book("book:consolidated:BTC/USD") == (
        [("100", "1", KRAKEN, "1"), ("99.5", "1", COINBASE, "1")],
        [("101", "2", COINBASE, "1", KRAKEN, "1")],
    )
    stage.books[KRAKEN].fail(BookState.STALE, "silence")
    assert "book:consolidated:BTC/USD" in stage.say(), "with everything else, and not later"
    assert stage.told.book("book:consolidated:BTC/USD")[0] == [("99.5", "1", COINBASE, "1")]


def test_the_tape_of_all_is_in_the_order_of_receipt() -> None:
    stage = Stage()
    stage.trade(COINBASE, "late", 30)
    stage.trade(KRAKEN, "early", 20)
    stage.say()
    tape = stage.told.entries(stage.said, "trades:consolidated:BTC/USD")
    assert [json.loads(entry)["trade_id"] for entry in tape] == ["early", "late"]


def test_a_state_without_any_book_is_told_within_a_moment() -> None:
    stage = Stage()
    stage.say()
    stage.states[KRAKEN] = FeedState.BREAKER_OPEN
    stage.now_ns += 1_000_000_000
    assert stage.say() == ["status:kraken"]


def test_how_long_a_frame_took_until_it_was_published_is_measured() -> None:
    stage = Stage()
    stage.books[KRAKEN].go_live([("100", "1")], [("101", "1")])
    stage.books[KRAKEN].change([("99", "1")])
    stage.books[KRAKEN].book.received_at_ns = 15
    stage.say()
    said = stage.stages["kraken:spot"].histograms["publish"].percentiles()
    assert (said.count, said.max) == (1, 5)


def test_what_was_not_written_is_not_measured() -> None:
    stage = Stage()
    stage.books[KRAKEN].go_live([("100", "1")], [("101", "1")])
    stage.books[KRAKEN].change([("99", "1")])
    stage.is_written = False
    stage.say()
    assert stage.stages["kraken:spot"].histograms["publish"].percentiles().count == 0


def test_a_change_is_said_as_of_its_receipt_and_a_state_as_of_now() -> None:
    stage = Stage()
    stage.books[KRAKEN].go_live([("100", "1")], [("101", "1")])
    stage.say()
    stage.say_all()
    stage.books[KRAKEN].change([("100.5", "1")])
    stage.books[KRAKEN].book.received_at_ns = 15
    stage.say()
    assert stage.times(f"book:{KRAKEN}", f"bbo:{KRAKEN}") == [15, 15]
    stage.books[KRAKEN].fail(BookState.STALE, "silence")
    stage.say()
    assert stage.times(f"book:{KRAKEN}", f"bbo:{KRAKEN}") == [stage.now_ns, stage.now_ns]


def test_signals_are_of_live_books_and_end_with_them_at_once() -> None:
    stage = Stage()
    stage.books[KRAKEN].go_live([("100", "1")], [("101", "1")])
    stage.say()
    stage.trade(KRAKEN, "1", 20)
    stage.say()
    values: list[bytes] = []
    for _ in range(100):
        stage.now_ns += 20_000_000
        stage.outlet.pass_time()
        values += stage.told.values(stage.told.take(), f"signals:{KRAKEN}")
    last = json.loads(values[-1])
    assert last["state"] == "live"
    assert "book_imbalance" in last["values"]
    stage.books[KRAKEN].fail(BookState.RESYNC, "a gap")
    stage.say()
    [ended] = stage.told.values(stage.said, f"signals:{KRAKEN}")
    assert json.loads(ended)["state"] == "resync"
    assert "book_imbalance" not in json.loads(ended)["values"]


def test_a_consolidated_book_is_the_sum_of_its_books_whenever_it_is_told() -> None:
    seed = random.randrange(10**9)
    draw, stage = random.Random(seed), Stage()

    def some(low: int) -> list[tuple[str, str]]:
        return [(str(low + draw.randrange(20)), str(draw.randrange(4))) for _ in range(4)]

    for book in stage.books.values():
        book.go_live([("100", "1")], [("130", "1")])
    for _ in range(400):
        book = draw.choice(list(stage.books.values()))
        if book.state is not BookState.LIVE or draw.random() < 0.05:
            book.go_live([("100", "1")], [("130", "1")])
        elif draw.random() < 0.05:
            book.fail(BookState.RESYNC, "a gap")
        else:
            book.change(some(90), some(121))
        stage.say()
        if draw.random() < 0.3:
            stage.say_all()
            assert stage.told.book(CONSOLIDATED) == summed(stage), f"seed {seed}"
    stage.say_all()
    assert stage.told.book(CONSOLIDATED) == summed(stage), f"seed {seed}"


def summed(stage: Stage) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    live = {
        name: book for name, book in sorted(stage.books.items()) if book.state is BookState.LIVE
    }
    found: list[list[tuple[str, ...]]] = []
    for sign in (1, -1):
        sides = {n: b.book.bids if sign == 1 else b.book.asks for n, b in live.items()}
        keys = sorted({key for side in sides.values() for key in side.keys}, reverse=True)
        told = []
        for key in keys:
            shares = {n: side.quantities[key] for n, side in sides.items() if key in side.keys}
            texts = [text for n, share in shares.items() for text in (n, to_text(share))]
            told.append((to_text(key * sign), to_text(sum(shares.values())), *texts))
        found.append(told)
    return found[0], found[1]


def test_trades_wait_for_the_turn_of_their_signals() -> None:
    stage = Stage()
    stage.books[KRAKEN].go_live([("100", "1")], [("101", "1")])
    for number in range(3):
        stage.trade(KRAKEN, str(number), 20 + number)
    stage.say()
    stage.now_ns = 10**12
    for _ in range(2):
        stage.outlet.pass_time()
    said = stage.told.values(stage.told.take(), f"signals:{KRAKEN}")
    assert json.loads(said[-1])["values"]["vwap"]


def test_a_long_farewell_leaves_frames_their_turn() -> None:
    stage = Stage()
    for book in stage.books.values():
        book.go_live([("100", "1")], [("101", "1")])
    stage.say()
    stage.say_all()
    ticks = iter(range(10**12, 10**18, SAYING_NS_MAX))
    told: list[str] = []
    for name in ("a:spot:BTC/USD", "a:spot:ETH/USD", "a:spot:SOL/USD"):
        lost = SymbolStatus(book=name, state=BookState.STALE, since_ns=1, reason="gone")
        stage.consolidated.add_book(name)
        stage.consolidated.leave_out(lost)
    while stage.consolidated.is_urgent:
        stage.consolidated.say_books(10**12, lambda: next(ticks) + SAYING_NS_MAX)
        told.append(",".join(n for n, _ in stage.told.take() if n.startswith("book:c")))
    bases = ("BTC", "ETH", "SOL")
    assert told == [f"book:consolidated:{base}/USD" for base in bases], "one at a time"
    assert not stage.consolidated.is_waiting

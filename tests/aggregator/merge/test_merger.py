"""Consolidated books against ones that are reckoned from the start after every change."""

import random
from collections.abc import Iterable
from fractions import Fraction

import msgspec
import pytest

from aggregator.books.side import Side
from aggregator.merge import MergeOptions, Merger, SymbolChange, depth
from aggregator.protocol import UNIT, to_text
from shared.messages import BookState
from shared.messages.outside import ConsolidatedBook, SymbolStatus
from shared.publishing import PUBLICATION_BYTES_MAX, BookImage, Level, encode
from tests.aggregator.merge import naive
from tests.support.outside_books import TableBook

BOOKS = ("binance:spot:BTC/USDT", "bybit:spot:BTC/USDT", "kraken:spot:BTC/USD")
FEES = {"binance:spot": 1000, "kraken:spot": 2500}
MAPPED = MergeOptions(quote_map={"USDT": "USD"}, taker_fees_ppm=FEES)

Shown = dict[Fraction, tuple[str, ...]]


def stale(book: str, reason: str = "quiet") -> SymbolStatus:
    return SymbolStatus(book=book, state=BookState.STALE, since_ns=7, reason=reason)


class Reader:
    """What somebody has who was told every change."""

    def __init__(self) -> None:
        self.bids: Shown = {}
        self.asks: Shown = {}
        self.info: ConsolidatedBook | None = None
        self.info_at_ns = 0

    def take(self, change: SymbolChange) -> None:
        if change.is_whole:
            self.bids, self.asks = {}, {}
        for shown, levels in ((self.bids, change.bids), (self.asks, change.asks)):
            for price, texts in levels:
                shown.pop(Fraction(price, UNIT), None)
                if texts:
                    assert texts[0] == to_text(price)
                    shown[Fraction(price, UNIT)] = texts[1:]
        if change.info:
            self.info, self.info_at_ns = change.info, change.info.at_ns


class World:
    """Books that change at random, and a merger that is told."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.merger = Merger(MAPPED)
        self.books = {name: TableBook() for name in BOOKS}
        self.live: set[str] = set()
        self.reader = Reader()

    def step(self) -> None:
        name = self.random.choice(BOOKS)
        doing = self.random.random()
        if name not in self.live or doing < 0.02:
            self.books[name] = TableBook()
            self.change(name, self.random.randrange(40))
            self.merger.show(name, self.books[name])
            self.live.add(name)
        elif doing < 0.04:
            if doing < 0.03:
                # Whoever has the book may have emptied it before telling.
                self.books[name].bids.replace(())
                self.books[name].asks.replace(())
            self.merger.leave_out(stale(name))
            self.live.discard(name)
        else:
            bid_keys, ask_keys = self.change(name, self.random.randrange(6))
            self.merger.change(name, self.books[name], bid_keys, ask_keys)

    def change(self, name: str, count: int) -> tuple[list[int], list[int]]:
        keys: tuple[list[int], list[int]] = [], []
        for _ in range(count):
            at = self.random.randrange(2)
            side: Side = (self.books[name].bids, self.books[name].asks)[at]
            # Bids from 80 to 99.9, asks from 99.5: now and then two books are crossed.
            tenths = (
                self.random.randrange(800, 1000) if not at else -self.random.randrange(995, 1195)
            )
            quantity = self.random.choice((0, self.random.randrange(1, 9) * UNIT // 8))
            side.change([(tenths * UNIT // 10, quantity)])
            keys[at].append(tenths * UNIT // 10)
        return keys

    def naive(self) -> dict[str, naive.NaiveBook]:
        return {
            name: naive.NaiveBook(
                _levels(self.books[name].bids),
                _levels(self.books[name].asks),
                Fraction(FEES.get(name.rpartition(":")[0], 0), 1_000_000),
            )
            for name in sorted(self.live)
        }


def _levels(side: Side) -> naive.Levels:
    return {
        Fraction(key * side.sign, UNIT): Fraction(quantity, UNIT)
        for key, quantity in side.quantities.items()
    }


def _read(texts: tuple[str, ...]) -> tuple[Fraction, dict[str, Fraction]]:
    return Fraction(texts[0]), {
        book: Fraction(quantity) for book, quantity in zip(texts[1::2], texts[2::2], strict=True)
    }


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("window", [3_000, 24])
def test_who_is_told_every_change_has_the_books_as_they_are(
    seed: int, window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(depth, "WINDOW_VENUE_LEVELS", window)
    world = World(seed)
    for number in range(300):
        world.step()
        if world.random.random() < 0.7:
            for change in world.merger.take_changes(number):
                world.reader.take(change)
                _check_image(world, number)
            _check(world, window, f"seed {seed}, step {number}")


def _check_image(world: World, at_ns: int) -> None:
    bids, asks, info = world.merger.symbols["BTC/USD"].whole(at_ns)
    late = Reader()
    said = msgspec.json.decode(info, type=ConsolidatedBook)
    late.take(SymbolChange("BTC/USD", True, list(bids), list(asks), said))
    assert (late.bids, late.asks) == (world.reader.bids, world.reader.asks)
    assert world.reader.info == msgspec.structs.replace(said, at_ns=world.reader.info_at_ns)


def _check(world: World, window: int, where: str) -> None:
    books, info = world.naive(), world.reader.info
    assert info is not None, where
    assert info.books == tuple(books), where
    for side, shown, sign in (("bids", world.reader.bids, -1), ("asks", world.reader.asks, 1)):
        expected = naive.consolidated(books, side)
        best_first = sorted(expected, key=lambda price: sign * price)
        assert len(shown) >= min(len(expected), window // max(len(books), 1)), where
        assert sorted(shown, key=lambda price: sign * price) == best_first[: len(shown)], where
        for price, texts in shown.items():
            by_book = expected[price]
            assert _read(texts) == (sum(by_book.values()), by_book), where
    _check_info(info, books, where)


def _check_info(info: ConsolidatedBook, books: dict[str, naive.NaiveBook], where: str) -> None:
    bid = max(naive.consolidated(books, "bids"), default=None)
    ask = min(naive.consolidated(books, "asks"), default=None)
    assert (info.bid, info.ask) == (_text(bid), _text(ask)), where
    bid_after_fees, ask_after_fees = naive.best_after_fees(books)
    assert info.bid_after_fees == _text(bid_after_fees), where
    assert info.ask_after_fees == _text(ask_after_fees), where
    expected = naive.profits(books)
    found = {
        (one.buy_book, one.sell_book): (Fraction(one.quantity), Fraction(one.profit))
        for one in info.opportunities
    }
    assert found == expected, where


def _text(number: Fraction | None) -> str:
    # The prices of these books after fees have no more digits than there are units.
    return "" if number is None else to_text(int(number * UNIT))


def test_a_level_names_every_book_that_has_some_there() -> None:
    merger = Merger(MAPPED)
    merger.show(BOOKS[2], TableBook([("100.10", "2")]))
    merger.show(BOOKS[0], TableBook([("100.1", "0.5")], [("101", "1")]))
    (change,) = merger.take_changes(5)
    assert (change.symbol, change.is_whole) == ("BTC/USD", True)
    assert [texts for _, texts in change.bids] == [("100.1", "2.5", BOOKS[0], "0.5", BOOKS[2], "2")]
    assert [texts for _, texts in change.asks] == [("101", "1", BOOKS[0], "1")]


def test_quotes_that_are_not_mapped_are_apart_and_so_are_futures() -> None:
    merger = Merger(MergeOptions())
    for book in (*BOOKS, "bybit:linear:BTC/USDT", "coinbase:spot:BTC/USDC"):
        merger.show(book, TableBook([("1", "1")]))
    assert {symbol: info.info(0).books for symbol, info in merger.symbols.items()} == {
        "BTC/USDT": BOOKS[:2],
        "BTC/USD": BOOKS[2:],
        "linear:BTC/USDT": ("bybit:linear:BTC/USDT",),
        "BTC/USDC": ("coinbase:spot:BTC/USDC",),
    }


def test_a_book_that_is_not_live_leaves_at_once_and_comes_back_whole() -> None:
    merger, reader = Merger(MAPPED), Reader()
    ours, other = TableBook([("100", "1"), ("99", "1")]), TableBook([("98", "3")])
    merger.show(BOOKS[0], ours)
    merger.show(BOOKS[1], other)
    # When it goes stale, none of its levels stays, and its state is told.
    merger.leave_out(stale(BOOKS[0]))
    for change in merger.take_changes(1):
        reader.take(change)
    assert reader.bids == {Fraction(98): ("3", BOOKS[1], "3")}
    assert reader.info is not None
    assert (reader.info.books, reader.info.left_out) == (BOOKS[1:2], (stale(BOOKS[0]),))
    assert reader.info.bid == "98"
    # When it is back, with one change told, all of it is there.
    key = ours.set_bid("100", "2")
    merger.change(BOOKS[0], ours, [key], [])
    for change in merger.take_changes(2):
        reader.take(change)
    assert set(reader.bids) == {Fraction(100), Fraction(99), Fraction(98)}
    assert reader.info.left_out == ()


def test_nothing_new_is_not_told() -> None:
    merger, book = Merger(MAPPED), TableBook([("100", "1"), ("99", "1")], [("101", "1")])
    merger.show(BOOKS[0], book)
    (first,) = merger.take_changes(3)
    assert first.info is not None
    assert first.info.at_ns == 3
    assert merger.take_changes(4) == []
    merger.change(BOOKS[0], book, [], [])
    assert merger.take_changes(5) == []
    # A level away from the touch says nothing new about it.
    merger.change(BOOKS[0], book, [book.set_bid("99", "4")], [])
    (change,) = merger.take_changes(6)
    assert (change.is_whole, change.asks, change.info) == (False, [], None)
    assert change.bids == [(99 * UNIT, ("99", "4", BOOKS[0], "4"))]


def test_totals_are_complete_as_far_as_the_shallowest_book_is_known() -> None:
    merger = Merger(MAPPED)
    deep = TableBook([("100", "1"), ("50", "1")], [("101", "1"), ("190", "1")])
    merger.show(BOOKS[0], deep)
    assert _trusted(merger) == ("", "")
    shallow = TableBook([("100", "1"), ("99", "1")], trusted_bid="99", trusted_ask="103")
    merger.show(BOOKS[1], shallow)
    assert _trusted(merger) == ("99", "103")
    # Levels beyond it are shown all the same, of the books that know them.
    merger.take_changes(1)
    assert [price for price, _ in merger.symbols["BTC/USD"].bids.levels()][-1] == 50 * UNIT
    # A book that is known less far than before says so with its next change.
    shallow.trusted_bid_key = 100 * UNIT
    merger.change(BOOKS[1], shallow, [], [])
    assert _trusted(merger) == ("100", "103")
    merger.leave_out(stale(BOOKS[1]))
    assert _trusted(merger) == ("", "")


def _trusted(merger: Merger) -> tuple[str, str]:
    info = merger.symbols["BTC/USD"].info(0)
    return info.trusted_bid, info.trusted_ask


def test_a_window_that_cuts_levels_off_narrows_the_range_that_is_complete() -> None:
    merger = Merger(MAPPED)
    merger.show(BOOKS[0], TableBook((str(price), "1") for price in range(1, 5_001)))
    (change,) = merger.take_changes(1)
    assert depth.WINDOW_LEVELS_MAX <= len(change.bids) <= 2 * depth.WINDOW_LEVELS_MAX
    assert change.info is not None
    assert change.info.trusted_bid == to_text(min(price for price, _ in change.bids))


def test_locked_and_crossed_are_of_different_books() -> None:
    for bid, ask, expected in (("100", "100", (True, False)), ("101", "100", (False, True))):
        merger = Merger(MAPPED)
        merger.show(BOOKS[0], TableBook([(bid, "1")]))
        merger.show(BOOKS[1], TableBook([], [(ask, "1")]))
        info = merger.symbols["BTC/USD"].info(0)
        assert (info.is_locked, info.is_crossed) == expected
        # One that is so by itself says nothing of others.
        alone = Merger(MAPPED)
        alone.show(BOOKS[0], TableBook([(bid, "1")], [(ask, "1")]))
        alone.show(BOOKS[1], TableBook([("50", "1")], [("150", "1")]))
        info = alone.symbols["BTC/USD"].info(0)
        assert (info.is_locked, info.is_crossed) == (False, False)


@pytest.mark.parametrize("count", [1, 4, 8])
def test_a_whole_book_fits_one_message_however_many_venues_there_are(count: int) -> None:
    merger = Merger(MAPPED)
    # The most that a window may hold.
    levels = 2 * min(depth.WINDOW_LEVELS_MAX, depth.WINDOW_VENUE_LEVELS // count)
    for number in range(count):
        book = TableBook()
        for side in (book.bids, book.asks):
            # Each price and quantity is as long as any venue has them.
            side.replace(
                (side.sign * (63_000 * UNIT + side.sign * -level * UNIT // 10**8), 10**20 + level)
                for level in range(1, levels + 1)
            )
        merger.show(f"coinbase-exchange-{number}:spot:BTC/USDT", book)
    merger.take_changes(1)
    bids, asks, info = merger.symbols["BTC/USD"].whole(1)
    image = BookImage(1 << 60, 1 << 60, _with_keys(bids), _with_keys(asks), info)
    assert len(image.bids) == levels
    assert len(encode(image)) < PUBLICATION_BYTES_MAX


def _with_keys(levels: Iterable[tuple[int, tuple[str, ...]]]) -> tuple[Level, ...]:
    return tuple((1 << 60, texts) for _, texts in levels)


def test_of_many_symbols_those_that_have_waited_longest_are_told_first() -> None:
    merger = Merger(MergeOptions())
    names = [f"kraken:spot:{base}/USD" for base in ("BTC", "ETH", "SOL")]
    for name in names:
        merger.show(name, TableBook([("100", "1")], [("101", "1")]))
    assert [change.symbol for change in merger.take_changes(1, 2)] == ["BTC/USD", "ETH/USD"]
    left = [merger.next_symbol]
    merger.show(names[0], TableBook([("99", "1")], [("101", "1")]))
    assert [change.symbol for change in merger.take_changes(2, 2)] == ["SOL/USD", "BTC/USD"]
    left.append(merger.next_symbol)
    assert left == ["SOL/USD", None]
    assert merger.take_changes(3) == []


def test_what_a_book_has_left_is_told_before_what_has_waited_longer() -> None:
    merger = Merger(MergeOptions())
    names = [f"kraken:spot:{base}/USD" for base in ("BTC", "ETH")]
    for name in names:
        merger.show(name, TableBook([("100", "1")], [("101", "1")]))
    merger.take_changes(1)
    merger.show(names[0], TableBook([("99", "1")], [("101", "1")]))
    merger.leave_out(stale(names[1]))
    assert merger.next_symbol == "ETH/USD"
    assert [change.symbol for change in merger.take_changes(2, 1)] == ["ETH/USD"]

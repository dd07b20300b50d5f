"""What a client finds from the channel is what the aggregator would find from its books."""

import random

import msgspec
import pytest

from aggregator.merge import MergeOptions, Merger, depth
from aggregator.merge.execution import Ending, best_execution
from aggregator.merge.published import PublishedExecution, published_execution
from aggregator.protocol import UNIT, to_text
from shared.messages import BookState, Side
from shared.messages.outside import SymbolStatus
from tests.support.outside_books import TableBook

FEES = {"a:spot": 1_000, "b:spot": 0}


def merged(books: dict[str, TableBook]) -> Merger:
    merger = Merger(MergeOptions(taker_fees_ppm=FEES))
    for name, book in books.items():
        merger.show(name, book)
    merger.take_changes(1)
    return merger


def ask(merger: Merger, side: Side, *, quantity: str = "", budget: str = "") -> PublishedExecution:
    bids, asks, info = merger.symbols["B/C"].whole(77)
    levels = [texts for _, texts in (asks if side is Side.BUY else bids)]
    return published_execution(info, levels, side, quantity=quantity, budget=budget)


def two_books() -> dict[str, TableBook]:
    return {
        "a:spot:B/C": TableBook([("99", "1")], [("100", "1"), ("102", "4")]),
        "b:spot:B/C": TableBook([("98.95", "2")], [("100.05", "2"), ("102", "1")]),
    }


def test_by_hand() -> None:
    found = ask(merged(two_books()), Side.BUY, quantity="4")
    assert [(one.book, one.price, one.quantity) for one in found.fills] == [
        ("b:spot:B/C", "100.05", "2"),
        ("a:spot:B/C", "100", "1"),
        ("b:spot:B/C", "102", "1"),
    ]
    assert (found.symbol, found.ending, found.filled, found.left) == ("B/C", "done", "4", "0")
    assert (found.total, found.total_after_fees) == ("402.1", "402.2")
    assert (found.average_price, found.worst_price, found.at_ns) == ("100.525", "102", 77)
    assert msgspec.json.decode(msgspec.json.encode(found), type=PublishedExecution) == found


@pytest.mark.parametrize("seed", range(4))
def test_whoever_has_the_channel_finds_the_same(seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(50):
        books = {
            name: TableBook(
                [(str(draw.randrange(80, 100)), str(draw.randrange(1, 9))) for _ in "12345"],
                [(str(draw.randrange(100, 120)), str(draw.randrange(1, 9))) for _ in "12345"],
            )
            for name in ("a:spot:B/C", "b:spot:B/C")
        }
        side, quantity = draw.choice(list(Side)), draw.randrange(1, 60)
        found = ask(merged(books), side, quantity=str(quantity))
        expected = best_execution(
            {name: book.asks if side is Side.BUY else book.bids for name, book in books.items()},
            dict.fromkeys(books, None),
            side,
            fee_of=lambda book: FEES[book.rpartition(":")[0]],
            quantity=quantity * UNIT,
        )
        assert found.ending == expected.ending, f"seed {seed}"
        assert found.total_after_fees == to_text(expected.total_after_fees), f"seed {seed}"
        assert found.filled == to_text(expected.quantity), f"seed {seed}"


def test_beyond_the_trusted_range_the_answer_is_unknown() -> None:
    books = two_books()
    books["b:spot:B/C"].trusted_ask_key = -101 * UNIT
    found = ask(merged(books), Side.BUY, quantity="4")
    assert (found.ending, found.filled, found.left) == (Ending.UNKNOWN, "3", "1")
    assert ask(merged(books), Side.SELL, quantity="4").ending is Ending.NO_DEPTH


def test_beyond_the_window_the_answer_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(depth, "WINDOW_VENUE_LEVELS", 4)
    rows = [(str(100 + number), "1") for number in range(40)]
    found = ask(merged({"a:spot:B/C": TableBook([], rows)}), Side.BUY, quantity="30")
    assert found.ending is Ending.UNKNOWN
    assert found.filled == "6"


def test_without_a_live_book_nothing_is_known() -> None:
    merger = merged(two_books())
    for book in two_books():
        merger.leave_out(SymbolStatus(book=book, state=BookState.STALE, since_ns=1))
    merger.take_changes(1)
    found = ask(merger, Side.BUY, budget="5")
    assert found.ending is Ending.UNKNOWN
    assert (found.average_price, found.total, found.left) == ("", "", "5")


@pytest.mark.parametrize(("quantity", "budget"), [("", ""), ("1", "1"), ("-1", ""), ("0", "")])
def test_a_wish_that_is_none_is_refused(quantity: str, budget: str) -> None:
    with pytest.raises(ValueError, match=r"above 0|from 0 upwards"):
        ask(merged(two_books()), Side.BUY, quantity=quantity, budget=budget)


def test_another_channel_s_info_is_refused() -> None:
    with pytest.raises(ValueError, match="no info of a consolidated book"):
        published_execution(b'{"kind":"book"}', [], Side.BUY, quantity="1")


def test_a_level_of_a_book_that_is_not_in_it_is_refused() -> None:
    _, _, info = merged(two_books()).symbols["B/C"].whole(1)
    with pytest.raises(ValueError, match="names c:spot:B/C"):
        published_execution(info, [("1", "1", "c:spot:B/C", "1")], Side.BUY, quantity="1")

"""What was heard waits until it is written, within bounds, and only if it can be."""

import pytest

from history.outside import hearing
from history.outside.hearing import Inbox
from shared.publishing import LogEntry, ValueNow
from tests.history.outside.market import BOOK, START_NS, encoded, outside_trade

TRADE = encoded(outside_trade(1, START_NS, "1", "1", "buy"))


def put(inbox: Inbox, *numbers: int, book: str = BOOK) -> None:
    for number in numbers:
        data = TRADE.replace(BOOK.encode(), book.encode())
        inbox.put_trade(book, number, LogEntry(START_NS, data))


@pytest.mark.parametrize(
    "said",
    [
        b"{}",
        b"null",
        b"\xff",
        b"[" * 100_000,
        TRADE.replace(b"kraken", b"other"),
        encoded(outside_trade(1, 2**63, "1", "1", "buy")),
        TRADE.replace(b"T1", b"\\u0000"),
    ],
)
def test_what_no_database_could_store_is_counted_and_left_out(said: bytes) -> None:
    inbox = Inbox()
    inbox.put_trade(BOOK, 1, LogEntry(START_NS, said))
    inbox.put_touch(BOOK, ValueNow(1, START_NS, said))
    assert (inbox.count, inbox.unreadable) == (0, 2)
    assert inbox.waiting(10) == ({}, {})


def test_what_waits_stays_until_it_is_done() -> None:
    inbox = Inbox()
    put(inbox, 1, 2, 3)
    put(inbox, 1, 2, book="okx:spot:A/B")
    trades, touches = inbox.waiting(4)
    assert [[each.sequence for each in heard] for heard in trades.values()] == [[1, 2, 3], [1]]
    put(inbox, 4)
    inbox.done(trades, touches)
    trades, _ = inbox.waiting(4)
    assert {book: [each.sequence for each in heard] for book, heard in trades.items()} == {
        BOOK: [4],
        "okx:spot:A/B": [2],
    }
    assert inbox.count == 2


def test_with_no_room_trades_are_passed_over_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hearing, "TRADES_MAX", 2)
    inbox = Inbox()
    put(inbox, 1, 2, 3, 4)
    assert (inbox.count, inbox.passed_over) == (2, 2)

"""Recorded days of real exchanges through the real desks: every number that can be counted."""

import json
from pathlib import Path

import msgspec
import pytest

from aggregator.books.desk import DeskOptions
from aggregator.captures.addresses import Connectors
from aggregator.captures.player import Player
from aggregator.captures.reading import CaptureReader
from aggregator.captures.report import BookReport, Tally
from aggregator.captures.rows import Row, RowKind
from aggregator.registry import load_connectors

# Counted from the raw files: messages that say something of the book, book updates that were to be
# applied (snapshots too), trades after the subscription, proofs by the venue's own evidence.
COUNTS: dict[str, dict[str, tuple[int, int, int, int]]] = {
    "kraken-spot-btcusd-depth10": {"kraken:spot:BTC/USD": (301, 301, 0, 301)},
    "kraken-spot-btcusd-depth25": {"kraken:spot:BTC/USD": (2052, 2052, 0, 2052)},
    "binance-spot-btcusdt": {"binance:spot:BTC/USDT": (16190, 1495, 2906, 1494)},
    "binance-spot-late-snapshot": {
        "binance:spot:BLZ/ETH": (11, 10, 0, 0),
        "binance:spot:LRC/BTC": (25, 14, 1, 10),
        "binance:spot:NKN/USDT": (225, 150, 1, 131),
        "binance:spot:RUNE/EUR": (2, 2, 0, 0),
    },
    "binance-usdm-btcusdt": {"binance:linear:BTC/USDT": (21485, 1714, 3332, 1714)},
    "bybit-v5-linear-and-spot": {
        "bybit:linear:BTC/USDT": (430, 414, 56, 414),
        "bybit:linear:DOGE/USDT": (397, 380, 83, 380),
        "bybit:linear:ETH/USDT": (433, 421, 23, 421),
        "bybit:linear:SOL/USDT": (440, 383, 165, 383),
        "bybit:spot:BTC/USDT": (311, 300, 11, 300),
        "bybit:spot:ETH/USDT": (257, 250, 9, 250),
    },
    "coinbase-advanced-trade": {
        "coinbase:spot:BTC/USD": (440, 400, 47, 400),
        "coinbase:spot:ETH/USD": (394, 375, 32, 375),
    },
}


@pytest.fixture
def captures(data_dir: Path) -> Path:
    return data_dir / "captures"


def rows_of(captures: Path, name: str) -> list[Row]:
    return list(CaptureReader(str(captures / f"{name}.jsonl.xz")))


def play(rows: list[Row]) -> Tally:
    player = Player(load_connectors(), DeskOptions(guess_symbols=True))
    for row in rows:
        player.play(row)
    tally = Tally()
    tally.add(list(player.playing.values()))
    return tally


def counts_of(book: BookReport) -> tuple[int, int, int, int]:
    return book.messages, book.updates, book.trades, book.verified


@pytest.mark.parametrize("name", COUNTS)
def test_every_number_of_a_recorded_day_is_the_one_counted_from_its_file(
    captures: Path, name: str
) -> None:
    tally = play(rows_of(captures, name))

    assert {book.book: counts_of(book) for book in tally.books} == COUNTS[name]
    for book in tally.books:
        faults = book.mismatched, book.gaps, book.resyncs, book.crossed
        assert (faults, book.state) == ((0, 0, 0, 0), "live")
        assert 0 < book.p50_us <= book.p95_us <= book.p99_us
    assert tally.is_proven


def test_a_repeat_is_neither_a_gap_nor_an_update(captures: Path) -> None:
    tally = play(rows_of(captures, "bybit-v5-level1-repeats"))

    assert len(tally.books) == 10
    assert sum(book.messages - book.updates for book in tally.books) == 61
    assert sum(book.verified for book in tally.books) == 276
    assert not any(book.gaps or book.resyncs or book.mismatched for book in tally.books)


def test_a_book_without_its_snapshot_never_lives_and_proves_nothing(captures: Path) -> None:
    rows = rows_of(captures, "binance-spot-late-snapshot")
    tally = play([row for row in rows if row.kind is not RowKind.HTTP])

    assert {(book.state, book.best_bid, book.verified) for book in tally.books} == {
        ("buffering", None, 0)
    }
    assert not tally.is_proven


def test_a_changed_digit_is_found(captures: Path) -> None:
    rows = rows_of(captures, "kraken-spot-btcusd-depth10")
    # given a price of the first snapshot that was another one
    first = next(row for row in rows if '"snapshot"' in (row.data or "") and row.data is not None)
    rows = [row for row in rows if '"book"' in (row.data or "") or row.kind is RowKind.CONNECT]
    at = next(n for n, row in enumerate(rows) if '"type":"update"' in (row.data or ""))
    said = json.loads(rows[at].data or "", parse_float=str)
    side = "bids" if said["data"][0]["bids"] else "asks"
    quantity = said["data"][0][side][0]["qty"]
    other = quantity[:-1] + ("1" if quantity[-1] != "1" else "2")
    rows[at].data = (rows[at].data or "").replace(f'"qty":{quantity}', f'"qty":{other}')

    tally = play(rows)

    # then it is found at once, and the book waits for the recording's next snapshot
    assert first is not None
    book = tally.books[0]
    assert (book.mismatched, book.resyncs, book.state) == (1, 1, "live")
    assert 0 < book.verified < 301
    assert not tally.is_proven
    assert "checksum" in tally.reasons[0]


def test_a_recording_may_begin_in_the_middle_of_a_connection(captures: Path) -> None:
    rows = rows_of(captures, "kraken-spot-btcusd-depth10")
    snapshots = [n for n, row in enumerate(rows) if '"type":"snapshot"' in (row.data or "")]
    tally = play(rows[snapshots[1] :])

    assert tally.books[0].state == "live"
    assert tally.is_proven


def test_connections_of_one_address_are_told_apart_by_their_numbers(captures: Path) -> None:
    # given the same day heard by two connections at once, one a moment behind the other
    rows = rows_of(captures, "coinbase-advanced-trade")
    later = [
        Row(row.at_ns + 1_000, row.kind, row.url, row.data, conn=2)
        for row in rows
        if row.kind is not RowKind.HTTP
    ]
    for row in rows:
        row.conn = None if row.kind is RowKind.HTTP else 1
    both = sorted([*rows, *later], key=lambda row: row.at_ns)

    tally = play(both)

    # then nothing is missing, and no trade is told twice
    books = {book.book: book for book in tally.books}
    assert [book.gaps for book in tally.books] == [0, 0]
    assert {name: book.trades for name, book in books.items()} == {
        "coinbase:spot:BTC/USD": 47,
        "coinbase:spot:ETH/USD": 32,
    }
    assert tally.is_proven


def test_what_no_connector_is_for_is_passed_over_and_counted() -> None:
    player = Player(load_connectors(), DeskOptions(guess_symbols=True))
    for at_ns in range(3):
        player.play(Row(at_ns, RowKind.RECV, "wss://somebody.else.test", "{}"))

    assert player.unknown_urls == {"wss://somebody.else.test": 3}
    assert player.playing == {}


def two_feeds_at_one_address(captures: Path) -> tuple[Connectors, list[Row]]:
    """A recorded day as two venues of one address had it, each on a connection of its own."""
    connector, manifest = load_connectors()["kraken:spot"]
    other = msgspec.structs.replace(manifest, venue="other")
    connectors = {"kraken:spot": (connector, manifest), "other:spot": (connector, other)}
    rows = [
        msgspec.structs.replace(row, conn=conn, feed=feed if row.kind is RowKind.CONNECT else "")
        for row in rows_of(captures, "kraken-spot-btcusd-depth10")
        for conn, feed in enumerate(connectors, 1)
    ]
    return connectors, rows


def test_two_feeds_at_one_address_are_told_apart_by_what_the_recording_says(
    captures: Path,
) -> None:
    connectors, rows = two_feeds_at_one_address(captures)
    player = Player(connectors, DeskOptions(guess_symbols=True))
    for row in rows:
        player.play(row)
    tally = Tally()
    tally.add(list(player.playing.values()))

    assert {book.book: book.verified for book in tally.books} == {
        "kraken:spot:BTC/USD": 301,
        "other:spot:BTC/USD": 301,
    }
    assert tally.is_proven


def test_books_are_not_mixed_when_a_connection_begins_anew(captures: Path) -> None:
    # given a recording that was cut in two and has a second connection between
    rows = rows_of(captures, "kraken-spot-btcusd-depth10")
    snapshots = [n for n, row in enumerate(rows) if '"type":"snapshot"' in (row.data or "")]
    cut = snapshots[2]
    again = Row(rows[cut].at_ns, RowKind.CONNECT, rows[cut].url)

    tally = play([*rows[:cut], again, *rows[cut:]])

    book = tally.books[0]
    assert (book.verified, book.mismatched, book.state) == (301, 0, "live")


def test_books_and_trades_may_come_by_connections_of_two_classes(captures: Path) -> None:
    # given a day on which books and trades came by one address, as they come by two now
    rows = rows_of(captures, "binance-usdm-btcusdt")[:4_000]
    host = "wss://fstream.binance.com"
    for row in rows:
        if row.kind is RowKind.RECV:
            is_trade = '"e":"trade"' in (row.data or "")
            row.url = f"{host}/market/stream" if is_trade else f"{host}/public/stream"
    trades = sum("/market/" in row.url for row in rows)

    # when it is played from its first frames on, past the time in which a book has to come
    for row in rows[2_000:]:
        row.at_ns += 15 * 10**9
    tally = play([row for row in rows if row.kind is not RowKind.CONNECT])

    (book,) = tally.books
    assert (book.trades, book.gaps, book.mismatched, book.state) == (trades, 0, 0, "live")
    assert book.verified > 0


def test_who_stops_a_recording_does_not_make_its_books_wrong(captures: Path) -> None:
    rows = rows_of(captures, "kraken-spot-btcusd-depth10")
    end = Row(rows[-1].at_ns, RowKind.CLOSE, rows[-1].url, "going away")

    (book,) = play([*rows, end]).books
    assert (book.state, book.resyncs, book.best_bid) == ("live", 0, "63004.9")

    # but whatever comes after a close comes after it
    again = [Row(end.at_ns + 1, RowKind.CONNECT, end.url)]
    (book,) = play([*rows, end, *again]).books
    assert (book.state, book.resyncs, book.best_bid) == ("resync", 1, None)

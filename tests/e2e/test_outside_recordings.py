"""Every recording of a real exchange, whole, as a user replays it: the numbers of the command are
those that plain reading of the file gives.

The rule of this file: what is expected is counted from the raw messages by a few lines that know
the venue's words and nothing of the books.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.outside_exchange import run_command
from tests.support.recorded import read_rows

Counts = dict[str, Counter[str]]
Message = dict[str, Any]
PROVEN, NOT_PROVEN, BAD_INPUT = 0, 1, 2

# What each recording proves, of all its books, and whether it proves anything at all.
RECORDINGS = {
    "kraken-spot-btcusd-depth10": 301,
    "kraken-spot-btcusd-depth25": 2_052,
    "binance-spot-btcusdt": 1_494,
    "binance-spot-late-snapshot": 141,
    "binance-usdm-btcusdt": 1_714,
    "bybit-v5-linear-and-spot": 2_148,
    "bybit-v5-level1-repeats": 276,  # Of 337; 61 say again what was said.
    "coinbase-advanced-trade": 775,
}


def replayed(path: Path) -> tuple[int, dict[str, Message]]:
    """Run the command, and return its exit code and its object of each book."""
    done = run_command("replay", "books", str(path), "--json")
    books = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, {book["book"]: book for book in books}


def received(path: Path) -> Iterator[tuple[str, Message]]:
    for row in read_rows(path):
        if row.kind == "recv" and row.data.startswith("{"):
            yield row.url, json.loads(row.data)


def count(path: Path) -> Counts:
    """Count trades, and changes of books that have to be taken over, by the venue's own symbol."""
    counts: Counts = {}
    for url, message in received(path):
        for symbol, name, number in _told(url, message):
            counts.setdefault(symbol, Counter())[name] += number
    return counts


def _told(url: str, message: Message) -> Iterator[tuple[str, str, int]]:
    if "kraken" in url and message.get("channel") == "book":
        for book in message["data"]:
            yield book["symbol"], "updates", 1
    elif "binance" in url:
        data = message.get("data", message)
        if data.get("e") == "trade" and data.get("X", "MARKET") == "MARKET":
            yield data["s"], "trades", 1
    elif "bybit" in url and message.get("topic", "").startswith("publicTrade"):
        market_type = url.rpartition("/")[2]
        yield f"{market_type}:{message['data'][0]['s']}", "trades", len(message["data"])
    elif "bybit" in url and message.get("topic", "").startswith("orderbook.200"):
        yield f"{url.rpartition('/')[2]}:{message['data']['s']}", "updates", 1
    elif "coinbase" in url:
        yield from _told_by_coinbase(message)


def _told_by_coinbase(message: Message) -> Iterator[tuple[str, str, int]]:
    for event in message.get("events", ()):
        if message["channel"] == "l2_data":
            yield event["product_id"], "updates", 1
        elif message["channel"] == "market_trades" and event["type"] == "update":
            for trade in event["trades"]:
                yield trade["product_id"], "trades", 1


def own_symbol(book: str) -> str:
    """Return how the counts above call a book."""
    venue, market_type, pair = book.split(":")
    if venue == "kraken":
        return pair
    if venue == "coinbase":
        return pair.replace("/", "-")
    plain = pair.replace("/", "")
    return f"{market_type}:{plain}" if venue == "bybit" else plain


@pytest.mark.parametrize(("name", "verified"), RECORDINGS.items())
def test_a_whole_recording_replays_to_the_numbers_of_its_raw_messages(
    data_dir: Path, name: str, verified: int
) -> None:
    path = data_dir / "captures" / f"{name}.jsonl.xz"
    counts = count(path)

    code, books = replayed(path)

    assert code == (PROVEN if verified else NOT_PROVEN)
    assert sum(book["verified"] for book in books.values()) == verified
    for book, said in books.items():
        assert (said["mismatched"], said["gaps"], said["crossed"]) == (0, 0, 0), book
        for number in ("updates", "trades"):
            expected = counts.get(own_symbol(book), Counter())
            if number in expected:
                assert said[number] == expected[number], (book, number)
        if verified:
            assert said["state"] == "live", book
            assert float(said["best_bid"]) < float(said["best_ask"]), book
            assert 0 < said["p50_us"] <= said["p95_us"] <= said["p99_us"], book

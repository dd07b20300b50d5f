"""Accidents to whole recorded days, of which it can be counted to the last one what they cost.

A day that went wrong is compared with the same day as it was.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from aggregator.books.desk import DeskOptions
from aggregator.books.listing import Listing
from aggregator.captures.player import Player
from aggregator.captures.reading import CaptureReader
from aggregator.captures.rows import Row, RowKind
from aggregator.registry import load_connectors

SPOT = "binance-spot-btcusdt"
SNAPSHOT_LEVELS = 1_000
LEVELS_COMPARED = 100
NUMBERED = (SPOT, "binance-usdm-btcusdt", "bybit-v5-linear-and-spot", "coinbase-advanced-trade")


@pytest.fixture
def captures(data_dir: Path) -> Path:
    return data_dir / "captures"


def rows_of(captures: Path, name: str) -> list[Row]:
    return list(CaptureReader(str(captures / f"{name}.jsonl.xz")))


def play(rows: list[Row]) -> dict[str, Listing]:
    player = Player(load_connectors(), DeskOptions(guess_symbols=True))
    for row in rows:
        player.play(row)
    listings = [one for each in player.playing.values() for one in each.desk.listings.values()]
    return {listing.name: listing for listing in listings}


def levels_of(listing: Listing) -> tuple[object, object]:
    assert listing.state == "live", f"{listing.name}: {listing.reason}"
    return listing.book.bids.best(LEVELS_COMPARED), listing.book.asks.best(LEVELS_COMPARED)


def counts_of(listing: Listing) -> dict[str, int]:
    names = ("updates", "trades", "verified", "mismatched", "gaps", "resyncs", "crossed")
    return {name: getattr(listing.counts, name) for name in names}


@pytest.mark.parametrize("name", NUMBERED)
def test_of_a_day_on_which_every_frame_came_twice_nothing_is_taken_twice(
    captures: Path, name: str
) -> None:
    rows = rows_of(captures, name)
    once = play(rows)

    twice = play([row for row in rows for _ in range(1 + (row.kind is RowKind.RECV))])

    for book, listing in once.items():
        assert counts_of(twice[book]) == counts_of(listing)
        assert levels_of(twice[book]) == levels_of(listing)


def is_change(row: Row) -> bool:
    return row.kind is RowKind.RECV and '"depthUpdate"' in (row.data or "")


def answer_of_now(rows: list[Row]) -> str:
    """Return what the venue would have answered after these rows: by a plain dictionary."""
    first = next(json.loads(row.data or "") for row in rows if row.kind is RowKind.HTTP)
    sides: dict[str, dict[Decimal, str]] = {"b": {}, "a": {}}

    def take(side: str, levels: list[list[str]]) -> None:
        for price, quantity in levels:
            sides[side][Decimal(price)] = quantity

    take("b", first["bids"])
    take("a", first["asks"])
    number = first["lastUpdateId"]
    for change in (json.loads(row.data or "")["data"] for row in rows if is_change(row)):
        if change["u"] > number:
            number = change["u"]
            take("b", change["b"])
            take("a", change["a"])
    answer: dict[str, Any] = {"lastUpdateId": number}
    for name, side in (("bids", "b"), ("asks", "a")):
        there = [price for price, quantity in sides[side].items() if Decimal(quantity)]
        best = sorted(there, reverse=name == "bids")[:SNAPSHOT_LEVELS]
        answer[name] = [[f"{price}", sides[side][price]] for price in best]
    return json.dumps(answer)


def test_a_lost_change_costs_one_new_snapshot_and_the_day_goes_on_proven(captures: Path) -> None:
    # given a day on which the hundredth change never came, and an answer to who asks again
    rows = rows_of(captures, SPOT)
    changes = [number for number, row in enumerate(rows) if is_change(row)]
    lost, answered = changes[100], changes[120]
    asked = next(row for row in rows if row.kind is RowKind.HTTP)
    answer = Row(rows[answered].at_ns, RowKind.HTTP, asked.url, answer_of_now(rows[:answered]))
    (as_it_was,) = play(rows).values()

    (listing,) = play([*rows[:lost], *rows[lost + 1 : answered], answer, *rows[answered:]]).values()

    # then one gap is found, by the next change, and what is missing is 20 proofs and no more
    assert (listing.counts.gaps, listing.counts.resyncs, listing.counts.mismatched) == (1, 1, 0)
    assert listing.counts.verified == as_it_was.counts.verified - (120 - 100) + 1
    assert levels_of(listing) == levels_of(as_it_was)

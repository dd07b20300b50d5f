"""Recordings of real exchanges through the desk: whole, and with accidents on the way.

A live book is compared with a plain dictionary after every message, so each of these is two
implementations at once.
"""

from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from aggregator.books.words import BookState
from aggregator.protocol import BookUpdate, TouchUpdate, TradeUpdate, Update
from tests.support.staged_venue import (
    ACCIDENTS,
    Outcome,
    Recorded,
    Stage,
    in_order,
    read_recording,
)

SEED = 20261121
ACCIDENTS_EACH = 4
CALM = 60  # Frames at both ends without accidents: books begin, and have time to come back.
FRAMES_MAX = 2_500  # Of a recording with accidents; the longest has 21,000.

RECORDINGS = {
    "kraken-10": ("kraken-spot-btcusd-depth10", "kraken:spot", "", 10, 0),
    "kraken-25": ("kraken-spot-btcusd-depth25", "kraken:spot", "", 25, 0),
    "bybit-linear": ("bybit-v5-linear-and-spot", "bybit:linear", "linear", 200, 0),
    "bybit-spot": ("bybit-v5-linear-and-spot", "bybit:spot", "spot", 200, 0),
    "coinbase": ("coinbase-advanced-trade", "coinbase:spot", "", 0, 400),
    "binance-spot": ("binance-spot-btcusdt", "binance:spot", "", 0, 0),
    "binance-late": ("binance-spot-late-snapshot", "binance:spot", "", 0, 0),
    "binance-linear": ("binance-usdm-btcusdt", "binance:linear", "", 0, 0),
}
# What each proves, of all its books together.
VERIFIED = {
    "kraken-10": 301,
    "kraken-25": 2_052,
    "bybit-linear": 414 + 421 + 383 + 380,
    "bybit-spot": 300 + 250,
    "coinbase": 400 + 375,
    "binance-spot": 1_493,
    "binance-late": 141,
    "binance-linear": 1_714,
}
# Venues whose numbers tell of every loss: a live book of theirs is never a wrong one.
NUMBERED = ("bybit-linear", "bybit-spot", "binance-spot", "binance-linear")
TOLD: tuple[type[Update], ...] = (BookUpdate, TradeUpdate)
# What accidents hit: each kind of update that there is.
HIT = [
    (name, kind)
    for name in NUMBERED
    for kind in (*TOLD, *((TouchUpdate,) if name.startswith("binance") else ()))
]


@lru_cache(maxsize=1)  # What a test process keeps for good slows all that come after.
def recording(data_dir: Path, name: str) -> Recorded:
    file, feed, url, depth, levels = RECORDINGS[name]
    return read_recording(data_dir, file, feed, url=url, depth=depth, levels=levels)


def play(
    recorded: Recorded,
    accident: str,
    seed: int,
    count: int = ACCIDENTS_EACH,
    kinds: tuple[type[Update], ...] = (),
) -> Stage:
    """Play with accidents to any frames, or to those that have an update of one of these kinds."""
    chance = Random(seed)
    deliveries = in_order(recorded.frames)[:FRAMES_MAX]
    meant = [
        number
        for number in range(CALM, len(deliveries) - CALM)
        if not kinds or any(isinstance(one, kinds) for one in recorded.frames[number])
    ]
    # The last one first: those before it are not moved by that.
    for number in sorted((chance.choice(meant) for _ in range(count)), reverse=True):
        ACCIDENTS[accident](deliveries, number)
    stage = Stage(recorded)
    stage.play(deliveries)
    return stage


def total(stage: Stage, name: str) -> int:
    return sum(getattr(one.counts, name) for one in stage.desk.listings.values())


def assert_trades_are_told_once(outcome: Outcome, seed: int) -> None:
    told = [(trade.book, trade.trade_id) for trade in outcome.trades]
    assert len(told) == len(set(told)), f"Seed {seed}: a trade was told twice."


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_whole_recording_is_proven_message_by_message(data_dir: Path, name: str) -> None:
    recorded = recording(data_dir, name)
    stage = Stage(recorded)

    outcome = stage.play(in_order(recorded.frames))

    assert outcome.wrong == []
    assert outcome.compared > 0
    assert total(stage, "verified") == VERIFIED[name]
    for fault in ("mismatched", "gaps", "resyncs", "crossed", "malformed", "trades_missed"):
        assert total(stage, fault) == 0, fault
    assert len(outcome.trades) == total(stage, "trades") == stage.trades_sent_count
    assert_trades_are_told_once(outcome, SEED)


@pytest.mark.parametrize("accident", ACCIDENTS)
@pytest.mark.parametrize(("name", "kind"), HIT)
def test_a_numbered_book_is_never_live_and_wrong(
    data_dir: Path, name: str, accident: str, kind: type[Update]
) -> None:
    stage = play(recording(data_dir, name), accident, SEED, kinds=(kind,))

    assert stage.outcome.wrong == [], f"Seed {SEED}."
    assert all(one.state is BookState.LIVE for one in stage.desk.listings.values())
    assert_trades_are_told_once(stage.outcome, SEED)


@pytest.mark.parametrize("accident", ACCIDENTS)
def test_a_numbered_connection_is_wrong_for_no_longer_than_until_its_next_frame(
    data_dir: Path, accident: str
) -> None:
    recorded = recording(data_dir, "coinbase")
    chance = Random(SEED)
    for _ in range(3):
        seed = chance.randrange(10**9)
        stage = play(recorded, accident, seed, 1)
        assert len(stage.outcome.wrong) <= 1, f"Seed {seed}."
        assert all(one.state is BookState.LIVE for one in stage.desk.listings.values())
        assert_trades_are_told_once(stage.outcome, seed)


def test_of_every_harmful_loss_the_next_checksum_tells(data_dir: Path) -> None:
    recorded = recording(data_dir, "kraken-10")
    books = [
        number
        for number, frame in enumerate(recorded.frames)
        if any(hasattr(update, "checksum") for update in frame)
    ]
    caught = harmless = 0
    for at, following in pairwise(books[1:]):
        if any(getattr(update, "is_snapshot", False) for update in recorded.frames[at]):
            continue
        deliveries = in_order(recorded.frames[: following + 1])
        ACCIDENTS["dropped"](deliveries, at)
        stage = Stage(recorded)
        outcome = stage.play(deliveries)
        assert following not in outcome.wrong, at
        if outcome.mismatches:
            caught += 1
        else:
            harmless += 1
    assert (caught, harmless) == (229, 66)


@pytest.mark.parametrize("accident", ACCIDENTS)
@pytest.mark.parametrize("name", ["kraken-10", "kraken-25"])
def test_a_book_with_a_checksum_comes_back_from_every_accident(
    data_dir: Path, name: str, accident: str
) -> None:
    stage = play(recording(data_dir, name), accident, SEED)

    assert all(one.state is BookState.LIVE for one in stage.desk.listings.values())
    if accident in ("truncated", "reconnected", "doubled"):
        assert stage.outcome.wrong == [], f"Seed {SEED}."

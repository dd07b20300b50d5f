"""Recorded days over bad wires: what a desk calls live is the truth, and it always recovers.

Each run prints its seed, which repeats it.
"""

import sys
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from itertools import islice
from pathlib import Path

import pytest

from aggregator.captures.reading import CaptureReader
from aggregator.captures.rows import Row, RowKind
from tests.support.chaos_run import Judge, Run
from tests.support.chaos_truth import Binance, Bybit, Coinbase, Kraken, Venue
from tests.support.chaos_wire import Mischief

SEEDS = (1, 2, 3)
ROWS_MAX = 2_000
ONE_KIND_ROWS_MAX = 700
FLIP = (Mischief.FLIP,)
ALL = tuple(kind for kind in Mischief if kind is not Mischief.FLIP)


@lru_cache(maxsize=1)  # What a test process keeps for good slows all that come after.
def _recording(path: Path) -> tuple[Row, ...]:
    return tuple(islice(CaptureReader(str(path)), ROWS_MAX))


@pytest.fixture
def captures(data_dir: Path) -> Path:
    return data_dir / "captures"


def rows_of(folder: Path, name: str, url_end: str = "") -> list[Row]:
    rows = _recording(folder / f"{name}.jsonl.xz")
    return [row for row in rows if row.url.endswith(url_end)]


def check(run: Run) -> None:
    """Whatever was live was right on the way (see `Run`); now all of it is, and so are trades."""
    sys.stdout.write(f"{run.feed}, seed {run.seed}: {run.wire.done}, {run.compared} compared\n")
    assert run.wire.done, "nothing was done to this recording"
    assert run.compared > 0, "nothing was ever live"
    states = {name: (book.state, book.reason) for name, book in run.desk.listings.items()}
    assert all(state in ("live", "stale") for state, _ in states.values()), f"{run.seed}: {states}"
    twice = {trade: count for trade, count in run.told.items() if count > 1}
    assert not twice, f"seed {run.seed}: told more than once: {twice}"
    lost = Counter(trade for parcel in run.wire.lost for trade in parcel.heard.trades)
    missing = Counter(trade_id for _, trade_id in run.happened)
    missing -= Counter(trade_id for _, trade_id in run.told)
    missing -= Counter(trade_id for _, trade_id in lost)
    assert not missing, f"seed {run.seed}: never told: {missing}"


def run_of(captures: Path, feed: str, seed: int, kinds: tuple[Mischief, ...], count: int) -> Run:
    name, url_end, pairs, depth = DAYS[feed]
    rows = rows_of(captures, name, url_end)[:count]
    snapshot = next((row.data or "" for row in rows if row.kind is RowKind.HTTP), "")
    make: dict[str, Callable[[], Venue]] = {
        "kraken": lambda: Kraken(depth),
        "bybit": Bybit,
        "coinbase": Coinbase,
        "binance": lambda: Binance({"BTCUSDT": snapshot}),
    }
    venue = feed.partition(":")[0]
    has_numbers = venue in ("binance", "bybit")
    levels = 10 if depth == 25 else 0
    feed = feed.removesuffix(":25")
    return Run(feed, make[venue](), rows, pairs, seed, kinds, 40, levels, has_numbers)


# The recording, the end of its address, the pairs in it, and the depth that is cut to.
DAYS = {
    "kraken:spot": ("kraken-spot-btcusd-depth10", "", ["BTC/USD"], 10),
    "kraken:spot:25": ("kraken-spot-btcusd-depth25", "", ["BTC/USD"], 25),
    "bybit:linear": (
        "bybit-v5-linear-and-spot",
        "/linear",
        ["BTC/USDT", "ETH/USDT", "SOL/USDT", "DOGE/USDT"],
        0,
    ),
    "bybit:spot": ("bybit-v5-linear-and-spot", "/spot", ["BTC/USDT", "ETH/USDT"], 0),
    "coinbase:spot": ("coinbase-advanced-trade", "", ["BTC/USD", "ETH/USD"], 0),
    "binance:spot": ("binance-spot-btcusdt", "", ["BTC/USDT"], 0),
    "binance:linear": ("binance-usdm-btcusdt", "", ["BTC/USDT"], 0),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("feed", DAYS)
def test_all_mischief_together(captures: Path, feed: str, seed: int) -> None:
    check(run_of(captures, feed, seed, ALL, ROWS_MAX).go())


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("feed", DAYS)
def test_mischief_of_one_kind(captures: Path, feed: str, kind: Mischief) -> None:
    check(run_of(captures, feed, 4, (kind,), ONE_KIND_ROWS_MAX).go())


@pytest.mark.parametrize("seed", range(1, 9))
def test_no_changed_digit_gets_past_a_checksum_over_the_whole_book(
    captures: Path, seed: int
) -> None:
    check(run_of(captures, "kraken:spot", seed, FLIP, ROWS_MAX).go())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("feed", ["binance:spot", "binance:linear"])
def test_a_changed_digit_at_the_touch_lives_until_the_venues_next_words_on_it(
    captures: Path, feed: str, seed: int
) -> None:
    run = run_of(captures, feed, seed, FLIP, ONE_KIND_ROWS_MAX)
    run.judge, run.levels_compared = Judge.NEXT_PROOF, 1
    check(run.go())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("feed", ["bybit:linear", "bybit:spot", "coinbase:spot"])
def test_a_changed_digit_that_nothing_shows_is_gone_when_the_book_comes_anew(
    captures: Path, feed: str, seed: int
) -> None:
    run = run_of(captures, feed, seed, FLIP, ONE_KIND_ROWS_MAX)
    run.judge = Judge.LATER
    check(run.go())

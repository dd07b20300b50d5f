"""From what was measured to figures."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from rialto.errors import RialtoError
from rialto.load.outside.figures import (
    frames,
    note_ages,
    note_publishing,
    note_stages,
    of_books,
    percentile,
    read_parts,
)
from rialto.load.outside.rows import Series
from rialto.load.table import Row


@dataclass
class Times:
    feed: str
    all_ns: list[int]
    book_ns: list[int]
    verified: int = 1
    mismatched: int = 0


def row(series: Series, words: str) -> Row:
    [found] = [one for one in series.rows() if words in one.what]
    return found


@pytest.mark.parametrize(("percent", "expected"), [(1, 1), (50, 2), (51, 3), (75, 3), (100, 4)])
def test_a_percentile_is_one_of_the_figures(percent: int, expected: int) -> None:
    assert percentile([1, 2, 3, 4], percent) == expected


def test_recordings_of_one_feed_count_together() -> None:
    series = Series()
    note_stages(
        series,
        [[Times("kraken:spot", [3_000], [3_000]), Times("kraken:spot", [5_000, 90_000], [5_000])]],
    )
    assert row(series, "kraken:spot: a frame, p50").rounds == [5]
    assert row(series, "kraken:spot: a frame, p95").reached is False
    assert row(series, "kraken:spot: a frame that changes the book, p50").rounds == [3]
    assert row(series, "proofs").rounds == [2]


def test_a_single_mismatch_is_seen() -> None:
    series = Series(judges_speed=False)
    note_stages(series, [[Times("a:b", [1], [1])], [Times("a:b", [1], [1], mismatched=1)]])
    assert row(series, "mismatches").reached is False
    assert not row(series, "a:b: a frame, p50").as_dict()["goal"], "a moment tells no speed"


def parts(**books: Any) -> dict[str, Any]:
    stages = {"publish": {"p50": 150, "p95": 800, "p99": 900}}
    return {
        "stages_us": {"kraken:spot": stages},
        "loop": {"longest_round_us": 9_000, "longest_round_cpu_us": 4_000},
        "connections": [{"frames": 5}, {"frames": 7}],
        "books": books,
    }


def test_what_an_aggregator_says_of_itself_is_judged() -> None:
    series = Series()
    said = json.dumps({"parts": parts(one={"gaps": 1}, two={"gaps": 2})}).encode()
    read = read_parts(said)
    note_publishing(series, read)
    assert row(series, "received to publish, p50").reached is True
    assert row(series, "received to publish, p95").reached is False
    assert row(series, "longest round").reached is False
    assert row(series, "in processor time").reached is True
    assert (frames(read), of_books(read, "gaps")) == (12, 3)


def test_ages_are_in_milliseconds() -> None:
    series = Series()
    note_ages(series, [3_000_000, 1_000_000, 2_000_000])
    for name in ("frames", "messages", "cpu"):
        series.note(f"client {name}", 1)
    assert row(series, "venue's socket to client's, p50").rounds == [2]


def test_an_aggregator_that_says_nothing_is_an_error() -> None:
    with pytest.raises(RialtoError, match="nothing of itself"):
        read_parts(None)
    with pytest.raises(RialtoError, match="No client"):
        note_ages(Series(), [])


def test_what_metrics_cost_is_of_each_round() -> None:
    series = Series()
    for measured, without in ((98, 100), (99, 100), (97, 100)):
        for name in ("per s", "updates"):
            series.note(f"flood {name}", 30_000)
        series.note("flood per cpu s", measured)
        series.note("flood unmeasured per cpu s", without)
    cost = row(series, "what metrics cost")
    assert list(cost.rounds) == pytest.approx([2, 1, 3])
    assert cost.reached is True

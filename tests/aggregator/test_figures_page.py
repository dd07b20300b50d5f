"""docs/PROTOCOL.md names every number of `metrics`, and no other.

The rule of this file: the names are compared with what a real aggregator's figures have, so that a
number that is added, or goes, has to be told.
"""

import re
from pathlib import Path

import pytest

from aggregator.books.desk import Desk, DeskOptions
from aggregator.feed.words import ConnectionView
from aggregator.merge import MergeOptions
from aggregator.registry import load_connectors
from aggregator.service import Aggregator
from shared.settings import Settings

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "PROTOCOL.md"
ROW = re.compile(r"^\| `(?P<part>[a-z_]+)` \| (?P<what>.*) \|$", re.MULTILINE)
FEED = "kraken:spot"


@pytest.fixture
async def aggregator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Aggregator:
    """One of two, that was never started; a connection of its feed is open."""
    settings = Settings(home=str(tmp_path), aggregators=2, metrics_feed_url="off")
    connector, manifest = load_connectors()[FEED]
    desk = Desk(connector, manifest, ["BTC/USD"], DeskOptions())
    made = Aggregator(settings, 1, "redis://127.0.0.1:1", [desk], merging=MergeOptions())
    view = ConnectionView(1, 0, "wss://there", 1, 2, 3, 4, 5, 6)
    monkeypatch.setattr(made.fleet.feeds[FEED], "connections", lambda: [view])
    return made


def described() -> dict[str, set[str]]:
    """Return the names that the table of the page has, by part."""
    text = PAGE.read_text("utf-8")
    table = text[text.index("The parts of `metrics`") : text.index("The stages `receive`")]
    return {
        row["part"]: set(re.findall(r"`([a-z0-9_]+)`", row["what"])) for row in ROW.finditer(table)
    }


async def test_of_a_number_that_may_be_null_the_table_says_so(aggregator: Aggregator) -> None:
    # given a venue of which nothing is known yet
    parts = aggregator.figures.read(1_000_000_000)
    texts = {row["part"]: row["what"] for row in ROW.finditer(PAGE.read_text("utf-8"))}
    nulls = {
        (part, name)
        for part, named in parts.items()
        if part in ("books", "feeds", "queues")
        for figures in named.values()
        for name, number in figures.items()
        if number is None
    }
    # then each number that there is not has its "null" before the next one is told of
    assert ("feeds", "clock_skew_ms") in nulls
    for part, name in nulls:
        _, _, after = texts[part].partition(f"`{name}`")
        assert "null" in after.partition("`")[0], f"{part}: {name}"


async def test_every_number_of_the_figures_is_in_the_table_and_no_other(
    aggregator: Aggregator,
) -> None:
    parts = aggregator.figures.read(1_000_000_000)
    [stages] = parts["stages_us"].values()
    seen = {
        "books": {name for book in parts["books"].values() for name in book},
        "connections": {name for one in parts["connections"] for name in one},
        "feeds": set(parts["feeds"][FEED]),
        "stages_us": {*stages, *stages["parse"]},
        "queues": {name for queue in parts["queues"].values() for name in queue},
        "loop": set(parts["loop"]),
        "process": set(parts["process"]),
        "others": set(parts["others"]),
    }
    assert described() == seen
    assert set(parts) == set(seen)

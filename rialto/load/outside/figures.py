"""From what was measured to figures: stages of recordings, and what an aggregator says of itself.

The rule of this file: pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from rialto.errors import RialtoError
from rialto.load.outside.rows import MARKS, Series

NS_PER_US, NS_PER_MS = 1_000, 1_000_000
PERCENTS = dict(zip(MARKS, (50, 95, 99), strict=True))

Parts = Mapping[str, Any]


class StageTimes(Protocol):
    """Of one feed of one recording, in nanoseconds."""

    @property
    def feed(self) -> str: ...
    @property
    def verified(self) -> int: ...
    @property
    def mismatched(self) -> int: ...
    @property
    def all_ns(self) -> Sequence[int]: ...
    @property
    def book_ns(self) -> Sequence[int]: ...


def note_stages(series: Series, rounds: Iterable[Sequence[StageTimes]]) -> None:
    """Note what frames cost, by feed; several recordings of a feed count together."""
    for figures in rounds:
        for feed in sorted({one.feed for one in figures}):
            of_feed = [one for one in figures if one.feed == feed]
            for part, name in (("all_ns", ""), ("book_ns", " book")):
                times = sorted(time for one in of_feed for time in getattr(one, part))
                for mark, percent in PERCENTS.items():
                    figure = percentile(times, percent) / NS_PER_US
                    series.note(f"stage {feed}{name} {mark}", figure)
        series.note("stage verified", sum(one.verified for one in figures))
        series.note("stage mismatched", sum(one.mismatched for one in figures))


def read_parts(said: bytes | None) -> Parts:
    """Return what the channel `metrics` says by part; raises RialtoError where it said nothing."""
    if said is None:
        raise RialtoError("The aggregator has said nothing of itself.")
    parts: Parts = msgspec.json.decode(said)["parts"]
    return parts


def note_publishing(series: Series, parts: Parts) -> None:
    """Note how long frames were on their way from the socket to publishing, by feed."""
    for feed, stages in parts["stages_us"].items():
        for mark in MARKS:
            series.note(f"publish {feed} {mark}", stages["publish"][mark])
    series.note("stall us", parts["loop"]["longest_round_us"])
    series.note("stall cpu us", parts["loop"]["longest_round_cpu_us"])


def note_ages(series: Series, ages_ns: Iterable[int]) -> None:
    """Note how old messages were; raises RialtoError where there were none."""
    ages = sorted(ages_ns)
    if not ages:
        raise RialtoError("No client was told anything.")
    for mark, percent in PERCENTS.items():
        series.note(f"client {mark}", percentile(ages, percent) / NS_PER_MS)


def frames(parts: Parts) -> int:
    """Return how many frames have come by the connections that are open."""
    return sum(int(one["frames"]) for one in parts["connections"])


def of_books(parts: Parts, name: str) -> int:
    """Return one count of all books together."""
    return sum(int(book[name]) for book in parts["books"].values())


def percentile(ranked: Sequence[int], percent: int) -> int:
    """Return the smallest of these that so many percent do not exceed; there is at least one."""
    rank = -(-len(ranked) * percent // 100)
    return ranked[max(rank, 1) - 1]

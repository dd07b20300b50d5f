"""What one frame costs: read, applied and proven, by feed, frame by frame.

The rule of this file: all files are played from memory, in turn, as often as there are rounds, so
that every feed meets the same machine.
"""

import gc
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from aggregator.books.desk import Desk, DeskOptions
from aggregator.captures.player import Player, Playing
from aggregator.captures.reading import CaptureReader
from aggregator.captures.rows import Row
from aggregator.registry import load_connectors

WARM_UP_ROUNDS = 1  # The first one fills caches and the allocator's pools.


class StageFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One feed of one recording. Times are nanoseconds of each frame, sorted: of all frames, and
    of those that changed a book.
    """

    feed: str
    file: str
    verified: int
    mismatched: int
    all_ns: Sequence[int]
    book_ns: Sequence[int]
    frames_per_s: float


class _Stopwatch:
    """Times of frames by feed, and whether they changed a book."""

    def __init__(self) -> None:
        self.all_ns: dict[str, list[int]] = defaultdict(list)
        self.book_ns: dict[str, list[int]] = defaultdict(list)
        self._updates: dict[str, int] = defaultdict(int)

    def note(self, playing: Playing, took_ns: int) -> None:
        updates = sum(one.counts.updates for one in playing.desk.listings.values())
        self.all_ns[playing.feed].append(took_ns)
        if updates != self._updates[playing.feed]:
            self._updates[playing.feed] = updates
            self.book_ns[playing.feed].append(took_ns)


def measure_stages(folder: Path, rounds: int) -> list[list[StageFigures]]:
    """Play every recording of a folder, and return the figures of each round; raises CaptureError
    for what is no recording.
    """
    names = sorted(str(path) for path in folder.glob("*.jsonl.xz"))
    rows = {name: list(CaptureReader(name)) for name in names}
    for _ in range(WARM_UP_ROUNDS):
        _measure_round(rows)
    return [_measure_round(rows) for _ in range(rounds)]


def _measure_round(rows: Mapping[str, Sequence[Row]]) -> list[StageFigures]:
    return [found for name, of_file in rows.items() for found in _measure_file(name, of_file)]


def _measure_file(name: str, rows: Sequence[Row]) -> Iterable[StageFigures]:
    stopwatch = _Stopwatch()
    player = Player(load_connectors(), DeskOptions(guess_symbols=True))
    player.on_frame = stopwatch.note
    # As in production, where a full collection waits until nothing else is to be done.
    gc.collect()
    gc.freeze()
    started_ns = time.perf_counter_ns()
    for row in rows:
        player.play(row)
    took_s = (time.perf_counter_ns() - started_ns) / 1_000_000_000
    gc.unfreeze()
    frames = sum(map(len, stopwatch.all_ns.values()))
    for feed, playing in player.playing.items():
        yield StageFigures(
            feed=feed,
            file=name,
            verified=_total(playing.desk, "verified"),
            mismatched=_total(playing.desk, "mismatched"),
            all_ns=sorted(stopwatch.all_ns[feed]),
            book_ns=sorted(stopwatch.book_ns[feed]),
            frames_per_s=frames / took_s,
        )


def _total(desk: Desk, name: str) -> int:
    return sum(getattr(listing.counts, name) for listing in desk.listings.values())

"""The table of the aggregator's figures and their goals. Pure.

The rule of this file: a figure is the median of its rounds; what may not be at all is added up.
"""

from collections import defaultdict
from collections.abc import Iterator

from msgspec.structs import replace

from rialto.load.table import Goal, Row

# By feed, of every frame: p50, p95, p99 in microseconds; for USD-M of those that change the book.
STAGE_GOALS = (8, 30, 100)
DEEP_FEED, DEEP_GOALS = "binance:linear", (40, 250, 500)  # Hundreds of levels a frame.
PUBLISH_GOALS = (200, 700, 1_500)
CLIENT_GOALS = (1.5, 3.0, 6.0)
MARKS = ("p50", "p95", "p99")
STALL_US_MAX = 5_000
FLAT_MB = 5


class Series:
    """Figures by name, as they come."""

    def __init__(self, *, judges_speed: bool = True) -> None:
        self._of: dict[str, list[float]] = defaultdict(list)
        self._judges_speed = judges_speed  # A moment says nothing about speed.
        self.sentences: list[str] = []
        self.definitions: list[str] = []  # Said under a table, not beside JSON.

    def note(self, name: str, figure: float) -> None:
        self._of[name].append(figure)

    def rows(self) -> list[Row]:
        """Return the table, of what was measured."""
        rows = [
            *self._stage_rows(),
            *self._publish_rows(),
            *self._client_rows(),
            *self._flood_rows(),
            *self._stream_rows(),
        ]
        if not self._judges_speed:
            rows = [replace(row, goal=Goal.NONE) for row in rows]
        return [*rows, *self._counts()]

    def _stage_rows(self) -> Iterator[Row]:
        for feed in self._named("stage", "p50"):
            for part, what in (("", "a frame"), (" book", "a frame that changes the book")):
                has_goal = (part == " book") == (feed == DEEP_FEED)
                limits = DEEP_GOALS if feed == DEEP_FEED else STAGE_GOALS
                for mark, limit in zip(MARKS, limits, strict=True):
                    goal = Goal.BELOW if has_goal else Goal.NONE
                    name = f"stage {feed}{part} {mark}"
                    yield self._row(f"{feed}: {what}, {mark}", name, "us", goal, limit, digits=1)

    def _publish_rows(self) -> Iterator[Row]:
        for feed in self._named("publish", "p50"):
            for mark, limit in zip(MARKS, PUBLISH_GOALS, strict=True):
                name = f"publish {feed} {mark}"
                yield self._row(
                    f"{feed}: received to publish, {mark}", name, "us", Goal.BELOW, limit
                )
        if "stall us" in self._of:
            yield self._row("longest round of the loop", "stall us", "us", Goal.BELOW, STALL_US_MAX)
            # Without what else the machine did meanwhile.
            what = "  in processor time"
            yield self._row(what, "stall cpu us", "us", Goal.BELOW, STALL_US_MAX)

    def _client_rows(self) -> Iterator[Row]:
        if "client p50" not in self._of:
            return
        for mark, limit in zip(MARKS, CLIENT_GOALS, strict=True):
            what = f"venue's socket to client's, {mark}"
            yield self._row(what, f"client {mark}", "ms", Goal.BELOW, limit, digits=2)
        yield self._row("  frames of venues", "client frames", "/s")
        yield self._row("  messages to the client", "client messages", "/s")
        yield self._row("  aggregator's processor, of a core", "client cpu", "%")

    def _flood_rows(self) -> Iterator[Row]:
        if "flood per s" not in self._of:
            return
        yield self._row("throughput of one process", "flood per s", "/s", Goal.AT_LEAST, 20_000)
        yield self._row("  changes of books in them", "flood updates", "/s")
        yield self._row("  a second of its processor", "flood per cpu s", "/s")
        yield self._row("  the same without metrics", "flood unmeasured per cpu s", "/s")
        with_metrics, without = self._of["flood per cpu s"], self._of["flood unmeasured per cpu s"]
        shares = [100 - 100 * one / two for one, two in zip(with_metrics, without, strict=True)]
        yield Row(
            what="  what metrics cost", unit="%", rounds=shares, goal=Goal.BELOW, limit=3, digits=1
        )

    def _stream_rows(self) -> Iterator[Row]:
        if "streams rss" not in self._of:
            return
        yield self._row("36 streams: memory", "streams rss", "MB", Goal.BELOW, 100)
        yield self._row(
            "  grown since the first fifth", "streams growth", "MB", Goal.BELOW, FLAT_MB
        )
        yield self._row(
            "  with broadcaster and Redis's share", "streams together", "MB", Goal.BELOW, 150
        )
        yield self._row("  books live at the end", "streams live", "", Goal.AT_LEAST, 36)

    def _counts(self) -> Iterator[Row]:
        for name, what in (
            ("stage mismatched", "recordings: mismatches"),
            ("flood mismatched", "throughput: mismatches"),
            ("flood gaps", "throughput: gaps"),
            ("streams mismatched", "36 streams: mismatches"),
            ("streams resyncs", "36 streams: resyncs"),
            ("streams repaired", "36 streams: clients that had to begin anew"),
        ):
            if name in self._of:
                total = sum(self._of[name])
                yield Row(what=what, unit="", rounds=[total], goal=Goal.BELOW, limit=1)
        if "stage verified" in self._of:
            yield self._row("recordings: proofs in each round", "stage verified", "")

    def _named(self, kind: str, mark: str) -> list[str]:
        names = (name.split(" ") for name in self._of)
        return [words[1] for words in names if words[0] == kind and words[2:] == [mark]]

    def _row(
        self,
        what: str,
        name: str,
        unit: str,
        goal: Goal = Goal.NONE,
        limit: float = 0,
        *,
        digits: int = 0,
    ) -> Row:
        return Row(
            what=what, unit=unit, rounds=self._of[name], goal=goal, limit=limit, digits=digits
        )

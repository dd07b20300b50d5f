"""The table of the feed's figures and their goals. Pure.

The rule of this file: a figure is the median of its rounds; a count of what may not be is the sum.
"""

from collections import defaultdict
from collections.abc import Iterator

from msgspec.structs import replace

from rialto.load.table import Goal, Row

FLAT_MB = 15  # What the allocator may add while the same clients stall again and again.


class Series:
    """Figures by name, as they come, and what clients complained of."""

    def __init__(
        self, few: tuple[int, ...], storm: int, many: int, *, judges_speed: bool = True
    ) -> None:
        self._of: dict[str, list[float]] = defaultdict(list)
        self._few = few
        self._storm = storm
        self._many = many
        self._judges_speed = judges_speed  # Few clients for a moment say nothing about speed.
        self.sentences: list[str] = []

    def note(self, name: str, figure: float) -> None:
        self._of[name].append(figure)

    def rows(self) -> list[Row]:
        """Return the table, of what was measured."""
        parts = {
            "many p99": self._many_rows,
            f"few {self._few[0]} p99": self._few_rows,
            "fan per s": self._fan_out_rows,
            "stall with p99": self._stalled_rows,
            "storm s": self._storm_rows,
        }
        measured = [rows for name, rows in parts.items() if name in self._of]
        speeds = [row for rows in measured for row in rows()]
        if not self._judges_speed:
            speeds = [replace(row, goal=Goal.NONE) for row in speeds]
        return [*speeds, *self._counts()]

    def _many_rows(self) -> Iterator[Row]:
        many = f"{self._many:,} connections"
        yield self._ms(f"{many}: beyond 250 ms, p99", "many p99", 150)
        yield self._ms("  the same, p50", "many p50")
        yield self._ms("  their trades, at once, p50", "many trades p50")
        yield self._ms("  their trades, at once, p99", "many trades p99")
        yield self._row("  messages", "many per s", "/s")
        yield self._row("  memory", "many rss", "MB", Goal.BELOW, 500)
        yield self._row("  broadcaster's processor, of a core", "many cpu broadcaster", "%")
        yield self._row("  the clients'", "many cpu clients", "%")
        yield self._row("  the engine's", "many cpu engine", "%")
        yield self._row("  Redis's", "many cpu redis", "%")
        yield self._row("  the traffic's", "many cpu this", "%")
        yield self._row("  broadcaster's, a message", "many cpu us", "us", digits=2)
        yield self._row("  bare send, to as many", "many floor cpu us", "us", digits=2)
        yield self._row("  time to come in", "many open", "s", digits=1)
        yield self._row("  fresh snapshots for the slow", "many lagged", "")

    def _few_rows(self) -> Iterator[Row]:
        for clients in self._few:
            name = f"{clients} at once: publish to socket"
            yield self._ms(f"{name}, p50", f"few {clients} p50", 1)
            yield self._ms(f"{name}, p99", f"few {clients} p99", 5)
            yield self._ms("  commit to socket, p50", f"few {clients} commit p50")
            yield self._ms("  commit to socket, p99", f"few {clients} commit p99")

    def _fan_out_rows(self) -> Iterator[Row]:
        yield self._row("fan-out", "fan per s", "/s", Goal.AT_LEAST, 80_000)
        yield self._row("  broadcaster's processor", "fan busy", "%")
        yield self._row("  messages a second of it", "fan per cpu s", "/s")
        yield self._row("  of it, a message", "fan cpu us", "us", digits=2)
        yield self._row("  of it, when each message goes alone", "fan alone cpu us", "us", digits=2)
        yield self._row("bare send, to the same crowd", "floor per s", "/s")
        yield self._row("  processor, a call", "floor cpu us", "us", digits=2)

    def _stalled_rows(self) -> Iterator[Row]:
        yield self._ms("nobody stalled: publish to socket, p99", "stall without p99")
        yield self._ms("stalled readers: the others' p99", "stall with p99", self._noise_ms())
        yield self._row("  memory before", "stall rss without 0", "MB")
        yield self._row("  memory while they stall", "stall rss with 0", "MB")
        firsts, seconds = self._of["stall rss with 0"], self._of["stall rss with 1"]
        grown = [second - first for first, second in zip(firsts, seconds, strict=True)]
        yield Row(
            what="  grown when they do it again",
            unit="MB",
            rounds=grown,
            goal=Goal.BELOW,
            limit=FLAT_MB,
            digits=1,
        )
        yield self._row("  fresh snapshots for them afterwards", "stall lagged", "")

    def _noise_ms(self) -> float:
        """Return the largest figure without stalled readers; what is below it may be noise."""
        return max(self._of["stall without p99"])

    def _storm_rows(self) -> Iterator[Row]:
        yield self._row(
            f"storm of {self._storm:,}: all served again", "storm s", "s", Goal.BELOW, 10, digits=2
        )
        yield self._row("  memory", "storm rss", "MB")

    def _counts(self) -> Iterator[Row]:
        yield self._row("what else the machine did, of a core", "others", "%")
        yield Row(what="messages checked", unit="", rounds=[sum(self._of["messages"])])
        for what, name in (
            ("gaps, wrong checksums and losses", "faults"),
            ("connections cut", "cut"),
            ("subscriptions not at the end", "undelivered"),
            ("messages that nobody published", "unknown"),
        ):
            rounds = [sum(self._of[name])]
            yield Row(what=f"  {what}", unit="", rounds=rounds, goal=Goal.BELOW, limit=1)

    def _ms(self, what: str, name: str, limit: float = 0) -> Row:
        goal = Goal.BELOW if limit else Goal.NONE
        return self._row(what, name, "ms", goal, limit, digits=2)

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
        rounds = self._of[name]
        return Row(what=what, unit=unit, rounds=rounds, goal=goal, limit=limit, digits=digits)

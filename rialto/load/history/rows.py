"""The table of `rialto bench history`: figures by name, and the goals they are held to.

The rule of this file: pure. Times are in milliseconds, memory in millions of bytes.
"""

from collections import defaultdict
from collections.abc import Sequence

from rialto.load.history.bench import Beside
from rialto.load.table import Goal, Row

NS_PER_MS = 1_000_000
MB = 1_000_000
FLAT_MB = 30  # What caches and the allocator may add in the second half of a run.
ALONE_PER_S = {"SQLite": 20_000, "PostgreSQL": 10_000}
CATCHING_UP_PER_S = 5_000
LAG_MS = 1_000
KLINES_MS = 10


class Series:
    """Figures as they come; `rows` is the table of all."""

    def __init__(self, *, judges_speed: bool) -> None:
        self._judges_speed = judges_speed  # A moment says nothing about speed.
        self._rows: dict[str, Row] = {}
        self._rounds: dict[str, list[float]] = defaultdict(list)

    def note_alone(
        self, kind: str, stream: str, *, per_s: int, per_cpu_s: int, grown: int, lost: int
    ) -> None:
        """Note how fast a database took trades, with nothing beside it."""
        what = f"{kind}, {stream}"
        limit = ALONE_PER_S[kind] if stream == "trades" else 0
        self._note(f"{what}: written alone", per_s, "trades/s", Goal.AT_LEAST, limit)
        self._note(f"{what}: a second of our CPU", per_cpu_s, "trades")
        self._note(f"{what}: memory grown", grown / MB, "MB", Goal.BELOW, FLAT_MB)
        self._note(f"{what}: not there afterwards", lost, "trades", Goal.BELOW, 1, is_exact=True)

    def note_beside(self, kind: str, seen: Beside) -> None:
        """Note how a recorder did beside an exchange."""
        what = f"{kind}, beside 2,000 orders/s"
        per_s = seen.catching_up_per_s
        self._note(f"{what}: catching up", per_s, "trades/s", Goal.AT_LEAST, CATCHING_UP_PER_S)
        self._note(f"{what}: its CPU a trade", seen.cpu_us / max(seen.trades, 1), "us")
        for percent, name in ((50, "p50"), (95, "p95"), (100, "max")):
            lag_ms = percentile(seen.lags_ns, percent) / NS_PER_MS
            goal = Goal.BELOW if percent == 100 else Goal.NONE
            self._note(f"{what}: lag, {name}", lag_ms, "ms", goal, LAG_MS)
        grown = (seen.end_bytes - seen.halfway_bytes) / MB
        self._note(f"{what}: memory grown", grown, "MB", Goal.BELOW, FLAT_MB)

    def note_klines(self, kind: str, trades: int, latencies_ns: Sequence[int]) -> None:
        """Note how soon 500 candles are there."""
        what = f"{kind}, 500 candles of {trades:,} trades"
        for percent, name in ((50, "p50"), (95, "p95")):
            at_ms = percentile(sorted(latencies_ns), percent) / NS_PER_MS
            self._note(f"{what}: {name}", at_ms, "ms", Goal.BELOW, KLINES_MS, digits=2)

    def rows(self) -> list[Row]:
        """Return the table, in the order in which the figures came first."""
        return list(self._rows.values())

    def _note(
        self,
        what: str,
        figure: float,
        unit: str,
        goal: Goal = Goal.NONE,
        limit: float = 0,
        *,
        digits: int = 0,
        is_exact: bool = False,
    ) -> None:
        rounds = self._rounds[what]
        rounds.append(figure)
        if not (limit and (self._judges_speed or is_exact)):
            goal = Goal.NONE
        row = Row(what=what, unit=unit, rounds=rounds, goal=goal, limit=limit, digits=digits)
        self._rows[what] = row


def percentile(ordered: Sequence[int], percent: int) -> int:
    """Return the nearest-rank percentile of what is in order, 0 of nothing."""
    if not ordered:
        return 0
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(rank, 1) - 1]

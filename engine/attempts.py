"""Three deaths at one command halt the venue instead of a fourth.

The rule of this file: it only decides. A command that kills the engine would kill it again after
every restart. Deaths are counted in Redis, at the entry that was being applied: by the dying
engine when an exception tells it which one, and otherwise before the first entry after a start. An
engine that finds a count ahead of its position goes on carefully: entry by entry, each counted
before it is applied.
"""

from dataclasses import dataclass

DEATHS_MAX = 3  # One may be chance, two a coincidence; nobody wants to see the fourth.


@dataclass(frozen=True, slots=True)
class Plan:
    """How to go on after a start: with single counted steps from `careful_from` to `careful_to`.

    `halt_at` is the entry that has killed too often, or 0.
    """

    halt_at: int = 0
    careful_from: int = 0
    careful_to: int = -1

    def is_careful(self, n: int) -> bool:
        return self.careful_from <= n <= self.careful_to

    def count_max(self, position: int, batch_max: int) -> int:
        """Return how many entries behind `position` may be applied together."""
        if self.is_careful(position + 1):
            return 1
        if position + 1 < self.careful_from:
            return min(batch_max, self.careful_from - position - 1)
        return batch_max


def plan_start(position: int, counted_n: int, deaths: int, batch_max: int) -> Plan:
    """Return the plan for an engine at `position`, given the entry last counted and its deaths."""
    if counted_n <= position:
        return Plan()  # Whatever was counted there has been survived.
    if deaths >= DEATHS_MAX:
        return Plan(halt_at=counted_n)
    return Plan(careful_from=counted_n, careful_to=max(counted_n, position + batch_max))

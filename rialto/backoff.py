"""How long to wait before a dead service is started again."""

from dataclasses import dataclass

FIRST_S = (
    0.1  # One death is mostly an accident; the exchange should be back before a client times out.
)
FACTOR = 2.0
# A cause outside (disk, port) may go away at any time; an operator waits no longer than this.
CAP_S = 5.0
STABLE_S = 2.0  # Ready for this long, a service works: its next death is a new accident.
TOLD_AFTER = 5  # Quick deaths in a row that are no accident any more.


@dataclass
class Backoff:
    """Counts quick deaths in a row: those before the service was ready for STABLE_S."""

    quick_deaths: int = 0

    def after_death(self, ready_for_s: float) -> float:
        """Count one death and return the seconds to wait."""
        if ready_for_s >= STABLE_S:
            self.quick_deaths = 0
        self.quick_deaths += 1
        return min(CAP_S, FIRST_S * FACTOR ** min(self.quick_deaths - 1, 16))

    @property
    def is_hopeless(self) -> bool:
        return self.quick_deaths >= TOLD_AFTER

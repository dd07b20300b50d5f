"""The watermark: no trade with an earlier journal time can come any more.

The rule of this file: wall time closes nothing. A command that waits for the engine was stamped
when it was enqueued, so the clock counts only if nothing waits: if in one transaction of Redis the
journal's last number is that of the last entry that is written, then whatever comes later is
stamped no earlier than the clock of that transaction.
"""

from itertools import takewhile
from typing import NamedTuple

from history.projection.rows import CursorRow
from shared.logs import get_logger
from shared.messages import Applied

_log = get_logger(__name__)


class Moment(NamedTuple):
    """The venue in one transaction of Redis: the journal's last number and Redis' clock, how far
    the engine is: entry, event, journal time, and which start of the server it is.
    """

    last_n: int
    clock_ns: int
    n: int
    sequence: int
    at_ns: int
    server: str


class Watermark:
    """Goes on with what is written and with the clock, and never back.

    A clock of Redis that is set back makes entries that come late; nothing can be done about what
    was said before, so they are counted and told.
    """

    def __init__(self) -> None:
        self.at_ns = 0
        self.late_entries = 0
        self._is_late = False
        self._moment: Moment | None = None

    def look(self, moment: Moment) -> None:
        """Take over what was seen last; what an earlier moment has proven stays true."""
        self._moment = moment

    def take(self, batch: list[Applied]) -> None:
        """Look at the times of what follows, before it is written."""
        late = sum(1 for _ in takewhile(lambda applied: applied.at_ns < self.at_ns, batch))
        if late and not self._is_late:
            behind_ns = self.at_ns - batch[0].at_ns
            _log.warning("clock_of_redis_went_back", entry=batch[0].n, behind_ns=behind_ns)
        self._is_late = late > 0
        self.late_entries += late

    def after(self, cursor: CursorRow) -> int:
        """Return the watermark of a history that is written up to `cursor`."""
        moment = self._moment
        is_idle = moment is not None and moment.last_n == cursor.n
        clock_ns = moment.clock_ns if moment is not None and is_idle else 0
        self.at_ns = max(self.at_ns, cursor.at_ns, clock_ns)
        return self.at_ns

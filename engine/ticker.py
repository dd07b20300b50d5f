"""The ticker: when a timer of the exchange is due and nobody sends anything, the engine does.

The rule of this file: time reaches the exchange by the journal alone, so that a replay sees the
same. What is due happens before whatever entry comes next; a tick is that entry when there is no
other. It is a wish like any: one that is lost, refused or too early changes nothing and is sent
again.
"""

from collections.abc import Callable

from msgspec import Raw

from shared.messages import Tick
from shared.wire import NOBODY, WIRE_VERSION, Envelope, encode

# The journal's time is that of the Redis clock; while that is behind ours, ticks come too early.
TICK_INTERVAL_MIN_NS = 20_000_000
NS_PER_MS = 1_000_000


class Ticker:
    """Sends ticks by `append`, which says whether the journal took one; times are Unix ns."""

    def __init__(self, append: Callable[[bytes], bool]) -> None:
        self._append = append
        self._sent_at_ns = 0
        self._sent_behind = -1  # The position at which the outstanding tick was sent.

    def wait_ms(self, due_ns: int, now_ns: int, *, most_ms: int) -> int:
        """Return how long an idle engine may sleep (1 to `most_ms`) with a timer at `due_ns`, 0
        for none.
        """
        if not due_ns:
            return most_ms
        # A clock that was set back must not make us sleep through the difference.
        again_ns = min(self._sent_at_ns, now_ns) + TICK_INTERVAL_MIN_NS
        wait_ns = max(due_ns, again_ns) - now_ns
        return max(1, min(most_ms, -(-wait_ns // NS_PER_MS)))

    def tick_if_due(self, due_ns: int, position: int, now_ns: int) -> None:
        """Send a tick if a timer is due, none of ours waits behind `position`, and the last one is
        a moment ago.
        """
        if not 0 < due_ns <= now_ns or self._sent_behind == position:
            return
        if abs(now_ns - self._sent_at_ns) < TICK_INTERVAL_MIN_NS:
            return
        self._sent_at_ns = now_ns
        if self._append(_payload()):
            self._sent_behind = position


def _payload() -> bytes:
    return encode(Envelope(WIRE_VERSION, NOBODY, 0, Raw(encode(Tick()))))

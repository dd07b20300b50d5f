"""How often somebody may try a password.

The rule of this file: a bounded table of token buckets, asked before any hash is computed. It lives
in the process; what all gateways counted in this minute is added where they share it. While they
cannot, each goes on by its own: whoever could cut that link must not be able to keep everybody out.
"""

import time
from collections import OrderedDict
from collections.abc import Callable

from api.edge.errors import ApiError
from api.limits.tallies import Table

BUCKETS_MAX = 20_000  # The least recently used are forgotten: about 4 MB.


class AttemptLimiter:
    """Allows `burst` attempts at once per name, and `per_minute` more each minute.

    `shared` counts those of all gateways, of which `burst` and a minute's are allowed in a minute.
    """

    def __init__(
        self,
        *,
        burst: int,
        per_minute: int,
        clock: Callable[[], float] = time.monotonic,
        shared: Table | None = None,
        unix_clock: Callable[[], float] = time.time,
    ) -> None:
        self._burst = burst
        self._per_s = per_minute / 60
        self._clock = clock
        self._shared = shared
        self._unix_clock = unix_clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> None:
        """Count one attempt; raises ApiError TOO_MANY_ATTEMPTS when there is none left."""
        now_s = self._clock()
        left, at_s = self._buckets.get(name, (float(self._burst), now_s))
        left = min(self._burst, left + (now_s - at_s) * self._per_s)
        if left < 1:
            wait_s = int((1 - left) / self._per_s) + 1
            raise ApiError("TOO_MANY_ATTEMPTS", retry_after_s=wait_s)
        if self._shared is not None:
            tally = self._shared.of(name)
            unix_s = self._unix_clock()
            if tally.total(unix_s) >= self._shared.window.limit:
                raise ApiError("TOO_MANY_ATTEMPTS", retry_after_s=tally.wait_s(unix_s))
            self._shared.add(tally, 1)
        self._buckets[name] = (left - 1, now_s)
        self._buckets.move_to_end(name)
        if len(self._buckets) > BUCKETS_MAX:
            self._buckets.popitem(last=False)

"""The highest and the lowest of a row of candles whose end grows and whose beginning goes.

The rule of this file: each candle goes in and out once, so that both are known at any time for a
constant price a candle (the usual queue of candidates: what is older and not better can never be
the best again).
"""

from collections import deque


class Extremes:
    """The best of what is within, by `sign`: 1 for the highest, -1 for the lowest."""

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._candidates: deque[tuple[int, int]] = deque()  # Value times sign, when it began.

    def put(self, open_at_ns: int, value: int) -> None:
        """Add the newest, or say what the newest has grown to."""
        signed = self._sign * value
        candidates = self._candidates
        while candidates and candidates[-1][0] <= signed:
            candidates.pop()
        candidates.append((signed, open_at_ns))

    def drop(self, open_at_ns: int) -> None:
        """Take out the oldest, which began then."""
        if self._candidates and self._candidates[0][1] == open_at_ns:
            self._candidates.popleft()

    @property
    def best(self) -> int | None:
        """The best, None if nothing is within."""
        return self._sign * self._candidates[0][0] if self._candidates else None

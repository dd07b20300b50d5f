"""How long reading, changing and proving take, of one frame in some.

The rule of this file: measuring is switched on for one round in some, and for all others it costs
one look at a number.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from aggregator.books.desk import Desk
from aggregator.metrics import SAMPLED_1_OF, StageTimes

_STAGES = ("parse", "apply", "verify")


class Waiting(Protocol):
    """The feed of a desk: how long the last frame had waited, while `is_timed`; 0: none came."""

    is_timed: bool
    waited_ns: int


class Measuring:
    """Looks at what desks, and their feeds, have measured of the last frame of a round."""

    def __init__(
        self,
        desks: Sequence[Desk],
        feeds: Mapping[str, Waiting],
        stages: Mapping[str, StageTimes],
    ) -> None:
        self._desks = [
            (desk, feeds[desk.manifest.feed], stages[desk.manifest.feed])
            for desk in desks
            if stages
        ]
        self._left = 1  # Rounds until the one that is measured is over; the first one is.

    def look(self) -> None:
        """Count what was measured, and settle what the next round does; right after a round."""
        self._left -= 1
        if self._left <= 1 and self._desks:
            self._change()

    def _change(self) -> None:
        if self._left:
            self._switch(is_on=True)
        else:
            self._left = SAMPLED_1_OF
            self._take()
            self._switch(is_on=False)

    def _take(self) -> None:
        for desk, feed, times in self._desks:
            if feed.waited_ns:
                times.add("receive", feed.waited_ns)
                feed.waited_ns = 0
            measured = desk.last_stage_ns
            if any(measured):
                desk.last_stage_ns = (0, 0, 0)
                for stage, ns in zip(_STAGES, measured, strict=True):
                    times.add(stage, ns)

    def _switch(self, *, is_on: bool) -> None:
        for desk, feed, _ in self._desks:
            feed.is_timed = is_on
            if desk.stopwatch is not None:
                desk.stopwatch.is_on = is_on

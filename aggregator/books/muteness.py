"""Connections of which nothing comes any more, and what that makes of their books.

The rule of this file: while a connection is mute, no book of it is live, however it has become
whole. What has come is not silence, even if we have not looked at it yet.

The silence of a connection with a quiet pair alone tells nothing. One that has come back from a
silence is waited for twice as long as that, for an hour: so its books fall a few times an hour at
most, each time by a silence more than twice as long, until their own `stale_s` is nearer. Where
silence is no habit, nothing is learned of it: the venue was dead, and may be so again.
"""

from collections.abc import Callable

from aggregator.books.links import Link, Seat
from aggregator.books.seating import Seating
from aggregator.protocol import NS_A_S, Manifest

# So many frames missing, one after the other, are no chance: heartbeats are sent by a clock, and
# all others come when they do; of ten to be expected, none comes once in 22,000 times.
HEARTBEATS_MISSED_MIN = 3
BUSY_FRAMES_MIN = 10
BUSY_NS_MIN = 60 * NS_A_S  # To tell a busy connection from a burst.
HABIT_NS = 3_600 * NS_A_S  # A pair that is quiet now may not be later.


class Muteness:
    """`has_waiting` says whether frames of a connection have come that the desk was not given."""

    def __init__(self, manifest: Manifest, seating: Seating) -> None:
        self.has_waiting: Callable[[int], bool] = lambda connection: False
        self._seating = seating
        self._mute_ns = int(manifest.mute_s * NS_A_S)
        heartbeat_ns = int(manifest.heartbeat_s * NS_A_S)
        self._has_heartbeats = 0 < heartbeat_ns * HEARTBEATS_MISSED_MIN <= self._mute_ns

    def look_at(self, link: Link, at_ns: int) -> None:
        """Let a connection's books fall if it has been silent for too long."""
        # The clock may have been put back: from then on it counts.
        link.heard_at_ns = min(link.heard_at_ns, at_ns)
        link.habit.until_ns = min(link.habit.until_ns, at_ns + HABIT_NS)
        if not link.is_mute:
            link.is_mute = self._is_mute(link, at_ns)
        if link.is_mute:
            for seat in link.seats.values():
                self.hush(link, seat, at_ns)

    def _is_mute(self, link: Link, at_ns: int) -> bool:
        if not self._mute_ns:
            return False
        is_silent = _quiet_ns(link, at_ns) > max(self._mute_ns, _wait_ns(link, at_ns))
        return is_silent and not self.has_waiting(link.number)

    def hush(self, link: Link, seat: Seat, at_ns: int) -> None:
        """Let a book fall if its connection is mute: what makes it whole may come another way."""
        if link.is_mute:
            seat.book.fall_mute(_quiet_ns(link, at_ns), at_ns)

    def hear(self, link: Link, at_ns: int) -> None:
        """Take note that a frame has come on a connection, and is counted."""
        if link.is_mute:
            self._learn(link, at_ns)
            self._seating.wake(link, at_ns)
        link.heard_at_ns = at_ns

    def _learn(self, link: Link, at_ns: int) -> None:
        habit, frames = link.habit, link.frames - 1
        if not self._has_heartbeats and not self._was_busy(link, frames):
            wait_ns = 2 * _quiet_ns(link, at_ns)
            habit.wait_ns = max(_wait_ns(link, at_ns), wait_ns)
            habit.until_ns = at_ns + HABIT_NS
        habit.since_ns, habit.frames = at_ns, frames

    def _was_busy(self, link: Link, frames: int) -> bool:
        # Until the silence, and since the one before it.
        spoke_ns = link.heard_at_ns - max(link.habit.since_ns, link.opened_at_ns)
        came = (frames - link.habit.frames) * self._mute_ns
        return spoke_ns >= BUSY_NS_MIN and came >= BUSY_FRAMES_MIN * spoke_ns


def _wait_ns(link: Link, at_ns: int) -> int:
    return link.habit.wait_ns if at_ns < link.habit.until_ns else 0


def _quiet_ns(link: Link, at_ns: int) -> int:
    return max(at_ns - (link.heard_at_ns or link.opened_at_ns), 0)

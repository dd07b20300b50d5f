"""Connections of which nothing comes any more, and what that makes of their books.

The rule of this file: while a connection is mute, no book of it is live, however it has become
whole. What has come is not silence, even if we have not looked at it yet.
"""

from collections.abc import Callable

from aggregator.books.links import Link, Seat
from aggregator.books.seating import Seating
from aggregator.protocol import NS_A_S, Manifest


class Muteness:
    """`has_waiting` says whether frames of a connection have come that the desk was not given."""

    def __init__(self, manifest: Manifest, seating: Seating) -> None:
        self.has_waiting: Callable[[int], bool] = lambda connection: False
        self._seating = seating
        self._mute_ns = int(manifest.mute_s * NS_A_S)

    def look_at(self, link: Link, at_ns: int) -> None:
        """Let a connection's books fall if it has been silent for too long."""
        # The clock may have been put back: from then on it counts.
        link.heard_at_ns = min(link.heard_at_ns, at_ns)
        if not link.is_mute:
            link.is_mute = self._is_mute(link, at_ns)
        if link.is_mute:
            for seat in link.seats.values():
                self.hush(link, seat, at_ns)

    def _is_mute(self, link: Link, at_ns: int) -> bool:
        if not 0 < self._mute_ns < _quiet_ns(link, at_ns):
            return False
        return not self.has_waiting(link.number)

    def hush(self, link: Link, seat: Seat, at_ns: int) -> None:
        """Let a book fall if its connection is mute: what makes it whole may come another way."""
        if link.is_mute:
            seat.book.fall_mute(_quiet_ns(link, at_ns), at_ns)

    def hear(self, link: Link, at_ns: int) -> None:
        """Take note that something has come on a connection."""
        if link.is_mute:
            self._seating.wake(link, at_ns)
        link.heard_at_ns = at_ns


def _quiet_ns(link: Link, at_ns: int) -> int:
    return max(at_ns - max(link.heard_at_ns, link.opened_at_ns), 0)

"""`status:<venue>`: how the connection to a venue does.

The rule of this file: a venue is as bad as its worst feed, and since when and why are that one's.
What somebody may have to act on is told at once. That books come nearer to being live, one by one,
is told together: a venue with nine of them begins with some four messages, and not with thirty.
"""

from collections.abc import Sequence

import msgspec

from aggregator.outlet.listing import RANK_STATUS
from shared.messages import BookState, FeedState, FeedStatus, VenueStatus
from shared.publishing import Publisher, ValueChannel

# From the best to the worst; what an operator has to do something about is last.
BEST_TO_WORST = (
    FeedState.LIVE,
    FeedState.STALE,
    FeedState.RESYNC,
    FeedState.CONNECTING,
    FeedState.REFUSED,
    FeedState.BREAKER_OPEN,
    FeedState.HALTED,
)

_encode = msgspec.json.Encoder().encode


def venue_of(feed: str) -> str:
    return feed.partition(":")[0]


class StatusOutlet:
    """Publishes the status of each venue whenever something of it is another one."""

    def __init__(self, publisher: Publisher, feeds: Sequence[str]) -> None:
        self._channels: dict[str, ValueChannel] = {}
        self._first_ns: dict[str, int] = {}  # By feed: when it was told that nothing came yet.
        self._said: dict[str, dict[str, FeedStatus]] = {}
        for venue in dict.fromkeys(map(venue_of, feeds)):
            channel = self._channels[venue] = publisher.open_value(f"status:{venue}")
            channel.rank = RANK_STATUS
            self._said[venue] = {}

    def say(self, statuses: Sequence[FeedStatus], at_ns: int, *, is_due: bool = False) -> None:
        """Take how these feeds do now; when it `is_due`, all that is new is told, and until then
        only what does not wait.
        """
        changed: dict[str, None] = {}
        for status in (self._dated(seen, at_ns) for seen in statuses):
            said = self._said[venue_of(status.feed)]
            before = said.get(status.feed)
            if before != status and (is_due or before is None or cannot_wait(before, status)):
                said[status.feed] = status
                changed[venue_of(status.feed)] = None
        for venue in changed:
            feeds = tuple(feed for _, feed in sorted(self._said[venue].items()))
            said_now = _encode(venue_status(venue, feeds, at_ns))
            self._channels[venue].set(at_ns, said_now)

    def _dated(self, status: FeedStatus, at_ns: int) -> FeedStatus:
        # Where nothing came yet, nobody but the first one to be told knows since when.
        if status.since_ns:
            return status
        since_ns = self._first_ns.setdefault(status.feed, at_ns)
        return msgspec.structs.replace(status, since_ns=since_ns)


def cannot_wait(before: FeedStatus, now: FeedStatus) -> bool:
    """Say whether the feed is in another state, or a book is not live any more, or was not for a
    while, or has been given up.
    """
    if before.state is not now.state:
        return True
    was = {book.book: book for book in before.books}
    for book in now.books:
        known = was.pop(book.book, None)
        if known == book:
            continue
        if book.state is BookState.HALTED or (known and known.state is BookState.LIVE):
            return True
    return any(book.state is BookState.LIVE for book in was.values())


def venue_status(venue: str, feeds: tuple[FeedStatus, ...], at_ns: int) -> VenueStatus:
    """Return what there is to say of a venue by its feeds, of which there is at least one."""
    worst = max(feeds, key=lambda feed: BEST_TO_WORST.index(feed.state))
    return VenueStatus(
        at_ns=at_ns,
        venue=venue,
        state=worst.state,
        since_ns=worst.since_ns,
        reason=worst.reason,
        feeds=feeds,
    )

"""A feed's state from those of its books: the worst of them, and why.

The rule of this file: it only looks.
"""

from collections.abc import Iterable, Sequence

from aggregator.books.listing import Listing
from aggregator.books.words import BookState
from shared.messages import FeedState, FeedStatus

# The worst first. What is on its way to its first book is connecting.
_SEVERITY: tuple[tuple[BookState, FeedState], ...] = (
    (BookState.HALTED, FeedState.REFUSED),
    (BookState.RESYNC, FeedState.RESYNC),
    (BookState.STALE, FeedState.STALE),
    (BookState.EMPTY, FeedState.CONNECTING),
    (BookState.BUFFERING, FeedState.CONNECTING),
    (BookState.SYNCING, FeedState.CONNECTING),
    (BookState.LIVE, FeedState.LIVE),
)


def feed_status(
    feed: str, listings: Sequence[Listing], has_connection: bool, trouble: str
) -> FeedStatus:
    """Return the state of a feed; without any connection it is connecting, whatever its books
    are. `trouble` is why it cannot begin, if that is so.
    """
    worst, feed_state = _worst(listings)
    since_ns = worst.since_ns if worst is not None else 0
    reason = worst.reason if worst is not None and feed_state is not FeedState.LIVE else ""
    if not has_connection and feed_state is not FeedState.REFUSED:
        feed_state = FeedState.CONNECTING
    return FeedStatus(
        feed=feed,
        state=feed_state,
        since_ns=since_ns,
        reason=trouble or reason,
        books=tuple(listing.status for listing in listings),
    )


def _worst(listings: Iterable[Listing]) -> tuple[Listing | None, FeedState]:
    by_state: dict[BookState, Listing] = {}
    for listing in listings:
        by_state.setdefault(listing.state, listing)
    for state, feed_state in _SEVERITY:
        if state in by_state:
            return by_state[state], feed_state
    return None, FeedState.CONNECTING

"""What a desk knows of a connection, and of each symbol on it.

The rule of this file: data. What happens to it is the desk's.
"""

from dataclasses import dataclass, field

from aggregator.books.book import Book
from aggregator.books.chains import Repeats
from aggregator.books.listing import Listing
from aggregator.books.patience import Patience
from aggregator.books.plan import ConnectionPlan
from aggregator.books.trails import Trail
from aggregator.books.words import Need

NEVER_NS = 2**63


@dataclass(slots=True)
class Seat:
    """A listing on a connection: the book that this connection builds for it."""

    listing: Listing
    book: Book
    subscribed_at_ns: int
    heard_at_ns: int = 0  # Of the book's stream, since it was subscribed to.
    need: Need = Need.NOTHING
    due_ns: int = NEVER_NS  # When the need is going to be met.
    ticket: int = 0  # Of the snapshot that was asked for; 0: none.
    has_trades: bool = False  # Some have come on this connection, so all do from then on.
    trail: Trail = field(default_factory=Trail)
    has_book: bool = True  # The connection carries the book, and not only its trades.
    patience: Patience = field(default_factory=Patience)
    quiet_tries: int = 0  # Times in a row that asking anew has brought nothing new.
    quiet_updates: int = 0  # The book's count of updates when that was last done.

    def lose_frame(self) -> None:
        """A frame was lost since the book was last proven right, and trades with it, perhaps."""
        sure = self.trail.take_sure()
        if self.has_trades:
            self.listing.tape.lose_frame(sure)


@dataclass(slots=True)
class Habit:
    """What the silences of a connection that it came back from have shown of it."""

    since_ns: int = 0  # When it came back from the last one; 0: there was none.
    frames: int = 0  # Those that it had brought by then.
    wait_ns: int = 0  # A silence has to be longer to tell of anything ...
    until_ns: int = 0  # ... until then.


@dataclass(slots=True)
class Link:
    """A connection. With `is_renewing` a later one of the same plan is going to relieve it."""

    number: int
    plan: ConnectionPlan
    opened_at_ns: int
    seats: dict[str, Seat] = field(default_factory=dict)  # By the name in the messages.
    sequence: int | None = None
    repeats: Repeats = field(default_factory=Repeats)
    is_renewing: bool = False
    is_useless: bool = False  # It is going to be closed, and nothing of it counts.
    pulse_at_ns: int = 0  # When a heartbeat or an answer to a ping came last.
    heard_at_ns: int = 0  # When anything came last; 0: nothing yet.
    is_mute: bool = False  # Nothing has come for too long, and its books are stale for that.
    habit: Habit = field(default_factory=Habit)
    frames: int = 0
    bytes: int = 0
    refusal: str = ""  # The last one that did not say of what.


@dataclass(frozen=True, slots=True)
class ConnectionCounts:
    """Of a connection that is open."""

    connection: int
    socket: str
    opened_at_ns: int
    frames: int
    bytes: int

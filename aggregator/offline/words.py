"""What the server and the speakers of venues agree on.

The rule of this file: a speaker describes; it has no socket and no clock. The time comes with every
call, and what it wants to be sent goes back as frames.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import parse_qs

from aggregator.offline.market import Listed, Market, Move
from aggregator.offline.world import World
from aggregator.protocol.manifest import Kind

NS_A_S = 1_000_000_000
CLOSE_NORMAL = 1000
RATE_DEFAULT = 15.0  # Moves of each book a second: that of a busy real one, gathered to 100 ms.
SEED_DEFAULT = 1


class Frame(NamedTuple):
    """A text to send. `kind` and `symbol` say of what it tells, for who spoils frames on purpose;
    no kind: an answer, a greeting, a heartbeat.
    """

    text: str
    kind: Kind | None = None
    symbol: str = ""


class Address(NamedTuple):
    """What was called: the venue's own host, the path there, and its query."""

    host: str
    path: str
    query: str

    @property
    def values(self) -> dict[str, str]:
        """The query's values; of several of one name the last one."""
        return {name: found[-1] for name, found in parse_qs(self.query).items()}


class Answer(NamedTuple):
    """What comes back by HTTP."""

    body: str
    status: int = 200
    headers: Mapping[str, str] = {}


class Close(NamedTuple):
    code: int
    reason: str = ""


class Floor:
    """All markets of one feed, made when they are first asked for."""

    def __init__(self, world: World, feed: str, listed: Sequence[Listed], id_gap: int) -> None:
        self.feed = feed
        self.world = world
        self.listed = {entry.symbol: entry for entry in listed}
        self.markets: dict[str, Market] = {}
        self._id_gap = id_gap
        self._is_bare = False

    def without_markets(self) -> "Floor":
        """Return one that lists the same symbols, and has a market of none of them."""
        bare = Floor(self.world, self.feed, tuple(self.listed.values()), self._id_gap)
        bare._is_bare = True
        return bare

    def market(self, symbol: str, at_ns: int) -> Market | None:
        """Return the market of a symbol; None if the venue lists no such."""
        entry = self.listed.get(symbol)
        if entry is None or self._is_bare:
            return None
        if symbol not in self.markets:
            self.markets[symbol] = Market(entry, self.world, self.feed, at_ns, id_gap=self._id_gap)
        return self.markets[symbol]


@dataclass
class Moods:
    """How a venue may be told to misbehave towards subscribers, in its own words."""

    is_refusing: bool = False  # Every subscription is refused.
    is_deaf: bool = False  # Nothing that is said is answered.
    old_snapshots: int = 0  # So many books asked for by HTTP are older than the stream.
    # Subscriptions begin with no book, where it can be had by HTTP too.
    has_no_pictures: bool = False


@dataclass
class Session:
    """One connection to a venue, as the venue sees it. Speakers build on it."""

    floor: Floor
    address: Address
    moods: Moods
    number: int
    opened_at_ns: int
    close: Close | None = field(default=None, init=False)  # Set: the venue wants to end it.

    def opened(self, at_ns: int) -> Sequence[Frame]:
        """Return what is sent before anything is heard."""
        return ()

    def hear(self, text: str, at_ns: int) -> Sequence[Frame]:
        """Return the answers to a message of the client's."""
        raise AssertionError(f"{type(self).__name__} cannot hear.")

    def answer_ping(self, text: str, at_ns: int) -> Sequence[Frame]:
        """Return the answer if this is the client's ping; nothing for anything else."""
        return ()

    def carries_recorded(self, text: str) -> bool:
        """Say whether a frame of a recording of this host would come on this connection."""
        return True

    def wanted(self) -> set[str]:
        """Return the symbols whose markets have to live for this connection."""
        raise AssertionError(f"{type(self).__name__} wants nothing.")

    def moved(self, move: Move) -> Sequence[Frame]:
        """Return what is told of a move of a wanted market."""
        raise AssertionError(f"{type(self).__name__} cannot tell of moves.")

    def beat(self, at_ns: int) -> Sequence[Frame]:
        """Return what a second brings: heartbeats, or `close` is set for too long a silence."""
        return ()

    def goodbye(self, at_ns: int) -> Sequence[Frame]:
        """Return the venue's word before it ends connections, if it has one."""
        return ()


def nothing_at_all(floor: Floor, moods: Moods, address: Address, at_ns: int) -> Answer | None:
    """For a venue whose answers by HTTP nobody needs."""
    return None


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """A feed as the server finds it: where it is called, what it lists, and how it speaks."""

    feed: str
    listed: tuple[Listed, ...]
    socket_hosts: tuple[str, ...]
    socket_paths: tuple[str, ...]  # Beginnings of paths.
    session: type[Session]
    http_hosts: tuple[str, ...] = ()
    answer: Callable[[Floor, Moods, Address, int], Answer | None] = nothing_at_all
    http_values: Mapping[str, str] = field(default_factory=dict)  # What its queries must have.
    id_gap: int = 0  # Above 0, the numbers of a book jump by up to so much.

    def owns_socket(self, address: Address) -> bool:
        """Say whether this address of a socket is this feed's."""
        known = any(address.path.startswith(path) for path in self.socket_paths)
        return known and address.host in self.socket_hosts

    def owns_http(self, address: Address) -> bool:
        """Say whether this address is of this feed's HTTP side."""
        values = address.values
        known = all(values.get(name) == value for name, value in self.http_values.items())
        return known and address.host in self.http_hosts

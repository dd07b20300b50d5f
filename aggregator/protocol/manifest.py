"""What is known of a venue before a word is exchanged: addresses, limits, evidence.

The rule of this file: facts as data. A fact stands in the venue's own file with the document it is
from; nothing outside asks for a venue by its name.
"""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from aggregator.protocol.requests import SnapshotFrom

NS_A_S = 1_000_000_000


class Kind(StrEnum):
    """What can be subscribed to."""

    BOOK = "book"
    TOUCH = "touch"  # The venue's own best bid and ask, where it helps to prove the book.
    TRADES = "trades"
    PULSE = "pulse"  # Heartbeats, where a venue sends them only to who asks.
    INSTRUMENTS = "instruments"


class Chain(StrEnum):
    """How the updates of a book hang together, and with its snapshot (of number L)."""

    # Each begins where the last one ended: first_id <= last + 1; the first one kept has
    # first_id <= L + 1 <= last_id. An update with last_id <= last is an old one.
    CONTIGUOUS = "contiguous"
    # Each names the one before: previous_id == last; the first one kept has
    # previous_id <= L <= last_id. Numbers between two updates are other books'.
    LINKED = "linked"
    # They have no numbers: the checksum, or the connection's own count, tells of a loss.
    NONE = "none"


class Evidence(StrEnum):
    """By what a book is proven right while it lives."""

    CHECKSUM = "checksum"  # Over the top of the book, in every update.
    TOUCH = "touch"  # The venue's best bid and ask at the same update id are ours.
    LEVEL_COUNT = "level_count"  # Always exactly `depth` levels a side; no unknown delete.
    CONNECTION_SEQUENCE = "connection_sequence"  # No frame of the connection is missing.
    CHAIN = "chain"  # Only that no update is missing.
    NONE = "none"  # Nothing proves it; it is marked as unverified.


class Ping(msgspec.Struct, frozen=True):
    """What we send every `interval_s` so that the venue keeps the connection.

    With `answer_timeout_s` above 0, no answer within it means that the connection is dead.
    """

    text: str
    interval_s: float
    answer_timeout_s: float = 0


class Socket(msgspec.Struct, frozen=True, kw_only=True):
    """One class of connections of a venue: some venues want books and trades apart."""

    name: str
    url: str
    kinds: tuple[Kind, ...]
    topics_max: int  # Of one connection; more topics are spread over several.
    topics_per_message_max: int = 100
    messages_per_s_max: float = 5  # What we may send.


class Rest(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of a venue's HTTP side; weights are the venue's own unit, 1 where it has none."""

    weight_per_minute_max: int
    url: str = ""  # What the addresses of all questions begin with.
    used_weight_header: str = ""  # In answers: what we used up in this minute.
    # HTTP 403 says that this address has asked too much: the venue is left alone for so long.
    forbidden_s: float = 0  # 0: it says something else, such as not from this country.
    parallel_max: int = 2


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """One venue and market type. A `feed` is `venue:market_type`."""

    venue: str
    # "spot", "linear", or "inverse": of this one quantities are contracts, each venue's its own.
    market_type: str
    documents: tuple[str, ...]  # Where the facts are from.
    checked_on: str  # When they were, as 2026-11-21.
    from_documents_alone: bool = False  # No captured messages have proven the connector yet.
    sockets: tuple[Socket, ...]
    # Other names of the sockets' hosts, of former days: recordings of then are of this feed too.
    hosts_before: tuple[str, ...] = ()
    rest: Rest | None = None
    chain: Chain
    snapshot_from: SnapshotFrom
    evidence: Evidence
    # Depths that can be subscribed to, 0 among them if the whole book can; empty: only that.
    depths: tuple[int, ...] = ()
    depth_default: int = 0  # 0 is the whole book.
    # The window slides: levels that fall out of the subscribed depth are removed by us, unsaid.
    truncates: bool = False
    intervals_ms: tuple[int, ...] = ()
    interval_ms_default: int = 0
    ping: Ping | None = None
    silence_s: float  # A connection without any frame for so long is dead.
    stale_s: float  # A book without any update for so long is stale, whatever heartbeats say.
    stale_reason: str  # Why so long.
    # Without any frame for so long on a connection, all of its books are stale, as the venue may be
    # dead; 0: it is not known how often a connection speaks. One with quiet pairs alone shows it by
    # coming back: then it is waited for twice as long, for an hour, as `books/muteness.py` has it.
    mute_s: float = 0
    # On each connection something comes at least so often, whatever its pairs do; 0: not told. With
    # three of them in `mute_s` its silence tells each time.
    heartbeat_s: float = 0
    lifetime_s: float = 0  # The venue ends a connection after it; 0: not told.
    connects_per_5_minutes_max: int = 100
    subscribe_within_s: float = 10  # After it, what has neither come nor been refused is missing.
    symbols_default: tuple[str, ...]  # BASE/QUOTE, of a feed for which nothing was set.
    # What takers pay who trade little, in millionths, by the venue's public list of `checked_on`;
    # the setting taker_fees_ppm goes before it. 0: not known.
    taker_fee_ppm: int = 0
    book_levels_kept: int = 0  # 0: as the setting says.

    @property
    def feed(self) -> str:
        return f"{self.venue}:{self.market_type}"

    @property
    def rest_url(self) -> str:
        """What the addresses of all questions begin with; empty if nothing can be asked."""
        return self.rest.url if self.rest is not None else ""

    def socket_for(self, name: str, topics: "Sequence[Topic]") -> Socket:
        """Return a class of connections that is going to carry these topics; raises ValueError
        saying what is wrong with the class or with a topic.
        """
        socket = next((socket for socket in self.sockets if socket.name == name), None)
        if socket is None:
            raise ValueError(f"{self.feed} has no connections called {name!r}.")
        for topic in topics:
            if topic.kind not in socket.kinds:
                raise ValueError(f"The {name} connections of {self.feed} carry no {topic.kind}.")
            if topic.depth and topic.depth not in self.depths:
                raise ValueError(f"{self.feed} has no books of depth {topic.depth}.")
            if topic.interval_ms and topic.interval_ms not in self.intervals_ms:
                raise ValueError(f"{self.feed} sends nothing every {topic.interval_ms} ms.")
        return socket


class Topic(msgspec.Struct, frozen=True):
    """One thing to subscribe to. `symbol` is the venue's own name, empty where it has none."""

    kind: Kind
    symbol: str = ""
    depth: int = 0
    interval_ms: int = 0

"""What all connections of a server share, and who is there.

The rule of this file: a socket is counted from its first moment to its last, in exactly one of two
places: among those that still ask to come in, or among those that are in.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from broadcaster.channels.hub import Hub
from broadcaster.clients.limits import ConnectionCount
from broadcaster.clients.session import Session, Verify
from broadcaster.sockets.clock import Clock
from broadcaster.sockets.counts import Counts
from broadcaster.sockets.door import Door
from broadcaster.sockets.tickets import Tickets
from broadcaster.sockets.writer import Writer
from shared.addresses import Proxies

READ_BYTES_MAX = 2 * 1024  # At once from one client: some 300 empty frames, a few milliseconds.
SPARE_SOCKETS_MAX = 64  # Above all connections, so that who comes too late can be told.
ROUNDS = 20  # Everybody is looked after once in so many ticks, a twentieth at each.


class Member(Protocol):
    """A connection, as its peers' keeper sees it."""

    address: str
    slot: int
    session: Session | None

    def look(self, now_s: float, now_ns: int) -> None:
        """Do what has become due."""

    def abort(self) -> None:
        """Cut it off."""


@dataclass
class Common:
    """The surroundings of each connection of one server."""

    hub: Hub
    verify: Verify
    door: Door
    tickets: Tickets
    connections: ConnectionCount
    proxies: Proxies
    clock: Clock
    writer: Writer = field(default_factory=Writer)
    counts: Counts = field(default_factory=Counts)
    rounds: list[dict[Member, None]] = field(default_factory=lambda: [{} for _ in range(ROUNDS)])
    opened: dict[Member, None] = field(default_factory=dict)
    total: int = 0  # Sockets, whatever they are about.
    on_empty: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.sockets_max = self.connections.connections_max + SPARE_SOCKETS_MAX
        self._asking = ConnectionCount(
            self.sockets_max, self.connections.per_address_max, self.connections.is_free
        )
        self._inside: dict[Member, ConnectionCount] = {}
        # One for all: what is read into it is taken out before anybody else's turn.
        self.buffer = memoryview(bytearray(READ_BYTES_MAX))

    def arrive(self, member: Member) -> bool:
        """Take in a new socket; False when there are too many, and nothing can be said."""
        if self.total >= self.sockets_max or not self._asking.enter(member.address):
            self.counts.refused["TOO_MANY_SOCKETS"] += 1
            return False
        self.total += 1
        self.counts.sockets += 1
        member.slot = self.counts.sockets % ROUNDS
        self.rounds[member.slot][member] = None
        self._inside[member] = self._asking
        return True

    def enter(self, member: Member, address: str) -> None:
        """Count a socket among the connections of its client's address, which may be behind a
        proxy; the door has seen that there is room.
        """
        self._inside[member].leave(member.address)
        member.address = address
        entered = self.connections.enter(member.address)
        assert entered, "the door lets nobody in for whom there is no room"
        self._inside[member] = self.connections

    def open(self, member: Member) -> None:
        """Its handshake is done."""
        self.counts.connections += 1
        self.opened[member] = None

    def depart(self, member: Member) -> None:
        """Let go of a socket that has closed."""
        counter = self._inside.pop(member, None)
        if counter is None:
            return
        counter.leave(member.address)
        self.total -= 1
        del self.rounds[member.slot][member]
        self.opened.pop(member, None)
        if member.session is not None:
            self.counts.lagged += member.session.delivery.lagged_count
        if not self.total:
            self.on_empty()

    def everybody(self) -> list[Member]:
        """Return every socket that is there now."""
        return list(self._inside)

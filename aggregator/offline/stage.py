"""All simulated venues at once: their markets, who is connected, and when what moves.

The rule of this file: no clock and no socket; the time is given, and what is to be sent goes back.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from aggregator.offline.faults import Faults
from aggregator.offline.market import Market
from aggregator.offline.words import NS_A_S, Address, Answer, Floor, Frame, Session, Speaker
from aggregator.offline.world import World

SLEPT_NS_MAX = NS_A_S // 5

Sending = tuple[Session, Sequence[Frame]]


@dataclass
class Feed:
    """One feed on the stage."""

    speaker: Speaker
    floor: Floor
    faults: Faults = field(default_factory=Faults)
    sessions: list[Session] = field(default_factory=list)


class Stage:
    """Every market that was ever asked for goes on living, heard or not, as the real ones do."""

    def __init__(self, speakers: Mapping[str, Speaker], *, seed: int, rate: float) -> None:
        world = World(seed)
        self.feeds = {
            name: Feed(speaker, Floor(world, name, speaker.listed, speaker.id_gap))
            for name, speaker in speakers.items()
        }
        self._chance = Random(f"{seed}:stage")
        self._pause_ns = round(NS_A_S / rate)
        self._due: list[tuple[int, int, str, str]] = []
        self._known: set[tuple[str, str]] = set()
        self._count = 0

    def find_socket(self, address: Address) -> Feed | None:
        """Return whose socket is at an address."""
        return next((feed for feed in self._all() if feed.speaker.owns_socket(address)), None)

    def find_http(self, address: Address) -> Feed | None:
        """Return whose HTTP side is at an address."""
        return next((feed for feed in self._all() if feed.speaker.owns_http(address)), None)

    def _all(self) -> Iterable[Feed]:
        return self.feeds.values()

    def open(self, feed: Feed, address: Address, at_ns: int) -> Sending:
        """Take a connection; return its session, and what is sent first."""
        self._count += 1
        make = feed.speaker.session
        session = make(feed.floor, address, feed.faults.moods, self._count, at_ns)
        feed.sessions.append(session)
        frames = session.opened(at_ns)
        self._enliven(feed, at_ns)
        return session, frames

    def hear(self, feed: Feed, session: Session, text: str, at_ns: int) -> Sequence[Frame]:
        """Return the answers to what a client has said."""
        if feed.faults.moods.is_deaf:
            return ()
        frames = session.hear(text, at_ns)
        self._enliven(feed, at_ns)
        return () if feed.faults.is_mute else frames

    def leave(self, feed: Feed, session: Session) -> None:
        """Forget a connection that has ended."""
        feed.sessions.remove(session)

    def answer(self, feed: Feed, address: Address, at_ns: int) -> Answer | None:
        """Return the answer by HTTP; None where there is nothing at this path."""
        refusal = feed.faults.http_fault()
        if refusal is not None:
            return refusal
        found = feed.speaker.answer(feed.floor, feed.faults.moods, address, at_ns)
        self._enliven(feed, at_ns)
        return found

    def _enliven(self, feed: Feed, at_ns: int) -> None:
        name = feed.speaker.feed
        for symbol in feed.floor.markets:
            if (name, symbol) not in self._known:
                self._known.add((name, symbol))
                self._schedule(at_ns, name, symbol)

    def _schedule(self, at_ns: int, name: str, symbol: str) -> None:
        # From a half to one and a half pauses: no two venues in step.
        wait_ns = self._pause_ns // 2 + self._chance.randrange(self._pause_ns)
        heapq.heappush(self._due, (at_ns + wait_ns, len(self._due), name, symbol))

    def next_at_ns(self) -> int | None:
        """Return when the next market moves; None while there is none."""
        return self._due[0][0] if self._due else None

    def move(self, at_ns: int) -> Iterator[Sending]:
        """Move all markets whose time has come; yield what is told of it, and to whom."""
        while self._due and self._due[0][0] <= at_ns:
            due_ns, _, name, symbol = heapq.heappop(self._due)
            # Each has its own moments, also when several are looked after at once; but what was
            # slept through is not lived through afterwards.
            due_ns = max(due_ns, at_ns - SLEPT_NS_MAX)
            self._schedule(due_ns, name, symbol)
            feed = self.feeds[name]
            faults = feed.faults
            if not (faults.is_frozen and faults.symbol in ("", symbol)):
                yield from self._step(feed, feed.floor.markets[symbol], due_ns)

    def _step(self, feed: Feed, market: Market, at_ns: int) -> Iterator[Sending]:
        move = market.step(at_ns)
        if feed.faults.is_mute:
            return
        symbol = market.listed.symbol
        for session in feed.sessions:
            if symbol in session.wanted():
                yield session, feed.faults.spoil(session.moved(move))

    def beat(self, at_ns: int) -> Iterator[Sending]:
        """Let a second have passed; yield heartbeats. A session may want to end after it."""
        for feed in self._all():
            for session in feed.sessions:
                frames = session.beat(at_ns)
                if not feed.faults.is_mute:
                    yield session, frames

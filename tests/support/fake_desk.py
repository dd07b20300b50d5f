"""A desk that writes down what it is told, and wishes for what a test puts in.

The rule of this file: it judges nothing. `log` is in the order in which things were told.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from aggregator.books.effects import Effect
from aggregator.protocol import Manifest, Socket, Update
from shared.messages import FeedState, FeedStatus
from tests.support import fake_connector


@dataclass(frozen=True)
class BookRulesOfTests:
    levels_kept: int = 1_000


@dataclass
class FakePlan:
    number: int = 1
    messages: list[str] = field(default_factory=lambda: ["subscribe"])
    url: str = fake_connector.SOCKET.url
    socket: Socket = fake_connector.SOCKET
    topics: tuple[str, ...] = ()


class FakeDesk:
    def __init__(self, manifest: Manifest | None = None, plans: int = 1) -> None:
        self.manifest = manifest or fake_connector.manifest()
        self.connector: Any = fake_connector
        self.plans = [FakePlan(number) for number in range(1, plans + 1)]
        self.log: list[tuple[Any, ...]] = []
        self.effects: list[Effect] = []
        self.on_frame: Callable[[int, bytes], None] = lambda _connection, _frame: None
        self.ticks = 0
        self.has_waiting: Callable[[int], bool] = lambda _connection: False
        self.pulses: dict[int, int] = {}
        self.rules = BookRulesOfTests()

    def opened(self, connection: int, plan: FakePlan, at_ns: int) -> None:
        assert at_ns > 0
        self.log.append(("opened", connection, plan.number))

    def received(self, connection: int, frame: bytes, at_ns: int) -> None:
        assert at_ns > 0
        self.log.append(("received", connection, frame))
        self.on_frame(connection, frame)

    def take_parsed(self, connection: int, updates: Sequence[Update], at_ns: int) -> None:
        assert at_ns > 0
        self.log.append(("parsed", connection, list(updates)))

    def resume(self, _at_ns: int) -> None:
        self.log.append(("resume",))

    def closed(self, connection: int, reason: str, at_ns: int) -> None:
        assert at_ns > 0
        self.log.append(("closed", connection, reason))

    def answered(self, ticket: int, body: bytes, url: str, _at_ns: int) -> None:
        self.log.append(("answered", ticket, body, url))

    def answered_parsed(self, ticket: int, updates: Sequence[Update], _at_ns: int) -> None:
        self.log.append(("answered_parsed", ticket, list(updates)))

    def unanswered(self, ticket: int, reason: str, _at_ns: int) -> None:
        self.log.append(("unanswered", ticket, reason))

    def use_inboxes(self, has_waiting: Callable[[int], bool]) -> None:
        self.has_waiting = has_waiting

    def tick(self, _at_ns: int) -> None:
        self.ticks += 1

    def take_effects(self) -> list[Effect]:
        effects, self.effects = self.effects, []
        return effects

    def pulse_at_ns(self, connection: int) -> int:
        return self.pulses.get(connection, 0)

    def status(self) -> FeedStatus:
        return FeedStatus(feed=self.manifest.feed, state=FeedState.LIVE, since_ns=1)

    # ---- what tests ask ----

    def told(self, what: str) -> list[tuple[Any, ...]]:
        """Return what was told of one kind, without its name."""
        return [entry[1:] for entry in self.log if entry[0] == what]

    def frames(self, connection: int | None = None) -> list[bytes]:
        """Return the frames, of one connection or of all."""
        return [frame for of, frame in self.told("received") if connection in (None, of)]

"""What the feed asks of a desk and of a plan, and what it counts.

The rule of this file: shapes and counters only.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from aggregator.books.effects import Effect
from aggregator.protocol import Manifest, Socket, Update
from shared.messages import FeedStatus


class Plan(Protocol):
    """One connection that there should be."""

    @property
    def number(self) -> int: ...
    @property
    def socket(self) -> Socket: ...
    @property
    def url(self) -> str: ...
    @property
    def messages(self) -> Sequence[str]: ...


class Desk(Protocol):
    """The pure state of one feed, as far as the feed needs it."""

    @property
    def manifest(self) -> Manifest: ...
    @property
    def connector(self) -> Any: ...
    @property
    def rules(self) -> Any: ...
    @property
    def plans(self) -> Sequence[Any]: ...
    def opened(self, connection: int, plan: Any, at_ns: int) -> None: ...
    def received(self, connection: int, frame: bytes, at_ns: int) -> None: ...
    def take_parsed(self, connection: int, updates: Sequence[Update], at_ns: int) -> None: ...
    def closed(self, connection: int, reason: str, at_ns: int) -> None: ...
    def answered(self, ticket: int, body: bytes, url: str, at_ns: int) -> None: ...
    def answered_parsed(self, ticket: int, updates: Sequence[Update], at_ns: int) -> None: ...
    def unanswered(self, ticket: int, reason: str, at_ns: int) -> None: ...
    def use_inboxes(self, has_waiting: Callable[[int], bool]) -> None: ...
    def tick(self, at_ns: int) -> None: ...
    def resume(self, at_ns: int) -> None: ...
    def take_effects(self) -> Sequence[Effect]: ...
    def pulse_at_ns(self, connection: int) -> int: ...
    def status(self) -> FeedStatus: ...


class FeedCounts(msgspec.Struct):
    """Of all connections of a feed, since it began."""

    connects: int = 0
    connect_failures: int = 0
    reconnects: int = 0  # However the last one ended, cleanly or not.
    frames: int = 0
    bytes_received: int = 0
    bytes_sent: int = 0
    large_frames: int = 0  # Read in another process.
    backlog_cuts: int = 0  # Connections ended as more waited than their queue can hold.
    silences: int = 0  # Connections ended as nothing came any more.
    close_codes: Counter[int] = msgspec.field(default_factory=Counter)
    failures: Counter[str] = msgspec.field(default_factory=Counter)  # By kind: http_429, timeout.


class ConnectionView(msgspec.Struct, frozen=True):
    """One connection as it is now, for the figures."""

    connection: int
    plan: int
    url: str
    opened_at_ns: int
    frames: int
    bytes_received: int
    bytes_sent: int
    waiting: int
    waiting_max: int

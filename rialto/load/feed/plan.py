"""What the crowd is told to do, and what it tells.

The rule of this file: shapes only; they travel between two processes as JSON lines, one answer to
each order. What was recorded is too much for a line: it is in the file that the order names.
"""

from msgspec import Struct


class Open(Struct, frozen=True, tag=True, kw_only=True):
    """Connect `count` clients and subscribe; answered when each has all its snapshots.

    Client i wants `wishes[i % len(wishes)]`: channel -> interval_ms. `at_once`: no client waits for
    another. `sample_every`: each so-many-th client keeps the books and checks every checksum.
    `is_far`: the kernel keeps as little for them as for clients behind a network. What comes to
    clients that are not `timed` is checked, and its times are not kept.
    """

    group: str
    count: int
    wishes: list[dict[str, int]]
    at_once: bool = False
    sample_every: int = 100
    is_far: bool = False
    timed: bool = True


class Record(Struct, frozen=True, tag=True):
    """Keep from now on when which message reached whom."""


class Stop(Struct, frozen=True, tag=True):
    """Write what was recorded to `file`, as `Recorded` in msgpack, and keep nothing more."""

    file: str


class Stall(Struct, frozen=True, tag=True):
    """Have the clients of a group read nothing, or (`is_over`) read again."""

    group: str
    is_over: bool = False


class Cut(Struct, frozen=True, tag=True):
    """Reset every connection of a group, without a word to the other side."""

    group: str


class Tell(Struct, frozen=True, tag=True):
    """Send a `Progress` each time so many more changes of depth have come; 0 for never."""

    every: int


Order = Open | Record | Stop | Stall | Cut | Tell


class Done(Struct, frozen=True, tag=True):
    """The order is carried out; it took `elapsed_ns`."""

    elapsed_ns: int


class Progress(Struct, frozen=True, tag=True):
    """So many changes of depth have come to all clients together; sent unasked."""

    changes: int


Answer = Done | Progress


class Arrivals(Struct, frozen=True, array_like=True):
    """One message: what it holds, and when it reached each client (array of int64, Unix ns)."""

    channel: str
    first: int
    last: int
    at_ns: bytes


class Recorded(Struct, frozen=True, kw_only=True):
    """What came to the clients since `Record`.

    `reads` are the system calls it took, `faults` what a client could not accept: a gap, a checksum
    that is not that of its book; of the sentences only the first few. `ends`: channel -> last
    number -> how many clients stand there.
    """

    elapsed_ns: int
    messages: int
    bytes: int
    reads: int
    faults: int
    cut: int
    lagged: int
    sentences: list[str]
    arrivals: list[Arrivals]
    ends: dict[str, dict[int, int]]

"""When the engine's commits and messages came to Redis, by Redis's own clock.

The rule of this file: nothing of what is measured is changed to measure it. A MONITOR connection is
told each command that Redis carries out, with the time to the microsecond; the time of a message is
that of its PUBLISH, the time of a commit that of the script whose arguments hold the same bytes.
Both are the machine's wall clock, which is also the kernel's for what comes to a socket. How late
we read here does not matter.
"""

import ast
import asyncio
import re
from collections import deque
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from rialto.errors import RialtoError
from shared.channels import Keys
from shared.messages import Applied, DepthChanged, TradeExecuted
from shared.tasks import spawn, stop
from shared.wire import decode_batch

LINE_BYTES_MAX = 64 << 20  # A commit of thousands of commands, with every byte written as four.
COMMITS_MAX = 64  # The engine is one commit ahead of its messages; scripts of others come between.
PATIENCE_S = 10.0
US_PER_S, NS_PER_US = 1_000_000, 1_000

_LINE = re.compile(rb'\+(\d+)\.(\d{6}) \[[^\]]*\] "(\w+)"', re.DOTALL)


class Stamp(NamedTuple):
    """When a change was committed (before it was on the disk) and published, Unix ns.

    `committed_ns` is 0 where the commit was not found.
    """

    committed_ns: int
    published_ns: int


class Told(NamedTuple):
    """A line of MONITOR: when, which command, and the rest as Redis writes it."""

    at_ns: int
    command: bytes
    arguments: bytes


def parse_line(line: bytes) -> Told | None:
    """Return what a line tells; None for a command of a script, and what is none."""
    match = _LINE.match(line)
    if match is None or b" lua] " in line[: match.end()]:
        return None
    second, microsecond, command = match.groups()
    at_us = int(second) * US_PER_S + int(microsecond)
    return Told(at_us * NS_PER_US, command.upper(), line[match.end() :].strip())


def unquoted(text: bytes) -> bytes:
    """Return the bytes that Redis wrote as "text" with its escapes, which are those of Python."""
    value = ast.literal_eval("b" + text.decode("ascii"))
    assert isinstance(value, bytes)
    return value


class Stamps:
    """From lines to stamps: channel and number -> Stamp. Pure."""

    def __init__(self, keys: Keys) -> None:
        self._channel = b'"%s" ' % keys.events_channel.encode()
        self._commits: deque[Told] = deque(maxlen=COMMITS_MAX)
        self.of: dict[tuple[str, int], Stamp] = {}
        self.last: dict[str, int] = {}  # Channel -> its last number.

    def take(self, line: bytes) -> None:
        """Take over a line of MONITOR."""
        told = parse_line(line)
        if told is None:
            return
        if told.command == b"EVALSHA":
            self._commits.append(told)
        elif told.command == b"PUBLISH" and told.arguments.startswith(self._channel):
            quoted = told.arguments[len(self._channel) :]
            self._note(Stamp(self._committed_ns(quoted), told.at_ns), unquoted(quoted))

    def _committed_ns(self, quoted: bytes) -> int:
        return next((told.at_ns for told in self._commits if quoted in told.arguments), 0)

    def _note(self, stamp: Stamp, data: bytes) -> None:
        for applied in decode_batch(data):
            for channel, number in numbers_of(applied):
                self.of[channel, number] = stamp
                self.last[channel] = number


def numbers_of(applied: Applied) -> list[tuple[str, int]]:
    """Return the feed's channels that a journal entry has news for, with their numbers."""
    found = []
    for event in applied.events:
        if isinstance(event, DepthChanged):
            found.append((f"depth:{event.market}", event.market_sequence))
        elif isinstance(event, TradeExecuted):
            found.append((f"trades:{event.market}", event.trade_id))
    return found


class Tap:
    """Listens to a Redis of ours; an async context manager."""

    def __init__(self, redis_url: str, keys: Keys) -> None:
        self._url = urlsplit(redis_url)
        self._stamps = Stamps(keys)
        self._task: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None

    @property
    def stamps(self) -> Mapping[tuple[str, int], Stamp]:
        return self._stamps.of

    @property
    def last(self) -> Mapping[str, int]:
        return self._stamps.last

    async def __aenter__(self) -> "Tap":
        reader, self._writer = await asyncio.open_connection(
            self._url.hostname, self._url.port, limit=LINE_BYTES_MAX
        )
        self._writer.write(b"AUTH %s\r\nMONITOR\r\n" % (self._url.password or "").encode())
        async with asyncio.timeout(PATIENCE_S):
            for _ in range(2):
                if await reader.readline() != b"+OK\r\n":
                    raise RialtoError("Redis does not let itself be watched.")
        self._task = spawn(self._listen(reader), "feed-tap")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._writer is not None, "it was entered"
        await stop(self._task)
        self._writer.close()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            self._stamps.take(line)

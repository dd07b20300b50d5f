"""The large frames and answers of one feed, read in another process.

The rule of this file: while one is being read, the later frames of its connection wait, and nothing
else does.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from aggregator.books.effects import Fetch
from aggregator.feed.apart import ApartError
from aggregator.feed.apart_process import read_and_prepare
from aggregator.feed.common import Common
from aggregator.feed.inbox import Inbox
from aggregator.feed.incoming import Parts
from aggregator.feed.recording import RowKind
from aggregator.feed.words import Desk, FeedCounts
from aggregator.protocol import FrameError, Update
from shared.tasks import spawn


class Host(Protocol):
    """The feed, as far as what has been read goes."""

    desk: Desk
    counts: FeedCounts

    def give(self, take: Callable[..., object], *arguments: Any) -> None:
        """Call a method of the desk, and see to what follows."""

    def answered_parsed(self, fetch: Fetch, updates: Sequence[Update], at_ns: int) -> None:
        """Give an answer to the desk."""

    def unanswered(self, fetch: Fetch, reason: str, at_ns: int) -> None:
        """Tell the desk that there will be no answer."""

    def release(self, inbox: Inbox) -> None:
        """Go on with the frames of a connection."""

    def break_off(self, connection: int, reason: str) -> None:
        """End a connection, and open another one."""


class Large:
    def __init__(self, host: Host, common: Common, name: str) -> None:
        self.tasks: set[asyncio.Task[None]] = set()  # One a connection or question at most.
        self._host = host
        self._common = common
        self._name = name

    def read_frame(self, inbox: Inbox, frame: Parts, at_ns: int) -> None:
        inbox.is_held = True
        self._host.counts.large_frames += 1
        self._spawn(self._read_frame(inbox, frame, at_ns))

    def read_answer(self, fetch: Fetch, body: bytes, url: str, at_ns: int) -> None:
        self._spawn(self._read_answer(fetch, body, url, at_ns))

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = spawn(work, f"read-{self._name}")
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _read_frame(self, inbox: Inbox, frame: Parts, at_ns: int) -> None:
        host, connection, recorder = self._host, inbox.connection, self._common.recorder
        data = await frame.join()
        if recorder is not None:
            recorder.row(at_ns, RowKind.RECV, inbox.url, data, connection)
        try:
            updates = await self._read(host.desk.connector.parse_message, data, at_ns)
        except (FrameError, ApartError) as error:
            # It may have been a whole book: without it the connection is worth nothing.
            host.counts.failures["large_frame"] += 1
            host.break_off(connection, f"a frame of {len(frame)} bytes: {error}")
        else:
            host.give(host.desk.take_parsed, connection, updates, at_ns)
        host.release(inbox)

    async def _read_answer(self, fetch: Fetch, body: bytes, url: str, at_ns: int) -> None:
        host = self._host
        try:
            updates = await self._read(fetch.request.read, body, url)
        except (FrameError, ApartError) as error:
            host.counts.failures["large_answer"] += 1
            host.unanswered(fetch, str(error), at_ns)
        else:
            host.answered_parsed(fetch, updates, at_ns)

    async def _read(self, read: Callable[..., Any], data: bytes, *arguments: Any) -> list[Update]:
        kept = self._host.desk.rules.levels_kept
        return await self._common.apart.read(read_and_prepare, data, kept, read, *arguments)

"""Reading large frames and answers in another process, so that the loop never stands still.

The rule of this file: a call comes back with updates or with a reason. The process is started when
it is first of use, again after it has died, and let go after a while of rest, with its memory.
"""

import asyncio
import contextlib
import os
import pickle
import sys
from asyncio.subprocess import Process
from collections.abc import Callable, Sequence
from typing import Any

from aggregator.feed.apart_process import LENGTH, Piece, put_together
from aggregator.protocol import Update

READ_WITHIN_S = 20.0  # 5 MB take 0.2 s, after a start of 0.3 s; a busy machine is ten times slower.
REST_S = 120.0  # Whole books come in bunches, when connections begin.
CALLS_WAITING_MAX = 64  # One a connection at most, and each waits with all its frames.
PIECES_MAX = 100_000  # Of one answer.

SLICE_BYTES = 128 * 1024
ANSWER_PIPE_BYTES = 256 * 1024  # Two or three pieces are ahead of the loop, not all of them.


class ApartError(Exception):
    """It could not be read there, and it is not known what it says."""


class Apart:
    """One process, started as needed; use `close` after."""

    def __init__(self, *, rest_s: float = REST_S, within_s: float = READ_WITHIN_S) -> None:
        self._rest_s = rest_s
        self._within_s = within_s
        self._process: Process | None = None
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._rest: asyncio.TimerHandle | None = None
        self.calls = 0
        self.starts = 0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    async def close(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
        await self._end()

    async def read(
        self, function: Callable[..., Sequence[Update]], data: bytes, *arguments: Any
    ) -> list[Update]:
        """Return what a plain function of a module says to `data` and its other arguments.

        Raises FrameError for what it cannot read, and ApartError when nobody could try.
        """
        if self._waiting >= CALLS_WAITING_MAX:
            raise ApartError(f"{self._waiting} large frames wait to be read")
        self._waiting += 1
        try:
            async with self._turn:
                return await self._read(pickle.dumps((function, arguments)), data)
        finally:
            self._waiting -= 1

    async def _read(self, call: bytes, data: bytes) -> list[Update]:
        if self._rest is not None:
            self._rest.cancel()
        self.calls += 1
        is_whole = False
        try:
            async with asyncio.timeout(self._within_s):
                process = await self._ready()
                pieces = await _ask(process, call, data)
            is_whole = True
        except (OSError, EOFError) as error:
            reason = str(error) or type(error).__name__
            raise ApartError(f"the reading process failed: {reason}") from error
        finally:
            # One that was left in the middle of an answer would give its rest to the next call.
            if not is_whole:
                await asyncio.shield(self._end())
        self._rest = asyncio.get_running_loop().call_later(self._rest_s, self._let_go)
        return put_together(pieces)

    async def _ready(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            self.starts += 1
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "aggregator.feed.apart_process",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                limit=ANSWER_PIPE_BYTES,
            )
        return self._process

    def _let_go(self) -> None:
        # It ends by itself when there is nobody to answer any more.
        if self._process is not None and self._process.stdin is not None and not self._waiting:
            self._process.stdin.close()

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _ask(process: Process, call: bytes, data: bytes) -> list[Piece]:
    assert process.stdin is not None, "it was started with pipes"
    assert process.stdout is not None, "it was started with pipes"
    process.stdin.write(LENGTH.pack(len(call)) + call + LENGTH.pack(len(data)))
    # In slices, and as it is: one copy of 5 MB would hold the loop for some milliseconds.
    for start in range(0, len(data), SLICE_BYTES):
        process.stdin.write(data[start : start + SLICE_BYTES])
        await process.stdin.drain()
    pieces: list[Piece] = []
    while length := LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))[0]:
        pieces.append(pickle.loads(await process.stdout.readexactly(length)))
        assert len(pieces) <= PIECES_MAX, "a frame has an end, so has what it says"
        await asyncio.sleep(0)  # The loop's other work comes between two pieces.
    return pieces

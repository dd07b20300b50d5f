"""One child process: started on a leash, its output read, its whole group ended.

The rule of this file: children start from the main thread only, for the kernel ties a child's life
to the thread that started it.
"""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rialto.logfiles import LogFile

CHUNK_BYTES = 64 * 1024  # One pipe's worth.
DRAIN_DEADLINE_S = 1.0  # A dead child's last words are in the pipe already.
DESCRIPTORS_PER_CHILD = 8  # Pipes for output and for exec's error, the null device, its watch.

_LEASH = Path(__file__).with_name("leash.py")


def leashed(argv: Sequence[str]) -> list[str]:
    """Return the command that runs `argv` so that it dies with this process."""
    return [sys.executable, "-I", "-S", str(_LEASH), str(os.getpid()), *argv]


class Child:
    """A running child; make one with `start_child`."""

    def __init__(
        self, process: asyncio.subprocess.Process, log: LogFile, on_line: Callable[[str], None]
    ) -> None:
        self.pid = process.pid
        self._process = process
        self._log = log
        self._on_line = on_line
        self._pump = asyncio.create_task(self._read_output())

    async def wait(self) -> int:
        """Return the exit code, minus the signal's number if one ended it, after the last line was
        read.
        """
        code = await self._process.wait()
        self.signal_group(signal.SIGKILL)  # Whatever it started itself ends with it.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_DEADLINE_S):
                await asyncio.shield(self._pump)
        self._pump.cancel()
        return code

    async def stop(self, deadline_s: float) -> bool:
        """Ask it to end, kill it at the deadline; say whether it ended by itself."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
        try:
            async with asyncio.timeout(deadline_s):
                await self.wait()
            return True
        except TimeoutError:
            self.signal_group(signal.SIGKILL)
            await self.wait()
            return False

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the child and all that it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    async def _read_output(self) -> None:
        assert self._process.stdout is not None, "children are started with a pipe"
        while chunk := await self._process.stdout.read(CHUNK_BYTES):
            for line in self._log.feed(chunk):
                self._on_line(line)
        for line in self._log.finish():
            self._on_line(line)


async def start_child(
    argv: Sequence[str],
    environ: Mapping[str, str],
    log: LogFile,
    on_line: Callable[[str], None],
) -> Child:
    """Start a program in a session of its own, so that a terminal's Ctrl-C reaches only the
    supervisor; raise OSError if there is no process or descriptor for it.
    """
    assert threading.current_thread() is threading.main_thread(), (
        "a child would die with this thread"
    )
    _check_descriptors()
    process = await asyncio.create_subprocess_exec(
        *leashed(argv),
        env=dict(environ),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    return Child(process, log, on_line)


def _check_descriptors() -> None:
    # When they run out between the fork and the watch over it, the child would be lost to us.
    taken: list[int] = []
    try:
        for _ in range(DESCRIPTORS_PER_CHILD):
            taken.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    finally:
        for descriptor in taken:
            os.close(descriptor)

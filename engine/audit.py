"""The audit of a standby's memory: every invariant in full, the state hash, a snapshot.

The rule of this file: the standby never waits for it. The audit works on a copy of the process
(`fork`, as Redis does for its own files), which sees one moment and cannot touch anything; the
standby goes on following, and takes over while it runs.
"""

import contextlib
import gc
import os
import signal
import time
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec import Struct

from engine.core import invariants
from engine.core.exchange import Exchange
from engine.snapshots import prune, write_snapshot

NICENESS = 10  # It has time: the engines beside it have not.
ANSWER_SIZE_MAX = 65_536
KILLED_MAX = 3  # Copies that wait for a slow disk and then end; more of them would fill the memory.


class Finding(Struct, frozen=True, kw_only=True):
    """What an audit came to. `fault` is "" or the broken rule; `trouble` is why no snapshot could
    be written, which is no fault of the exchange.
    """

    position: int
    state_hash: str = ""
    fault: str = ""
    trouble: str = ""
    snapshot: bool = False
    seconds: float = 0.0


class SnapshotPlace(Struct, frozen=True):
    """Where snapshots go and how many stay."""

    folder: Path
    kept: int


class Audit(Protocol):
    """One audit at a time: `start` it, ask `result` until it is there.

    `start` raises OSError when it cannot be begun now.
    """

    def start(self, exchange: Exchange, chain: bytes, place: SnapshotPlace | None) -> None: ...

    def result(self) -> Finding | None: ...

    def stop(self) -> None: ...


def examine(
    exchange: Exchange, chain: bytes, place: SnapshotPlace | None, parent: int = 0
) -> Finding:
    """Check everything, and write a snapshot if `place` is given and nothing was found."""
    begun_s = time.monotonic()
    try:
        invariants.check(exchange)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - rows that a check stumbles over are a fault, too.
        return Finding(position=exchange.n, fault=str(error) or type(error).__name__)
    state_hash = exchange.state_hash()
    trouble = ""
    if place is not None:
        try:
            write_snapshot(place.folder, exchange, chain, state_hash, lambda: _end_with(parent))
            prune(place.folder, place.kept)
        except OSError as error:
            trouble = str(error)
    return Finding(
        position=exchange.n,
        state_hash=state_hash,
        trouble=trouble,
        snapshot=place is not None and not trouble,
        seconds=time.monotonic() - begun_s,
    )


def _end_with(parent: int) -> None:
    if parent and os.getppid() != parent:
        raise OSError("the standby has ended")


class ForkedAudit:
    """Audits in a child process."""

    def __init__(self) -> None:
        self._pid = 0
        self._pipe = -1
        self._answer = b""
        self._killed: list[int] = []

    def start(self, exchange: Exchange, chain: bytes, place: SnapshotPlace | None) -> None:
        """Begin an audit of the exchange as it is now; the last one has given its result."""
        assert not self._pid, "one audit at a time"
        self._reap()
        if len(self._killed) >= KILLED_MAX:
            raise OSError(f"{len(self._killed)} audits were killed and do not end")
        parent = os.getpid()
        self._pipe, end = os.pipe()
        try:
            self._pid = os.fork()
        except OSError:
            os.close(end)
            self._forget()
            raise
        if self._pid:
            os.close(end)
            os.set_blocking(self._pipe, False)
            return
        code = 1
        try:
            gc.disable()  # A look for garbage writes on every object, and so copies its page.
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.nice(NICENESS)
            finding = examine(exchange, chain, place, parent)
            os.write(end, msgspec.json.encode(finding)[:ANSWER_SIZE_MAX])
            code = 0
        finally:
            os._exit(code)  # Nothing of the parent's is to be ended or flushed here.

    def result(self) -> Finding | None:
        """Return the finding once it is there; raises OSError if the audit died without one."""
        if not self._pid:
            self._reap()
            return None
        pid, status = os.waitpid(self._pid, os.WNOHANG)
        if not pid:
            return None
        with contextlib.suppress(BlockingIOError):
            self._answer = os.read(self._pipe, ANSWER_SIZE_MAX)
        answer = self._answer
        self._forget()
        if not answer:
            raise OSError(f"the audit ended without a result (status {status})")
        return msgspec.json.decode(answer, type=Finding)

    def stop(self) -> None:
        """End an audit that runs, without waiting for its end, which may have to wait for a disk;
        its half of a snapshot is removed by the next one.
        """
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            self._killed.append(self._pid)
            self._forget()
        self._reap()

    def _reap(self) -> None:
        self._killed = [pid for pid in self._killed if not os.waitpid(pid, os.WNOHANG)[0]]

    def _forget(self) -> None:
        os.close(self._pipe)
        self._pid, self._pipe, self._answer = 0, -1, b""

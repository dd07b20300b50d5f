"""run.json: the note of the run that is alive in a home, and the end of what a dead run left
behind.

The rule of this file: a process is known by its id and its start time together, for ids are used
again.
"""

import contextlib
import os

import msgspec
import psutil

from rialto.home import Home, disk_sentences, write_private

START_TOLERANCE_S = 0.05  # The kernel counts start times in hundredths; the rest is float noise.
LEFTOVER_DEADLINE_S = 5.0  # After SIGKILL only a process stuck in the kernel lives that long.


class ProcessMark(msgspec.Struct, frozen=True):
    """One process, told apart from a later one with the same id."""

    pid: int
    started_at_s: float


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What others need to reach a run; `services` holds the processes of this moment."""

    pid: int
    started_at_s: float
    redis_url: str
    ports: dict[str, int]
    urls: dict[str, str]
    services: dict[str, ProcessMark] = {}


def mark_of(pid: int) -> ProcessMark | None:
    """Return the mark of a live process, None if it is gone."""
    try:
        return ProcessMark(pid, psutil.Process(pid).create_time())
    except (psutil.Error, OSError):  # No descriptor left to read it with: the kernel's.
        return None


def is_alive(mark: ProcessMark) -> bool:
    return _process(mark) is not None


def new_run(redis_url: str, ports: dict[str, int], urls: dict[str, str]) -> Run:
    """Return the note of this process's run."""
    pid = os.getpid()
    return Run(
        pid=pid,
        started_at_s=psutil.Process(pid).create_time(),
        redis_url=redis_url,
        ports=ports,
        urls=urls,
    )


def write_run(home: Home, run: Run) -> None:
    """Write run.json, which holds the password of Redis, readable by its owner only."""
    with disk_sentences(home):
        write_private(home.run_file, msgspec.json.encode(run).decode() + "\n")


def remove_run(home: Home) -> None:
    with contextlib.suppress(OSError):
        home.run_file.unlink()


def read_run(home: Home) -> Run | None:
    """Return the run that is alive in this home; a note left by a dead one counts as none."""
    run = _read_note(home)
    if run is None or not is_alive(ProcessMark(run.pid, run.started_at_s)):
        return None
    return run


def end_leftovers(home: Home) -> list[str]:
    """Kill what a dead run left behind, wait until it is gone, return its names; hold the lock
    first.
    """
    run = _read_note(home)
    if run is None:
        return []
    left = {name: process for name, mark in run.services.items() if (process := _process(mark))}
    for process in left.values():
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(list(left.values()), timeout=LEFTOVER_DEADLINE_S)
    remove_run(home)
    return sorted(left)


def _read_note(home: Home) -> Run | None:
    try:
        return msgspec.json.decode(home.run_file.read_bytes(), type=Run)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _process(mark: ProcessMark) -> psutil.Process | None:
    try:
        process = psutil.Process(mark.pid)
        same = abs(process.create_time() - mark.started_at_s) < START_TOLERANCE_S
        dead = process.status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return None
    return process if same and not dead else None

"""Background tasks: one that fails takes its service along, one that is stopped does not."""

import asyncio
import contextlib
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shared.tasks import spawn, stop

ROOT = Path(__file__).resolve().parent.parent.parent
DEADLINE_S = 20.0

SERVICE = """
import asyncio
import contextlib
import signal
import sys
from shared.tasks import exit_code, spawn, stop

async def work():
    await asyncio.sleep(0)
    {work}

async def main():
    stopped = asyncio.Event()
    if {handles_signals}:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    task = spawn(work(), "the-worker")
    try:
        await asyncio.wait_for(stopped.wait(), {wait_s})
    except TimeoutError:
        pass
    await stop(task)

asyncio.run(main())
sys.exit(exit_code())
"""


def run_service(
    work: str, wait_s: float, *, handles_signals: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a service with one background task, which would live for `wait_s` otherwise."""
    program = SERVICE.format(work=work, wait_s=wait_s, handles_signals=handles_signals)
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


@pytest.mark.parametrize(("handles_signals", "code"), [(True, 1), (False, -signal.SIGTERM)])
def test_a_task_that_fails_stops_the_service_and_says_why(handles_signals: bool, code: int) -> None:
    ended = run_service("raise ValueError('the reason')", 60.0, handles_signals=handles_signals)
    assert ended.returncode == code
    said = ended.stdout + ended.stderr
    assert "background_task_failed" in said
    assert "the-worker" in said
    assert "the reason" in said


@pytest.mark.parametrize("work", ["return", "await asyncio.sleep(60)"])
def test_a_task_that_ends_or_is_stopped_leaves_the_service_alone(work: str) -> None:
    ended = run_service(work, 0.1)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


async def test_stop_waits_until_the_tasks_have_cleaned_up() -> None:
    cleaned: list[str] = []

    async def work(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append(name)

    tasks = [spawn(work(name), name) for name in ("one", "two")]
    await asyncio.sleep(0)
    await stop(*tasks, None)
    assert sorted(cleaned) == ["one", "two"]
    assert all(task.cancelled() for task in tasks)


async def test_stop_of_nothing_is_nothing() -> None:
    await stop()
    await stop(None)


async def test_a_cancellation_that_was_swallowed_is_repeated() -> None:
    async def stubborn() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    task = spawn(stubborn(), "stubborn")
    await asyncio.sleep(0)
    await asyncio.wait_for(stop(task), DEADLINE_S)
    assert task.cancelled()

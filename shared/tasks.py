"""Background tasks that somebody holds.

The rule of this file: a background task that fails stops its service, loudly. A service that goes
on without its listener or its writer looks healthy and is not; started anew, it recovers.
"""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

from shared.logs import get_logger

EXIT_FAILED = 1
CANCEL_AGAIN_S = 0.2  # Long for a task that heard it, short for whoever waits for its end.

_log = get_logger(__name__)
_failed: list[str] = []  # The process ends when one is in it, so it does not grow.


def spawn(work: Coroutine[object, object, None], name: str) -> asyncio.Task[None]:
    """Run `work` as a task that the caller keeps and cancels; an exception in it stops the
    service.
    """
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_stop_the_service_on_failure)
    return task


async def stop(*tasks: asyncio.Task[Any] | None) -> None:
    """Cancel tasks and wait for their end, whatever it is."""
    running = {task for task in tasks if task is not None and not task.done()}
    while running:
        for task in running:
            task.cancel()
        # A library can swallow the cancellation of a connection that is just being made.
        done, running = await asyncio.wait(running, timeout=CANCEL_AGAIN_S)
        for task in done:
            if not task.cancelled():
                task.exception()  # Looked at, so that nobody is told of it later.


def exit_code() -> int:
    """Return what a stopped service ends with: 1 after the failure of a background task, else 0."""
    return EXIT_FAILED if _failed else 0


def _stop_the_service_on_failure(task: asyncio.Task[None]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        _log.critical("background_task_failed", task=task.get_name(), exc_info=error)
        _failed.append(task.get_name())
        signal.raise_signal(signal.SIGTERM)

"""Tasks that nobody waits for any more, until they have ended.

The rule of this file: a task is held until it is over, so that a feed that is closed leaves none.
"""

import asyncio
from collections.abc import Iterable
from typing import Any


class Ending:
    """`tasks` are those that are not over yet."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[Any]] = set()

    def hold(self, task: asyncio.Task[Any] | None) -> None:
        """Hold on to a task that ends by itself."""
        if task is not None and not task.done():
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    def cancel(self, tasks: Iterable[asyncio.Task[Any] | None]) -> None:
        for task in tasks:
            if task is not None:
                task.cancel()
                self.hold(task)

"""How far a long report is, on standard error.

The rule of this file: a terminal sees a line that moves, as long as nothing else is written to it;
a log gets a line now and then; a report that takes a moment says nothing.
"""

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console

from shared.words import counted

SAID_EVERY_S = 10.0  # To a log, which keeps every line.


@contextlib.contextmanager
def progress(title: str, *, is_alone: bool = True) -> Iterator[Callable[[int], None]]:
    """Give what is told how many rows were read; not `is_alone`: rows go to the same terminal."""
    console = Console(stderr=True, highlight=False)
    if console.is_terminal and not is_alone:
        yield lambda _read: None
        return
    if console.is_terminal:
        with console.status(title) as status:
            yield lambda read: status.update(f"{title}: {counted(read, 'row')} read")
        return
    said_at_s = time.monotonic()

    def say(read: int) -> None:
        nonlocal said_at_s
        if time.monotonic() - said_at_s >= SAID_EVERY_S:
            said_at_s = time.monotonic()
            console.print(f"{title}: {counted(read, 'row')} read")

    yield say

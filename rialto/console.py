"""What the person at the keyboard sees of a run.

The rule of this file: no terminal disturbs the exchange, neither one that went away (EIO, a closed
pipe) nor one that stands still (Ctrl-S, a pager, a stuck reader of a pipe). A thread of its own
writes, and may wait for ever.
"""

import contextlib
import io
import os
import queue
import sys
import threading
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.text import Text

NAME_WIDTH = 14  # "broadcaster-16".
LINES_MAX = 1_000  # Waiting for the terminal; more than a person reads back. The logs have all.
LAST_WORDS_S = 1.0  # At the end, for a terminal that reads slowly.


class SteadyConsole(Console):
    """A console whose reader may leave: rich itself would end the program then."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        # The end of the program flushes what is buffered, and must find a place for it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Voice:
    """Says one line at a time on standard output, never waits for it; use it in a `with`, whose end
    gives the last lines a moment. Lines that found no room are counted and told.
    """

    def __init__(self, console: Console | None = None, *, lines_max: int = LINES_MAX) -> None:
        self._console = console
        self._lines: queue.Queue[Text] = queue.Queue(lines_max)
        self._dropped = 0
        self._writer = threading.Thread(target=self._write, name="voice", daemon=True)

    def __enter__(self) -> "Voice":
        self._console = self._console or SteadyConsole(
            file=_unlocked_stdout(), highlight=False, soft_wrap=True
        )
        self._writer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.flush()
        self._tell_dropped()
        self.flush()

    def flush(self) -> None:
        """Wait until all is said, at most LAST_WORDS_S."""
        with self._lines.all_tasks_done:
            self._lines.all_tasks_done.wait_for(self._is_all_said, LAST_WORDS_S)

    def say(self, text: str, style: str = "") -> None:
        self._enqueue(Text(text, style=style))

    def tell(self, service: str, text: str, style: str = "") -> None:
        """Say something about one service."""
        line = Text("  ")
        line.append(f"{service:<{NAME_WIDTH}} ", style="bold")
        line.append(text, style=style)
        self._enqueue(line)

    def quote(self, lines: Sequence[str]) -> None:
        """Show the last words of a service under a line about it."""
        for text in lines:
            self.say(f"  {'':<{NAME_WIDTH}} | {text}", "dim")

    def _enqueue(self, line: Text) -> None:
        self._tell_dropped()
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._dropped += 1

    def _tell_dropped(self) -> None:
        if not self._dropped:
            return
        text = f"({self._dropped} lines were not shown: nobody read them)"
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait(Text(text, style="dim"))
            self._dropped = 0

    def _is_all_said(self) -> bool:
        return not self._lines.unfinished_tasks

    def _write(self) -> None:
        assert self._console is not None, "the thread starts after the console is there"
        while True:
            line = self._lines.get()
            with contextlib.suppress(OSError):
                self._console.print(line)
            self._lines.task_done()


def _unlocked_stdout() -> TextIO | None:
    # The end of Python takes the lock of sys.stdout, and would wait for a write that stands still.
    try:
        raw = io.FileIO(sys.stdout.fileno(), "w", closefd=False)
    except (AttributeError, OSError):
        return None  # Closed, or not a file: rich finds its own way.
    encoding = sys.stdout.encoding
    # A raw file in place of a buffered one: it has no lock, and every line is written at once.
    return io.TextIOWrapper(raw, encoding, errors="replace", write_through=True)

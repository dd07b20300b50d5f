"""What the person at the keyboard sees of a run.

The rule of this file: a terminal that went away (EIO, a closed pipe) never disturbs the exchange.
"""

import contextlib
import os
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

NAME_WIDTH = 12  # "broadcaster" and a space.


class SteadyConsole(Console):
    """A console whose reader may leave: rich itself would end the program then."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        # The end of the program flushes what is buffered, and must find a place for it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Voice:
    """Says one line at a time on standard output."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or SteadyConsole(highlight=False, soft_wrap=True)

    def say(self, text: str, style: str = "") -> None:
        with contextlib.suppress(OSError):
            self._console.print(Text(text, style=style))

    def tell(self, service: str, text: str, style: str = "") -> None:
        """Say something about one service."""
        line = Text("  ")
        line.append(f"{service:<{NAME_WIDTH}} ", style="bold")
        line.append(text, style=style)
        with contextlib.suppress(OSError):
            self._console.print(line)

    def quote(self, lines: Sequence[str]) -> None:
        """Show the last words of a service under a line about it."""
        for text in lines:
            self.say(f"  {'':<{NAME_WIDTH}} | {text}", "dim")

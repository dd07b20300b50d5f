"""What is said reaches the terminal in order, and a terminal that stands still costs lines only."""

import io
import threading

from rich.console import Console

from rialto.console import Voice


class Gate(io.StringIO):
    """A terminal that stands still until it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.opened = threading.Event()

    def write(self, text: str) -> int:
        self.entered.set()
        self.opened.wait()
        return super().write(text)


def test_lines_come_in_order_and_the_end_waits_for_the_last() -> None:
    terminal = io.StringIO()
    with Voice(Console(file=terminal)) as voice:
        voice.say("one")
        voice.tell("engine", "two")
        voice.quote(["three"])
    lines = terminal.getvalue().splitlines()
    assert [line.split()[-1] for line in lines] == ["one", "two", "three"]


def test_lines_that_found_no_room_are_counted_and_told() -> None:
    terminal = Gate()
    with Voice(Console(file=terminal), lines_max=2) as voice:
        voice.say("first")
        terminal.entered.wait()
        for number in range(7):
            voice.say(f"line {number}")
        terminal.opened.set()
    *lines, last = terminal.getvalue().splitlines()
    assert lines == ["first", "line 0", "line 1"]
    assert last.startswith("(5 lines were not shown")

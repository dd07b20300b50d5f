"""Supervisors as real processes, read through their output and their run.json; deadlines, no
sleeps.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import psutil

from rialto.home import open_home
from rialto.runs import ProcessMark, Run, is_alive, read_run
from tests.support.deadlines import eventually

DEADLINE_S = 20.0  # Far above what anything here takes, even on a busy machine.
T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]

SLEEPER = "import time; time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


def until(condition: Callable[[], T | None], what: str) -> T:
    """Return the first true answer; fail the test at the deadline, naming what was awaited."""
    try:
        return eventually(condition, DEADLINE_S)
    except AssertionError as error:
        raise AssertionError(f"not within {DEADLINE_S} s: {what}") from error


class Started:
    """One supervisor process and what it has said so far."""

    def __init__(self, home: Path, argv: list[str], environ: Mapping[str, str]) -> None:
        self.home = open_home(home)
        self.output = ""
        self.process = subprocess.Popen(
            argv,
            cwd=ROOT,
            env={**environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line

    def says(self, text: str, times: int = 1) -> None:
        until(
            lambda: self.output.count(text) >= times or self.process.poll() is not None,
            f"{text!r} in {self.output!r}",
        )
        assert self.output.count(text) >= times, self.output

    def run(self) -> Run:
        return until(lambda: read_run(self.home), "run.json")

    def service(self, name: str) -> ProcessMark:
        """Return the process that runs this service now."""

        def look() -> ProcessMark | None:
            mark = self.run().services.get(name)
            return mark if mark and is_alive(mark) else None

        return until(look, f"{name} runs")

    def ends(self) -> int:
        code = self.process.wait(DEADLINE_S)
        self._reader.join(DEADLINE_S)
        return code

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(DEADLINE_S)
        self._reader.join(DEADLINE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextmanager
def tiny_run(home: Path, *plans: dict[str, Any]) -> Iterator[Started]:
    """Run tiny services; each plan has a name and the Python code of the child."""
    argv = [sys.executable, "-m", "tests.rialto.tiny_run", str(home), json.dumps(plans)]
    started = Started(home, argv, os.environ)
    try:
        yield started
    finally:
        started.close()


@contextmanager
def rialto(home: Path, *words: str, **environ: str) -> Iterator[Started]:
    """Run the `rialto` command itself, with settings of its own.

    There is no aggregator unless it is asked for, since a test needs nobody's internet, and no
    history.
    """
    argv = [sys.executable, "-m", "rialto", *words, "--home", str(home)]
    clean = {name: value for name, value in os.environ.items() if "RIALTO" not in name}
    clean.pop("REDIS_URL", None)
    quiet = {"RIALTO_AGGREGATOR_ENABLED": "false", "RIALTO_HISTORY_ENABLED": "false"}
    started = Started(home, argv, {**clean, **quiet, **environ})
    try:
        yield started
    finally:
        started.close()


def all_gone(marks: list[ProcessMark]) -> None:
    """Fail unless all these processes end by the deadline."""
    until(lambda: not any(is_alive(mark) for mark in marks), f"the end of {marks}")


def children_of(pid: int) -> list[ProcessMark]:
    return [
        ProcessMark(child.pid, child.create_time())
        for child in psutil.Process(pid).children(recursive=True)
    ]

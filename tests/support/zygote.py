"""A service whose modules are loaded once: each of its lives is a fork, there in milliseconds.

The rule of this file: a life is a process like any other, killed with SIGKILL; what a fresh one
would load from disk is in memory already, and nothing else.

`python -m tests.support.zygote MODULE` forks a life for every line that it reads, and writes its
process id.
"""

import contextlib
import gc
import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil

from rialto.leash import ask_to_die_with
from rialto.processes import leashed
from tests.support.deadlines import eventually
from tests.support.processes import Service


class ForkedService(Service):
    """As `Service`, of a program that takes no arguments; only its end is known, not its code."""

    def __init__(self, name: str, home: Path, settings: Mapping[str, object], label: str) -> None:
        super().__init__(name, home, settings, label=label)
        self._argv = [sys.executable, "-m", "tests.support.zygote", f"{name}.__main__"]
        self._life: psutil.Process | None = None

    def start(self) -> None:
        """Start it; the first time all modules are loaded."""
        zygote = self._process or self._zygote()
        assert zygote.stdin is not None, "it is a pipe"
        assert zygote.stdout is not None, "it is a pipe"
        zygote.stdin.write(b"\n")
        zygote.stdin.flush()
        pid = int(zygote.stdout.readline())
        self._life = None
        with contextlib.suppress(psutil.NoSuchProcess):
            self._life = psutil.Process(pid)

    @property
    def pid(self) -> int:
        assert self._life is not None, "the service does not run"
        pid: int = self._life.pid
        return pid

    @property
    def is_running(self) -> bool:
        return self._life is not None and self._life.is_running()

    def kill(self) -> None:
        """End it as a crash would."""
        life, self._life = self._life, None
        if life is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                life.kill()
            eventually(lambda: not life.is_running())

    def close(self) -> None:
        """End it, and what it is forked of."""
        self.kill()
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _zygote(self) -> subprocess.Popen[bytes]:
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                leashed(self._argv),
                cwd=self._folder,
                env=self._environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        return self._process


def _serve(module: str) -> None:
    program = importlib.import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # Nobody asks how a life has ended.
    gc.freeze()
    zygote_pid = os.getpid()
    for _ in sys.stdin.buffer:
        pid = os.fork()
        if not pid:
            _live(program.main, zygote_pid)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _live(main: object, zygote_pid: int) -> None:
    assert callable(main), "a program has a main"
    ask_to_die_with(zygote_pid)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    code = main()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _serve(sys.argv[1])

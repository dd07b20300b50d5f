"""A service of ours as a process: started against a Redis, killed, started again.

The rule of this file: no process outlives the test process, however that ends, and what it said is
shown when it does not do its part.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rialto.processes import leashed

ROOT = Path(__file__).resolve().parent.parent.parent
STOP_DEADLINE_S = 20.0
LOG_TAIL_CHARS = 4_000


class Service:
    """`python -m <name>` with a home of its own; `settings` are by their names in `Settings`.

    `label` tells its log from that of another of the same name.
    """

    def __init__(
        self,
        name: str,
        home: Path,
        settings: Mapping[str, object],
        *,
        arguments: Sequence[str] = (),
        label: str = "",
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.name = label or name
        self._argv = [sys.executable, "-m", name, *arguments]
        self.log_path = home.parent / f"{self.name}.log"
        values = {"home": home, "log_format": "text", **settings}
        ours = {f"RIALTO_{key.upper()}": str(value) for key, value in values.items()}
        python = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        self._environ = {**os.environ, **ours, **python, **(environ or {})}
        self._folder = home.parent
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it runs when this returns, but need not be ready."""
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                leashed(self._argv),
                cwd=self._folder,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def pid(self) -> int:
        assert self._process is not None, "the service was never started"
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal and do not wait."""
        assert self._process is not None, "the service was never started"
        self._process.send_signal(number)

    @property
    def exit_code(self) -> int | None:
        assert self._process is not None, "the service was never started"
        return self._process.poll()

    def wait(self) -> int:
        """Wait for its end and return its exit code."""
        assert self._process is not None, "the service was never started"
        return self._process.wait(STOP_DEADLINE_S)

    def kill(self) -> None:
        """End it as a crash would."""
        self._end(signal.SIGKILL)

    def terminate(self) -> int:
        """Ask it to stop, and return its exit code."""
        return self._end(signal.SIGTERM)

    def fail_if_ended(self) -> None:
        """Raise with its last words if it is not running any more."""
        if self.exit_code is not None:
            raise RuntimeError(f"{self.name} ended with {self.exit_code}: {self.log_tail()}")

    def log_tail(self) -> str:
        return self.log_path.read_text(errors="replace")[-LOG_TAIL_CHARS:]

    def _end(self, number: int) -> int:
        assert self._process is not None, "the service was never started"
        self._process.send_signal(number)
        return self.wait()


@contextmanager
def running_service(name: str, home: Path, settings: Mapping[str, object]) -> Iterator[Service]:
    """Run a service for as long as the block lasts."""
    service = Service(name, home, settings)
    service.start()
    try:
        yield service
    finally:
        if service.exit_code is None:
            service.kill()

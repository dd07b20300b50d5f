"""A real Redis for tests: started on a free port in a folder of its own, killed and started again.

The rule of this file: no server outlives the test process, however that ends.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from rialto.embedded_redis import choose_port
from rialto.processes import leashed
from rialto.versions import RedisBinary
from tests.support.deadlines import eventually

STOP_DEADLINE_S = 10.0
START_ATTEMPTS_MAX = 3  # Two test workers may draw the same port; thrice in a row they do not.
LOG_TAIL_CHARS = 2_000


class RedisServer:
    """One server with the durability of the real thing: append-only, fsync always."""

    def __init__(self, binary: RedisBinary, folder: Path) -> None:
        self.binary = binary
        self.folder = folder
        self.port = choose_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server was never started"
        return self._process.pid

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, again on the same port and data if it ran before, and wait until it answers."""
        if self.is_running():
            return
        first_time = self._process is None
        for _ in range(START_ATTEMPTS_MAX):
            self._spawn()
            if eventually(self._answers_or_died) == "answers":
                return
            if first_time:
                self.port = choose_port()
        raise AssertionError(f"{self.binary} did not start: {self._log_tail()}")

    def kill(self) -> None:
        """End it as a power cut would: SIGKILL, and no last write."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_DEADLINE_S)

    def flush(self) -> None:
        """Start it if a test has killed it, and remove every key."""
        self.start()
        eventually(self._is_flushed)

    def _spawn(self) -> None:
        # The port is on the command line, so that a process list shows which server is whose.
        argv = [str(self.binary.path), "--port", str(self.port), "--bind", "127.0.0.1"]
        argv += ["--dir", str(self.folder), "--appendonly", "yes", "--appendfsync", "always"]
        argv += ["--save", "", "--daemonize", "no", "--maxmemory-policy", "noeviction"]
        with (self.folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(
                leashed(argv), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _is_flushed(self) -> bool:
        with redis.Redis.from_url(self.url) as client:
            try:
                return bool(client.flushall())
            except redis.ConnectionError:  # Of a busy machine; the next one stands.
                return False

    def _answers_or_died(self) -> str:
        if not self.is_running():
            return "died"
        try:
            with redis.Redis.from_url(self.url, socket_connect_timeout=1) as client:
                # Another server on this port would answer too; ours runs as our process.
                info = client.info()  # It answers this even while it still loads its data.
                ready = info["process_id"] == self.pid and not info["loading"]
                return "answers" if ready else ""
        except redis.RedisError:
            return ""

    def _log_tail(self) -> str:
        return (self.folder / "redis.log").read_text(errors="replace")[-LOG_TAIL_CHARS:]


@contextmanager
def running_redis(binary: RedisBinary, folder: Path) -> Iterator[RedisServer]:
    """Run a server of this program for as long as the block lasts."""
    server = RedisServer(binary, folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()

"""The pulse: keeps the lease while the engine is at work for too long to beat by itself.

The rule of this file: it decides nothing. It is the engine's only other thread, has a connection of
its own, never touches the exchange, and repeats nothing: whatever goes wrong, it ends, and the
engine learns what it has to know from its own next commit.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import redis

from engine.redis_link import RedisLink
from engine.store import Fenced, Lease, Store
from shared.channels import Keys
from shared.logs import get_logger
from shared.redis_client import SOCKET_TIMEOUT_S

# A look is also a beat if the work is older than a look. When it begins, the last beat is up to a
# third of a lease ago; then the next one comes before two thirds.
LOOKS_PER_LEASE = 6
PULSE_MAX_S = 120.0  # The longest honest work takes seconds; an endless loop must lose the lease.
CLOSE_MAX_S = SOCKET_TIMEOUT_S + 1.0  # By then a beat under way has been answered, or has failed.

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Work:
    """What the engine is doing, and as the owner of which epoch."""

    epoch: int
    since_s: float


class Pulse:
    """The second heart of one engine; `link` is not open yet and belongs to the pulse.

    The thread begins with the first work. So a standby has none, and the copies that it forks of
    itself are not copies of a lock that somebody holds.
    """

    def __init__(self, link: RedisLink, keys: Keys, lease: Lease) -> None:
        self._link = link
        self._store = Store(link, keys, lease)
        self._look_every_s = lease.ttl_ms / LOOKS_PER_LEASE / 1_000
        self._work: Work | None = None
        self._beating = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    @contextlib.contextmanager
    def working(self, epoch: int) -> Iterator[None]:
        """Keep the lease of `epoch` for as long as the block lasts; no beat is under way after."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)
            self._thread.start()
        self._work = Work(epoch, time.monotonic())
        try:
            yield
        finally:
            with self._beating:  # Or a late beat would take the lease back that is released next.
                self._work = None

    def close(self) -> None:
        """End the thread, if there is one."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(CLOSE_MAX_S)

    # ---- in the thread ----

    def _run(self) -> None:
        try:
            self._link.open()
            while not self._closing.wait(self._look_every_s):
                self._beat_if_busy()
        except (redis.RedisError, OSError, Fenced) as error:
            _log.warning("pulse_stopped", reason=str(error))
        finally:
            self._link.close()

    def _beat_if_busy(self) -> None:
        with self._beating:
            work = self._work
            if work is None:
                return
            busy_s = time.monotonic() - work.since_s
            if self._look_every_s <= busy_s <= PULSE_MAX_S:
                self._store.epoch = work.epoch
                self._store.beat(
                    int(busy_s * 1_000)
                )  # Whether the venue is halted is a question of the engine's.

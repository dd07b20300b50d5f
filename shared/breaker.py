"""Not waiting again for what is known not to answer.

The rule of this file: nobody's request is the probe. After a failure everything is refused at once
while a task of the breaker's own asks, one question at a time, until an answer comes.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from enum import StrEnum

from shared.logs import get_logger
from shared.tasks import spawn, stop

PROBE_AFTER_S = 0.1  # After a failure; then twice as long each time,
PROBE_EVERY_MAX_S = 1.0  # up to this, so that what is back is used within about a second.
PROBE_TIMEOUT_S = 0.5  # Healthy answers come in milliseconds.

_log = get_logger(__name__)

Probe = Callable[[], Awaitable[object]]


class State(StrEnum):
    CLOSED = "closed"  # In use.
    OPEN = "open"  # Everything is refused.
    HALF_OPEN = "half_open"  # Refused too; one probe is under way.


class BreakerOpenError(Exception):
    """Refused without asking."""


class Breaker:
    """Stands before one thing that may fail; use `close` after.

    `failures` are the exceptions that tell of it being gone; others pass and mean nothing here.
    Of a probe `probe_failures` are no answer either: what is coming back says no in many ways.
    What `starts_later` than its user is no cause for alarm until it has answered once.
    """

    def __init__(
        self,
        name: str,
        probe: Probe,
        *,
        failures: tuple[type[Exception], ...] = (OSError,),
        probe_failures: tuple[type[Exception], ...] = (),
        probe_timeout_s: float = PROBE_TIMEOUT_S,
        starts_later: bool = False,
    ) -> None:
        self.name = name
        self.state = State.CLOSED
        self.opened = 0  # How often, for the figures.
        self._probe = probe
        self._failures: tuple[type[Exception], ...] = (*failures, TimeoutError)
        self._probe_failures = (*self._failures, *probe_failures)
        self._probe_timeout_s = probe_timeout_s
        self._is_expected = not starts_later
        self._task: asyncio.Task[None] | None = None

    @property
    def is_closed(self) -> bool:
        return self.state is State.CLOSED

    async def close(self) -> None:
        await stop(self._task)

    def check(self) -> None:
        """Raise BreakerOpenError unless a use may go ahead."""
        if self.state is not State.CLOSED:
            raise BreakerOpenError(self.name)

    @contextlib.contextmanager
    def guard(self) -> Iterator[None]:
        """Let a use through, and learn from its end; raises BreakerOpenError."""
        self.check()
        try:
            yield
        except self._failures as error:
            self.trip(str(error) or type(error).__name__)
            raise
        self._is_expected = True

    def trip(self, reason: str) -> None:
        """Refuse from now on, until a probe is answered."""
        if self.state is not State.CLOSED:
            return  # One that was under way when it opened.
        self.state = State.OPEN
        self.opened += 1
        if self._is_expected:
            _log.warning("breaker_opened", breaker=self.name, reason=reason)
        else:
            _log.info("not_there_yet", breaker=self.name, reason=reason)
        self._task = spawn(self._recover(), f"breaker-{self.name}")

    async def _recover(self) -> None:
        delay_s = PROBE_AFTER_S
        while not self.is_closed:
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, PROBE_EVERY_MAX_S)
            self.state = State.HALF_OPEN
            try:
                async with asyncio.timeout(self._probe_timeout_s):
                    await self._probe()
            except self._probe_failures:
                self.state = State.OPEN
            else:
                self.state = State.CLOSED
        self._is_expected = True
        _log.info("breaker_closed", breaker=self.name)

"""Keeps one service running: start, see it ready, wait for its death, tell the reason, start again.

The rule of this file: it decides about one service only; what a death means for the run is the
supervisor's.
"""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable

from rialto.backoff import Backoff
from rialto.console import Voice
from rialto.errors import RialtoError
from rialto.leash import EXIT_NOT_RUN
from rialto.logfiles import LogFile, spoken
from rialto.processes import Child, start_child
from rialto.service import ServiceSpec

# From sysexits.h: a service that can never start says so with it. At its first start that is final.
EX_CONFIG = 78
PROBE_EVERY_S = 0.05
VITAL_DEATHS_MAX = 3  # One may be an accident of the port; three are not.
QUOTED_LINES = 5  # Enough to see what was raised; the log file has the rest.
ASKED_TO_DIE = frozenset(
    {signal.SIGKILL, signal.SIGTERM, signal.SIGINT}
)  # Its last words explain nothing.


class Runner:
    """One service of a run. `ready` follows its life; `settled` is set once its first start has
    shown how it went; `failure` is set when the service asks for no further start."""

    def __init__(
        self,
        spec: ServiceSpec,
        log: LogFile,
        voice: Voice,
        *,
        verbose: bool,
        on_start: Callable[[], None],
    ) -> None:
        self.spec = spec
        self.ready = asyncio.Event()
        self.settled = asyncio.Event()
        self.failure: RialtoError | None = None
        self._log = log
        self._voice = voice
        self._verbose = verbose
        self._on_start = on_start
        self._child: Child | None = None
        self._backoff = Backoff()
        self._was_ready = False
        self._told_words = ""  # The same reason is quoted once.
        self._ready_at_s = 0.0

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    async def keep(self, needs_ready: Callable[[], Awaitable[None]]) -> None:
        """Run the service again and again; return only when it must not be started any more."""
        while self.failure is None:
            await needs_ready()
            try:
                code, ready_for_s = await self._live()
            except OSError as error:
                code, ready_for_s = EXIT_NOT_RUN, 0.0
                self._log.tail.append(f"it could not be started: {error.strerror or error}")
            # Later the cause may go away as it came: a port in use, a file that is being edited.
            if code == EX_CONFIG and not self.settled.is_set():
                self.failure = RialtoError(self._last_words() or f"{self.spec.name} cannot start.")
            else:
                delay_s = self._backoff.after_death(ready_for_s)
                self._report(code, delay_s)
                self._give_up_if_vital()
            if self.failure is not None or not self.spec.vital:
                self.settled.set()
            if self.failure is None:
                await asyncio.sleep(delay_s)

    async def stop(self) -> None:
        """End the service within its deadline; `keep` must not run any more."""
        if self._child is None:
            return
        if not await self._child.stop(self.spec.stop_deadline_s):
            deadline_s = f"{self.spec.stop_deadline_s:g} s"
            self._voice.tell(self.spec.name, f"did not stop within {deadline_s}, killed", "yellow")
        self._child = None
        self.ready.clear()

    def kill(self) -> None:
        """End the service and all that it started, now."""
        if self._child is not None:
            self._child.signal_group(signal.SIGKILL)

    async def _live(self) -> tuple[int, float]:
        self._log.tail.clear()
        self._ready_at_s = 0.0
        await self.spec.before_start()
        self._child = await start_child(self.spec.argv, self.spec.environ, self._log, self._hear)
        self._on_start()
        watch = asyncio.create_task(self._watch())
        try:
            code = await self._child.wait()
        finally:
            watch.cancel()
            self.ready.clear()
        self._child = None
        return code, time.monotonic() - self._ready_at_s if self._ready_at_s else 0.0

    async def _watch(self) -> None:
        deadline_s = time.monotonic() + self.spec.start_deadline_s
        while not await self.spec.ready():
            if time.monotonic() > deadline_s:
                deadline_s = float("inf")
                self._voice.tell(
                    self.spec.name, f"is not ready yet; see {self._log.path}", "yellow"
                )
                self.settled.set()
            await asyncio.sleep(PROBE_EVERY_S)
        self._ready_at_s = time.monotonic()
        word = "ready again" if self._was_ready else "ready"
        self._voice.tell(self.spec.name, f"{word}  {self.spec.address}".rstrip(), "green")
        self._was_ready = True
        self.ready.set()
        self.settled.set()

    def _hear(self, line: str) -> None:
        if self._verbose:
            self._voice.tell(self.spec.name, line, "dim")
        elif (text := self.spec.notable(line)) is not None:
            self._voice.tell(self.spec.name, text, "yellow")

    def _report(self, code: int, delay_s: float) -> None:
        reason = reason_of(code)
        if not self._backoff.is_hopeless:
            text = f"died ({reason}), starts again in {delay_s:g} s"
            self._voice.tell(self.spec.name, text, "red")
            if -code not in ASKED_TO_DIE and self._last_words() != self._told_words:
                self._told_words = self._last_words()
                self._voice.quote(list(self._log.tail)[-QUOTED_LINES:])
            return
        words = self._last_words() or "it said nothing"
        text = f"cannot stay up: {self._backoff.quick_deaths} quick deaths in a row, the last with "
        text += f"{reason}: {words}. Next try in {delay_s:g} s; its log is {self._log.path}"
        self._voice.tell(self.spec.name, text, "bold red")

    def _give_up_if_vital(self) -> None:
        if (
            self.spec.vital
            and not self._was_ready
            and self._backoff.quick_deaths >= VITAL_DEATHS_MAX
        ):
            words = self._last_words() or "it said nothing"
            self.failure = RialtoError(
                f"{self.spec.name} cannot start: {words} (its log is {self._log.path})."
            )

    def _last_words(self) -> str:
        return spoken(self._log.tail[-1]) if self._log.tail else ""


def reason_of(code: int) -> str:
    """Say an exit code, or the signal that a negative one stands for."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"

"""Runs the services of one exchange as processes, from the first start to the last end.

The rule of this file: however the run ends, no child stays behind. A stop goes through the ranks
of the services; everything else is the kernel's (see leash.py) and the next start's (see
runs.end_leftovers).
"""

import asyncio
import signal
import time
from collections.abc import Callable, Sequence

import msgspec

from rialto.console import Voice
from rialto.errors import RialtoError
from rialto.home import Home
from rialto.logfiles import LogFile
from rialto.runner import Runner
from rialto.runs import Run, mark_of, write_run
from rialto.service import ServiceSpec
from shared import tasks

# A second signal within this time is the same wish, told by a terminal and by a parent.
SAME_WISH_S = 1.0


class Supervisor:
    """One run of some services; the caller holds the home's lock and has prepared the home."""

    def __init__(
        self,
        specs: Sequence[ServiceSpec],
        home: Home,
        run: Run,
        voice: Voice,
        *,
        verbose: bool = False,
        on_all_ready: Callable[[], None] = lambda: None,
    ) -> None:
        self._home = home
        self._run = run
        self._voice = voice
        self._on_all_ready = on_all_ready
        self._runners = {
            spec.name: Runner(
                spec,
                LogFile(home.log_file(spec.name)),
                voice,
                verbose=verbose,
                on_start=self._note_processes,
            )
            for spec in specs
        }
        self._stop_asked = asyncio.Event()
        self._stop_asked_at_s = 0.0
        self._started = False

    async def run(self) -> None:
        """Run until a signal asks for the end; raise RialtoError when a service can never start."""
        write_run(self._home, self._run)
        self._listen_to_signals()
        keepers: list[asyncio.Task[None]] = []
        starter = asyncio.create_task(self._start_in_order(keepers))
        stop = asyncio.create_task(self._stop_asked.wait())
        try:
            await asyncio.wait({starter, stop}, return_when=asyncio.FIRST_COMPLETED)
            if starter.done():
                starter.result()
            await self._keep_until(stop, keepers)
        finally:
            # The starter first: it makes the keepers.
            await tasks.stop(starter)
            await tasks.stop(stop, *keepers)
            await self._stop_all()

    async def _start_in_order(self, keepers: list[asyncio.Task[None]]) -> None:
        for runner in self._runners.values():
            keepers.append(asyncio.create_task(self._keep(runner)))
            settled = asyncio.create_task(runner.settled.wait())
            done, _ = await asyncio.wait({settled, *keepers}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            if runner.failure is not None:
                raise runner.failure
        self._started = True
        keepers.append(asyncio.create_task(self._tell_when_all_are_ready()))

    async def _keep(self, runner: Runner) -> None:
        async def needs_ready() -> None:
            for name in runner.spec.needs:
                await self._runners[name].ready.wait()

        await runner.keep(needs_ready)
        if runner.failure is not None:
            if not self._started:
                raise runner.failure
            self._voice.tell(runner.spec.name, f"stays down: {runner.failure}", "bold red")

    async def _keep_until(
        self, stop: asyncio.Task[bool], keepers: list[asyncio.Task[None]]
    ) -> None:
        waited: set[asyncio.Task[bool] | asyncio.Task[None]] = {stop, *keepers}
        while not stop.done():
            done, waited = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                # A keeper that raised is a bug of ours: it ends the run with its traceback.
                task.result()

    async def _tell_when_all_are_ready(self) -> None:
        for runner in self._runners.values():
            await runner.ready.wait()
        self._on_all_ready()

    async def _stop_all(self) -> None:
        ranks = sorted({runner.spec.stop_rank for runner in self._runners.values()})
        try:
            for rank in ranks:
                chosen = [r for r in self._runners.values() if r.spec.stop_rank == rank]
                await asyncio.gather(*(runner.stop() for runner in chosen))
        finally:
            self._kill_all()

    def _kill_all(self) -> None:
        for runner in self._runners.values():
            runner.kill()

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal, number)
        # Under nohup the end of the terminal is not the end of the run.
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            loop.add_signal_handler(signal.SIGHUP, self._on_signal, signal.SIGHUP)

    def _on_signal(self, number: signal.Signals) -> None:
        now_s = time.monotonic()
        if not self._stop_asked.is_set():
            self._stop_asked_at_s = now_s
            self._voice.say(f"{number.name}: stopping")
            self._stop_asked.set()
        elif now_s - self._stop_asked_at_s > SAME_WISH_S:
            self._voice.say(f"{number.name} again: killing what is left")
            self._kill_all()

    def _note_processes(self) -> None:
        pids = {name: runner.pid for name, runner in self._runners.items()}
        marks = {name: mark for name, pid in pids.items() if pid and (mark := mark_of(pid))}
        self._run = msgspec.structs.replace(self._run, services=marks)
        try:
            write_run(self._home, self._run)
        except RialtoError as error:
            self._voice.say(
                str(error), "yellow"
            )  # A full disk is Redis's to judge, not this note's.

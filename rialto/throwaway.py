"""An exchange for one purpose: a Redis, an engine and an archiver of its own, in a folder that
goes with them.

The rule of this file: however the work ends, no child and no file stays behind, and nothing of the
person's own settings or data is touched.
"""

import asyncio
import contextlib
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from rialto.embedded_redis import choose_port, find_redis_binaries, make_embedded_redis
from rialto.errors import RialtoError
from rialto.home import Home, open_home, prepare
from rialto.logfiles import LogFile, spoken
from rialto.processes import Child, start_child
from rialto.runner import PROBE_EVERY_S, reason_of
from rialto.service import ServiceSpec
from rialto.services import LOOPBACK, exchange_specs, redis_spec, service_environ
from rialto.versions import RedisBinary
from shared.settings import Settings
from shared.settings_fields import PREFIX

VENUE = "throwaway"
PARTS = frozenset({"engine", "archive"})
STOP_SIGNALS = (signal.SIGTERM, signal.SIGHUP)  # SIGINT is asyncio's own.

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Throwaway:
    """Where the exchange is reached, and its processes by name: redis, engine, archive."""

    redis_url: str
    pids: Mapping[str, int]
    home: Home
    settings: Settings
    environ: Mapping[str, str]  # Of its processes.
    venue: str = VENUE


def run_on_throwaway(
    environ: Mapping[str, str],
    work: Callable[[Throwaway], Coroutine[Any, Any, T]],
    *,
    binary: RedisBinary | None = None,
    parts: frozenset[str] = PARTS,
    changes: Mapping[str, object] | None = None,
) -> T:
    """Run `work` on a new exchange and return its result; raises RialtoError if a part of the
    exchange ends before the work does. Call it from the main thread. `parts` are what there is of
    it beside its Redis, `changes` are settings other than the default ones.
    """
    binary = binary or find_redis_binaries(environ)[0]
    # A part that had to be killed may still be writing when the folder goes.
    with tempfile.TemporaryDirectory(
        prefix="rialto-throwaway-", ignore_cleanup_errors=True
    ) as folder:
        home = open_home(folder)
        prepare(home)
        try:
            return asyncio.run(
                _run(home, binary, environ, work, names=parts, changes=changes or {})
            )
        except asyncio.CancelledError:
            raise RialtoError("Stopped by a signal; nothing is left of it.") from None


async def _run(
    home: Home,
    binary: RedisBinary,
    environ: Mapping[str, str],
    work: Callable[[Throwaway], Coroutine[Any, Any, T]],
    *,
    names: frozenset[str],
    changes: Mapping[str, object],
) -> T:
    _cancel_on_signals()
    redis = make_embedded_redis(home, binary)
    settings = msgspec.structs.replace(_settings(home), **changes)
    ours = {name: text for name, text in environ.items() if not _is_setting(name)}
    ours = service_environ(ours, settings, home, redis.url, VENUE)
    others = exchange_specs(settings, ours, redis.url, ())
    specs = [redis_spec(redis), *(spec for spec in others if spec.name in names)]
    async with contextlib.AsyncExitStack() as stack:
        parts = []
        for spec in specs:
            parts.append(await stack.enter_async_context(running(spec, home)))
        pids = {part.name: part.child.pid for part in parts}
        return await _while_all_live(parts, work(Throwaway(redis.url, pids, home, settings, ours)))


def _settings(home: Home) -> Settings:
    return Settings(
        venue=VENUE,
        demo_markets=False,
        # The archive is named, for an empty value would let a rialto.toml here name the real one.
        archive_dir=str(home.folder / "archive"),
        log="warning",
        api_port=choose_port(),
        admin_port=choose_port(),
        ws_port=choose_port(),
        aggregator_port=choose_port(),
        history_port=choose_port(),
        venues_address=f"{LOOPBACK}:{choose_port()}",  # Never a real venue.
    )


def _is_setting(name: str) -> bool:
    return name.startswith(PREFIX) or name == "REDIS_URL"


def _cancel_on_signals() -> None:
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None, "this runs in a task"
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, task.cancel)


@dataclass(frozen=True, slots=True)
class Part:
    """A process of the exchange."""

    name: str
    child: Child
    log: LogFile

    async def wait_for_end(self) -> None:
        code = await self.child.wait()
        words = spoken(self.log.tail[-1]) if self.log.tail else "it said nothing"
        raise RialtoError(f"The {self.name} ended ({reason_of(code)}): {words}")


@contextlib.asynccontextmanager
async def running(spec: ServiceSpec, home: Home) -> AsyncIterator[Part]:
    """Give a process that is ready, and end it after; raises RialtoError when it does not come."""
    log = LogFile(home.log_file(spec.name))
    await spec.before_start()
    child = await start_child(spec.argv, spec.environ, log, lambda _line: None)
    part = Part(spec.name, child, log)
    try:
        await _while_all_live([part], _ready(spec))
        yield part
    finally:
        await child.stop(spec.stop_deadline_s)


async def _ready(spec: ServiceSpec) -> None:
    try:
        async with asyncio.timeout(spec.start_deadline_s):
            while not await spec.ready():  # noqa: ASYNC110 - it is another process's state.
                await asyncio.sleep(PROBE_EVERY_S)
    except TimeoutError:
        raise RialtoError(
            f"The {spec.name} was not ready in {spec.start_deadline_s:g} s."
        ) from None


async def _while_all_live(parts: list[Part], work: Coroutine[Any, Any, T]) -> T:
    task = asyncio.create_task(work)
    ends = [asyncio.create_task(part.wait_for_end()) for part in parts]
    try:
        done, _ = await asyncio.wait({task, *ends}, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            if end in done and task not in done:
                end.result()
        return await task
    finally:
        for waiting in (task, *ends):
            waiting.cancel()
        await asyncio.gather(task, *ends, return_exceptions=True)

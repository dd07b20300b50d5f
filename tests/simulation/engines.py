"""Engines of the simulation: the real service, stopped at every message it sends or receives.

The rule of this file: each engine is a greenlet, so the scheduler alone decides who goes on; the
service believes that it talks to Redis and that time passes.
"""

import contextlib
from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING, cast

import redis
from greenlet import getcurrent, greenlet  # type: ignore[import-untyped]

from engine.core.exchange import Exchange, Limits
from engine.redis_link import RedisLink
from engine.rows import Meta
from engine.service import EngineOptions, EngineService
from engine.standby import Standby, StandbyOptions
from engine.store import Fenced, Lease, Store
from engine.watch import Watch
from shared.messages import Command, Event
from tests.simulation.model_redis import Argument, ModelRedis, Response
from tests.support.standbys import InlineAudit

if TYPE_CHECKING:
    from tests.simulation.world import World

LEASE_TTL_MS = 300
TRADES_MAX = 5
LIMITS = Limits(closed_orders_max=4)
DEADLY = "deadly-"  # An idempotency key that begins so raises inside the exchange.
EARLY_RATE = 0.5  # Of the scripts that are done before the engine asks for their answer.
LOST_REPLY_RATE = 0.01
READ_PAUSE_RATE = 0.1  # Of the single reads; loading is many of them, and nobody else's business.
REPEATED_RATE = 0.02

Request = Callable[[], Response]


class Crash(BaseException):
    """kill -9: no handler of the program may see it."""


class MortalExchange(Exchange):
    """An exchange with a bug: some commands raise."""

    def apply(
        self,
        command: Command,
        *,
        n: int | None = None,
        at_ns: int | None = None,
        fingerprint: bytes = b"",
    ) -> list[Event]:
        if command.idempotency_key.startswith(DEADLY):
            raise RuntimeError("a bug in the exchange")
        return super().apply(command, n=n, at_ns=at_ns, fingerprint=fingerprint)


class SlowLink:
    """The engine's connection: what it sends waits on the wire, and so does the answer."""

    def __init__(self, world: "World", engine: "SimulatedEngine") -> None:
        self._redis: ModelRedis = world.redis
        self._world = world
        self._engine = engine
        self._started: Request | None = None

    def call(self, *arguments: Argument) -> Response:
        if self._world.random.random() < READ_PAUSE_RATE:
            self._engine.hand_over()
        return self._redis.call(*arguments)

    def call_all(self, commands: Sequence[tuple[Argument, ...]]) -> list[Response]:
        """As the real one; a read that waits gets a second chance after its time."""
        self._engine.hand_over()
        responses = [self.call(*command) for command in commands]
        self._engine.hand_over()
        name, *words = commands[-1]
        if name == "XREAD" and responses[-1] is None:
            self._engine.sleep(int(words[3]) / 1_000)
            responses[-1] = self._redis.call(*commands[-1])
        return responses

    def run(self, script: str, keys: Sequence[str], arguments: Sequence[Argument]) -> Response:
        request = self._request(script, keys, arguments)
        self._engine.on_the_wire = request
        self._engine.hand_over()
        return self._answered(request)

    def start(
        self,
        first: Sequence[tuple[Argument, ...]],
        script: str,
        keys: Sequence[str],
        arguments: Sequence[Argument],
    ) -> list[Response]:
        """As the real one; the script is carried out now, or at the latest when it is finished."""
        request = self._request(script, keys, arguments)
        self._engine.on_the_wire = _both(lambda: [self._redis.call(*c) for c in first], request)
        self._engine.hand_over()
        responses = [self._redis.call(*command) for command in first]
        self._engine.on_the_wire = request
        self._engine.hand_over()
        if self._world.random.random() < EARLY_RATE:
            outcome = _outcome_of(request)
            self._engine.on_the_wire = None
            request = outcome
        self._started = request
        self._engine.hand_over()
        return responses

    def finish(self) -> Response:
        request, self._started = self._started, None
        assert request is not None, "a script is under way"
        self._engine.hand_over()
        return self._answered(request)

    def _request(self, script: str, keys: Sequence[str], arguments: Sequence[Argument]) -> Request:
        keys, arguments = list(keys), list(arguments)
        return lambda: self._redis.run(script, keys, arguments)

    def _answered(self, request: Request) -> Response:
        """Carry out what was on the wire, and give or lose its answer."""
        self._engine.on_the_wire = None
        response = request()
        random = self._world.random
        if self._world.faulty and random.random() < REPEATED_RATE:
            self._world.delayed.append(request)
        self._engine.hand_over()
        if self._world.faulty and random.random() < LOST_REPLY_RATE:
            raise redis.ConnectionError("the reply was lost")
        return response


class CountedStandby(Standby):
    """Tells the world when it has gone on from its memory."""

    world: "World"

    def take_over(self, meta: Meta, on_page: Callable[[], None]) -> Exchange | None:
        exchange = super().take_over(meta, on_page)
        self.world.figures.takeovers += exchange is not None
        return exchange


def _both(first: Request, second: Request) -> Request:
    """Return both in this order, for what was sent in one write and arrives as such."""
    return lambda: (first(), second())


def _outcome_of(request: Request) -> Request:
    """Carry a request out and return how to hear of it, as often as one asks."""
    try:
        response = request()
    except redis.ResponseError as error:
        fault = error

        def refuse() -> Response:
            raise fault

        return refuse
    return lambda: response


class SimulatedEngine:
    """One process that runs the engine; `wake_at_us` is when it wants to go on."""

    def __init__(self, world: "World", owner: str) -> None:
        self._world = world
        self.on_the_wire: Request | None = None
        self.wake_at_us = world.redis.now_us
        self.ended = False
        self.fenced = False
        options = EngineOptions(LEASE_TTL_MS, world.batch_max, TRADES_MAX, LIMITS)
        link = SlowLink(world, self)
        store = world.make_store(link, world.keys, Lease(owner, LEASE_TTL_MS))
        standby = world.make_standby(
            cast(RedisLink, link),
            Watch(cast(RedisLink, link), world.keys),
            StandbyOptions(owner, LIMITS),
            InlineAudit(),
            should_stop=lambda: False,
        )
        standby.world = world
        self._service = EngineService(
            store, world.keys, options, should_stop=lambda: False, standby=standby
        )
        self._greenlet = greenlet(self._main)

    def go_on(self) -> None:
        """Run until its next message."""
        self._greenlet.switch()

    def crash(self, random: Random) -> None:
        """Kill it; what it sent last may arrive now, later or never."""
        if self.on_the_wire is not None and self._world.faulty and random.random() < 0.5:
            self._world.delayed.append(self.on_the_wire)
        self.ended = True
        if self._greenlet:
            with contextlib.suppress(Crash):
                self._greenlet.throw(Crash)

    def hand_over(self) -> None:
        parent = self._greenlet.parent
        assert parent is not None, "an engine runs below the scheduler"
        parent.switch()

    def sleep(self, seconds: float) -> None:
        self.wake_at_us = self._world.redis.now_us + int(seconds * 1_000_000)
        self.hand_over()

    def _main(self) -> None:
        """Do as the engine's `__main__` does."""
        try:
            self._service.run()
        except Fenced:
            self.fenced = True
        except (redis.RedisError, OSError):
            pass
        except Exception:  # noqa: BLE001 - as the outermost loop of the program.
            with contextlib.suppress(redis.RedisError, OSError, Fenced):
                self._service.count_death()
        finally:
            self.ended = True


class ModelTime:
    """`time` as the service knows it."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def monotonic(self) -> float:
        return self._world.redis.now_us / 1_000_000

    def time_ns(self) -> int:
        return self._world.redis.now_us * 1_000

    def sleep(self, seconds: float) -> None:
        sleeper = next(engine for engine in self._world.engines if engine._greenlet is getcurrent())
        sleeper.sleep(seconds)


class SilentLog:
    """Takes what the service says; two thousand runs would say too much."""

    def info(self, *_words: object, **_values: object) -> None: ...

    error = critical = warning = info


StoreMaker = Callable[..., Store]

"""A bus and an engine that the test moves by hand, on a real Redis."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from os import kill

from shared.bus import CommandBus
from shared.channels import Keys
from shared.messages import Deposit
from shared.outcomes import Outcome
from tests.support.answering_engine import AnsweringEngine
from tests.support.deadlines import eventually_async

KEYS = Keys("test")
FOREVER_S = 600.0  # Longer than any test: an engine that the test does not let beat is no topic.
HANG_S = 12.0  # Whoever waits longer than all timeouts of the bus together waits forever.


class Bench:
    """The bus, and the engine on the other side of Redis."""

    def __init__(self, bus: CommandBus, engine: AnsweringEngine) -> None:
        self.bus = bus
        self.engine = engine
        self.tasks: list[asyncio.Task[Outcome]] = []

    async def ready(self) -> None:
        """Wait until the bus hears its engine."""

        def heard() -> bool:
            self.engine.beat()
            return self.bus.redis_is_up and self.bus.engine_is_up

        await eventually_async(heard)

    def send(self, key: str, amount_atoms: int = 1) -> asyncio.Task[Outcome]:
        """Begin to submit a command and return the task that waits for its outcome."""
        task = asyncio.create_task(self.bus.submit(deposit(key, amount_atoms)))
        self.tasks.append(task)
        return task

    async def journalled(self, count: int) -> None:
        await eventually_async(lambda: self.engine.journalled >= count)

    async def known(self, count: int) -> None:
        """Wait until the bus itself knows that so many commands of its own are journalled."""
        await eventually_async(lambda: len(self.bus._journalled()) >= count)


def deposit(key: str, amount_atoms: int = 1) -> Deposit:
    return Deposit(account_id=7, idempotency_key=key, asset="INR", amount_atoms=amount_atoms)


@asynccontextmanager
async def a_bench(
    url: str,
    *,
    through: str = "",
    reply_timeout_s: float = 2.0,
    backlog_max: int = 20_000,
    silence_max_s: float = FOREVER_S,
) -> AsyncIterator[Bench]:
    """Give a bus that is ready; `through` is the URL by which it reaches the Redis at `url`."""
    bus = CommandBus(
        through or url,
        KEYS,
        reply_timeout_s=reply_timeout_s,
        backlog_commands_max=backlog_max,
        engine_silence_max_s=silence_max_s,
    )
    bench = Bench(bus, AnsweringEngine(url, KEYS))
    await bus.start()
    try:
        await bench.ready()
        yield bench
    finally:
        for task in bench.tasks:
            task.cancel()
        await asyncio.gather(*bench.tasks, return_exceptions=True)
        await bus.close()
        bench.engine.close()


@contextmanager
def standing_still(pid: int) -> Iterator[None]:
    """Pause a process for as long as the block lasts."""
    kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        kill(pid, signal.SIGCONT)

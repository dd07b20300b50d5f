"""Load over the command bus, without HTTP: senders that repeat a key until it is answered.

The rule of this file: it notes what it was told; whether that is true is the replay's business.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from random import Random
from typing import Any

from shared.bus import CommandBus
from shared.channels import Keys
from shared.messages import CancelOrder, Command, Deposit, PlaceOrder, Side, TimeInForce
from shared.outcomes import Accepted, Answered, Unknown
from shared.wire import CommandResult
from tests.support.campaign import create_venue
from tests.support.campaign_orders import MARKETS
from tests.support.deadlines import eventually_async
from tests.support.replay import Replayed, check_replay, read_record

SENDERS = 6
ACCOUNTS = 3
FIRST_ATOMS = 10**9
RETRY_PAUSE_S = 0.02
SEND_DEADLINE_S = 60.0
PROGRESS_DEADLINE_S = 45.0
AGAIN_RATE = 0.1  # Of the answered commands that are sent once more.


class BusLoad:
    """Use `working` around what is done to the engine, then `check`."""

    def __init__(self, bus: CommandBus, redis_url: str, keys: Keys, seed: int) -> None:
        self.bus = bus
        self.answers: dict[tuple[int, str], tuple[Command, CommandResult]] = {}
        self.outcomes: Counter[str] = Counter()
        self.sent: Counter[tuple[int, str]] = Counter()
        self._open: list[Command] = []
        self._redis_url = redis_url
        self._keys = keys
        self._seed = seed

    async def open_venue(self) -> None:
        """Make the markets and fund the accounts."""
        await create_venue(self.bus)
        for account_id in range(1, ACCOUNTS + 1):
            for asset in ("INR", "TATA", "JIO"):
                command = Deposit(
                    account_id=account_id,
                    asset=asset,
                    amount_atoms=FIRST_ATOMS,
                    idempotency_key=f"first-{asset}",
                )
                await self.settle(command)

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Send for as long as the block lasts, then see every command answered."""
        senders = [asyncio.create_task(self._send(number)) for number in range(SENDERS)]
        try:
            yield
        finally:
            for sender in senders:
                if sender.done():
                    sender.result()
                sender.cancel()
            await asyncio.gather(*senders, return_exceptions=True)
        for command in self._open:
            await self.settle(command)

    async def progress(self, count: int) -> None:
        """Wait until so many more commands are answered."""
        wanted = len(self.answers) + count
        await eventually_async(lambda: len(self.answers) >= wanted, PROGRESS_DEADLINE_S)

    async def check(self) -> Replayed:
        """Check the replay, and that every answer is the one that stands."""
        for command, result in list(self.answers.values()):
            again = await self._answered(command)
            assert again == result, f"{result} became {again}"
        record = await asyncio.to_thread(read_record, self._redis_url, self._keys.tag[1:-1])
        replayed = await asyncio.to_thread(check_replay, record)
        assert all(result.n in replayed.events for _, result in self.answers.values())
        return replayed

    async def _send(self, number: int) -> None:
        random = Random(f"{self._seed}-{number}")
        count = 0
        while True:
            count += 1
            command = _random_command(random, f"{number}-{count}")
            self._open.append(command)
            await self.settle(command)
            self._open.remove(command)
            if random.random() < AGAIN_RATE:
                await self.settle(command)

    async def settle(self, command: Command) -> None:
        """Send a command until it is answered, and note the answer."""
        result = await self._answered(command)
        name = command.account_id, command.idempotency_key
        first = self.answers.setdefault(name, (command, result))[1]
        assert first == result, f"{first} became {result}"

    async def _answered(self, command: Command) -> CommandResult:
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + SEND_DEADLINE_S
        while True:
            self.sent[command.account_id, command.idempotency_key] += 1
            outcome = await self.bus.submit(command)
            self.outcomes[type(outcome).__name__] += 1
            if isinstance(outcome, Answered):
                return outcome.result
            assert loop.time() < deadline_s, f"No answer in time: {outcome}"
            if not isinstance(outcome, Accepted | Unknown):
                await asyncio.sleep(RETRY_PAUSE_S)


def _random_command(random: Random, key: str) -> Command:
    sender: dict[str, Any] = {"account_id": random.randint(1, ACCOUNTS), "idempotency_key": key}
    roll = random.random()
    if roll < 0.15:
        return Deposit(asset="INR", amount_atoms=random.randint(1, 1_000), **sender)
    if roll < 0.35:
        return CancelOrder(order_id=random.randint(1, 500), **sender)
    return PlaceOrder(
        market=random.choice(list(MARKETS)),
        side=random.choice((Side.BUY, Side.SELL)),
        time_in_force=random.choice((TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC)),
        price_ticks=random.randint(1_990, 2_010),
        quantity_lots=random.randint(1, 40),
        **sender,
    )


@contextlib.asynccontextmanager
async def opened_load(redis_url: str, venue: str, seed: int) -> AsyncIterator[BusLoad]:
    """Give a load on a bus of its own; an engine must be there soon."""
    keys = Keys(venue)
    bus = CommandBus(redis_url, keys, reply_timeout_s=1.0, engine_silence_max_s=1.0)
    await bus.start()
    try:
        yield BusLoad(bus, redis_url, keys, seed)
    finally:
        await bus.close()

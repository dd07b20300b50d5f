"""Outside books from a venue's socket to a client's, through the whole exchange as it is run."""

import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from aggregator.offline.discovery import load_speakers
from aggregator.offline.server import VenuesServer
from rialto.embedded_redis import choose_port
from shared.feed import book_crc32
from tests.rialto.harness import Started, rialto
from tests.support.deadlines import eventually_async

WHOLE_DEADLINE_S = 60.0  # Six processes start, or stop, one after the other.
BOOK = "book:kraken:spot:BTC/USD"


@pytest.fixture
async def venues() -> AsyncIterator[VenuesServer]:
    server = VenuesServer(load_speakers())
    await server.start("127.0.0.1", 0)
    yield server
    await server.stop()


class Screen:
    """A book as a client has it, proven by the checksum of every message."""

    def __init__(self) -> None:
        self.bids: dict[str, tuple[str, ...]] = {}
        self.asks: dict[str, tuple[str, ...]] = {}
        self.state = ""
        self.messages = 0

    def take(self, said: dict[str, Any]) -> None:
        if said["type"] == "snapshot":
            self.bids, self.asks = {}, {}
        for side, levels in ((self.bids, said["bids"]), (self.asks, said["asks"])):
            for level in levels:
                if level[1] == "0":
                    side.pop(level[0], None)
                else:
                    side[level[0]] = tuple(level)
        bids = sorted(self.bids.values(), key=lambda level: -float(level[0]))
        asks = sorted(self.asks.values(), key=lambda level: float(level[0]))
        assert said["crc32"] == book_crc32(bids, asks)
        if "info" in said:
            self.state = said["info"]["state"]
        assert self.state == "live" or not bids, "what is not live has no levels"
        self.messages += 1

    async def subscribe(self, client: ClientConnection) -> None:
        # The channel is there as soon as the broadcaster has heard of the aggregator.
        async def is_there() -> bool:
            answer = await self._ask(client, op="list")
            return BOOK in answer["available"]

        await eventually_async(is_there, WHOLE_DEADLINE_S)
        answer = await self._ask(client, op="subscribe", channels=[BOOK], interval_ms=0)
        assert answer["op"] == "subscribed", answer

    async def _ask(self, client: ClientConnection, **wish: Any) -> dict[str, Any]:
        await client.send(json.dumps(wish))
        answer: dict[str, Any] = {}
        while "op" not in answer:
            answer = json.loads(await client.recv())
        return answer

    async def until(self, client: ClientConnection, state: str, messages: int = 1) -> None:
        first = self.messages
        async for text in client:
            said = json.loads(text)
            if "crc32" in said:
                self.take(said)
                if self.state == state and self.messages >= first + messages:
                    return


async def ready(started: Started) -> None:
    await eventually_async(lambda: "Rialto is up" in started.output, WHOLE_DEADLINE_S)


async def test_a_client_sees_a_proven_outside_book_also_after_the_aggregator_was_killed(
    tmp_path: Path, venues: VenuesServer
) -> None:
    names = ("API", "ADMIN", "WS", "AGGREGATOR")
    ports = {f"RIALTO_{name}_PORT": str(choose_port()) for name in names}
    settings = {
        **ports,
        "RIALTO_AGGREGATOR_ENABLED": "true",
        "RIALTO_VENUES_ADDRESS": f"127.0.0.1:{venues.port}",
        "RIALTO_STANDBY": "false",
    }
    with rialto(tmp_path, "up", **settings) as started:
        await ready(started)
        screen = Screen()
        async with connect(f"ws://127.0.0.1:{ports['RIALTO_WS_PORT']}/ws") as client:
            await screen.subscribe(client)
            await screen.until(client, "live", messages=20)
            os.kill(started.service("aggregator").pid, signal.SIGKILL)
            again = f"ready again  http://127.0.0.1:{ports['RIALTO_AGGREGATOR_PORT']}"
            await eventually_async(lambda: again in started.output, WHOLE_DEADLINE_S)
            await screen.until(client, "live", messages=5)
        started.signal(signal.SIGINT)
        await eventually_async(lambda: started.process.poll() is not None, WHOLE_DEADLINE_S)
        assert started.ends() == 0, started.output

"""Attacks on a real process: a producer that has lost its mind, and clients that mean harm.

The rule of this file: whatever they do, the others are told the truth, and nothing is left.
"""

import asyncio
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import psutil
import redis

from rialto.embedded_redis import choose_port
from shared.channels import Keys
from shared.publishing import (
    Alive,
    BookChange,
    BookImage,
    ChannelState,
    Kind,
    LogEntries,
    LogEntry,
    LogImage,
    Publication,
    ValueNow,
    encode,
)
from shared.redis_client import connect
from tests.broadcaster.sockets.raw_client import PING, TEXT, RawClient, frame, say
from tests.broadcaster.sockets.test_server_leftovers import is_ready, leftovers, metrics
from tests.support.deadlines import eventually, eventually_async
from tests.support.fake_engine import FakeEngine, venue_with_markets
from tests.support.processes import Service, running_service

KEYS = Keys("test")
PRODUCER = "mad"
CHANNELS = {"book:mad:x": Kind.BOOK, "price:mad": Kind.VALUE, "tape:mad": Kind.LOG}
STOLEN = ("account", "depth:TATA_INR", "bbo:TATA_INR", "depth:*", "account:7", "x" * 1_000_000)
SEQUENCES = (0, 1, 2, 3, 4, 5, 2**62)
TEXTS = ("1", "0", "", "NaN", "-1", "1e999", "\x00", "\u2028", "9" * 1_000)
DATA = (b"", b"{", b"\xff", b'"\xff"', b"1", b'{"a":[1]}', b"[" * 5_000, b'"%s"' % (b"x" * 99_999))
DEPTH = "depth:TATA_INR"
PATIENCE_S = 0.5
ROUNDS = 2_000
WAVES = 3
WAVE_CLIENTS = 40
MEMORY_GROWTH_MAX_BYTES = 20 << 20  # Half a MB for each client of a wave, at its worst.


class Attacked:
    """A broadcaster as a process, and the engine that it follows."""

    def __init__(self, port: int, service: Service, engine: FakeEngine, bus: redis.Redis) -> None:
        self.port, self.service, self.engine, self.bus = port, service, engine, bus

    async def client(self, *channels: object) -> RawClient:
        client = await RawClient.opened(self.port)
        if channels:
            await client.send(say(op="subscribe", channels=channels))
            assert (await client.answer())["op"] == "subscribed"
        return client

    def metrics(self) -> dict[str, int]:
        return metrics(self.port)

    async def go_on(self, number: int, chance: random.Random) -> None:
        """Have the engine commit, and the mad producer say what it has."""
        many = [f"price:mad:{number}:{place}" for place in range(500)]
        self.bus.publish(KEYS.feeds_channel, heartbeat(number + 2, *STOLEN, *many))
        self.bus.publish(KEYS.feeds_channel, chance.randbytes(50))
        self.engine.change_depth("TATA_INR", {100: number + 1})
        self.engine.commit()


@asynccontextmanager
async def attacked(redis_url: str, folder: Path) -> AsyncIterator[Attacked]:
    port, home = choose_port(), folder / "home"
    home.mkdir()
    settings = {"redis_url": redis_url, "ws_port": port, "venue": "test"}
    with connect(redis_url) as bus, redis.Redis.from_url(redis_url) as raw_bus:
        engine = venue_with_markets(bus, KEYS, "TATA")
        with running_service("broadcaster", home, settings) as service:
            eventually(lambda: is_ready(port))
            yield Attacked(port, service, engine, raw_bus)


def madness(chance: random.Random) -> bytes:
    said: Publication
    data = chance.choice(DATA)
    numbers = [chance.choice(SEQUENCES) for _ in range(3)]
    entries = tuple(LogEntry(1, data) for _ in range(chance.randrange(4)))
    levels = tuple(
        (chance.choice((1, 2, -(2**63), 2**64 - 1)), tuple(chance.choices(TEXTS, k=length)))
        for length in (0, 1, 2, 3)
    )
    match chance.randrange(6):
        case 0:
            said = BookImage(numbers[0], numbers[1], levels, (), data)
        case 1:
            said = BookChange(numbers[0], numbers[1], numbers[2], levels, levels, data)
        case 2:
            said = ValueNow(numbers[0], 1, data)
        case 3:
            said = LogImage(numbers[0], entries)
        case 4:
            said = LogEntries(numbers[0], entries)
        case _:
            return chance.randbytes(20)
    return encode(said)


def heartbeat(beat: int, *names: str) -> bytes:
    kinds = {**dict.fromkeys(names, Kind.VALUE), **CHANNELS}
    states = tuple(ChannelState(name, kind, beat % 5, 0) for name, kind in kinds.items())
    return encode(Alive(PRODUCER, 1, beat, states))


async def read_all(client: RawClient) -> list[dict[str, Any]]:
    """Read until the answer to a ping: all is JSON, in UTF-8."""
    await client.send(say(op="ping", id="the end"))
    messages: list[dict[str, Any]] = []
    while True:
        received = await client.next()
        if received.opcode == TEXT:
            messages.append(msgspec.json.decode(received.payload.decode(), strict=True))
            if messages[-1].get("op") == "pong":
                return messages
        assert received.opcode in (TEXT, PING), received


async def test_a_mad_producer_harms_nobody_elses_channels(redis_url: str, tmp_path: Path) -> None:
    seed = random.randrange(1_000_000)
    sys.stdout.write(f"seed {seed}\n")
    chance = random.Random(seed)
    async with attacked(redis_url, tmp_path) as it:
        it.bus.publish(KEYS.feeds_channel, heartbeat(1, *STOLEN))
        await eventually_async(lambda: it.metrics()["outside_channels"] == len(CHANNELS))
        mad, calm = await it.client(*CHANNELS), await it.client(DEPTH)
        await eventually_async(lambda: it.metrics()["upstream_channels"] == len(CHANNELS))
        for number in range(ROUNDS):
            name = chance.choice(tuple(CHANNELS))
            it.bus.publish(KEYS.feed_channel(PRODUCER, name), madness(chance))
            if number % 200 == 0:
                await it.go_on(number, chance)
                await read_all(mad)
        await eventually_async(lambda: it.metrics()["sequence"] == it.engine.sequence)
        told = [message for message in await read_all(calm) if "type" in message]
        assert told[0]["type"] == "snapshot"
        assert all(delta["type"] == "delta" for delta in told[1:])
        ends = [told[0]["sequence"], *(delta["last_sequence"] for delta in told[1:])]
        assert [delta["first_sequence"] - 1 for delta in told[1:]] == ends[:-1]
        assert it.metrics()["outside_unreadable"] > 0
        await calm.send(say(op="list"))
        available = (await calm.answer())["available"]
        assert available.count("account") == available.count(DEPTH) == 1
        assert not set(STOLEN[3:]) & set(available)
        assert "Traceback" not in it.service.log_path.read_text()
        for client in (mad, calm):
            client.close()


async def test_waves_of_greedy_clients_leave_nothing_behind(redis_url: str, tmp_path: Path) -> None:
    async with attacked(redis_url, tmp_path) as it:
        it.bus.publish(KEYS.feeds_channel, heartbeat(1, *(f"price:{n}" for n in range(1_000))))
        await eventually_async(lambda: it.metrics()["outside_channels"] > 1_000)
        memory_bytes = [psutil.Process(it.service.pid).memory_info().rss]
        for _ in range(WAVES):
            greedy = [await RawClient.opened(it.port, small=True) for _ in range(WAVE_CLIENTS)]
            await asyncio.gather(*(take_without_reading(client) for client in greedy))
            memory_bytes.append(psutil.Process(it.service.pid).memory_info().rss)
            for client in greedy:
                client.reset()
            await eventually_async(lambda: leftovers(it.port)[:4] == (0, 0, 0, 0))
        sys.stdout.write(f"{memory_bytes}\n")
        assert memory_bytes[-1] - memory_bytes[0] < MEMORY_GROWTH_MAX_BYTES
        assert "Traceback" not in it.service.log_path.read_text()


async def take_without_reading(client: RawClient) -> None:
    """Ask for as much as may be asked for, until nothing more is taken or it is over."""
    asked = [
        say(op="subscribe", channels=["price:*"] * 1_000),
        say(op="subscribe", channels=["depth:TATA_INR"], interval_ms=1, levels=3),
        say(op="list") * 100,
        say(op="ping", id="x" * 128) * 50,
        frame(TEXT, b"", final=False),
        frame(PING, b"x" * 125) * 500,
    ]
    try:
        async with asyncio.timeout(PATIENCE_S):
            await client.send(*asked)
    except (OSError, TimeoutError):
        pass

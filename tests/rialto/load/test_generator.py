"""The generator against a door of the test's own: nothing is counted that was not answered."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from rialto.load import generator
from rialto.load.generator import generate
from rialto.load.lanes import LoadError
from rialto.load.plan import Kind, Plan

Answer = Callable[[int], tuple[int, bytes]]


class Door:
    """Answers the requests of every connection in turn."""

    def __init__(self) -> None:
        self.answer: Answer = lambda number: (201, b'{"n":%d,"order_id":%d}' % (number, number))
        self.seen = 0
        self.never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.port = 0
        self.pause_s = 0.0
        self.stops_after = 10**9
        self.visits: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.visits.add(task)
        try:
            await self._serve(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
                await reader.readexactly(size)
                self.seen += 1
                if self.seen > self.stops_after:
                    break
                if self.pause_s:
                    await asyncio.wait({self.never}, timeout=self.pause_s)
                status, body = self.answer(self.seen)
                start = b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n" % (status, len(body))
                writer.write(start)
                await writer.drain()  # The answer comes in two parts.
                writer.write(body)


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    door = Door()
    server = await asyncio.start_server(door.serve, "127.0.0.1", 0)
    door.port = server.sockets[0].getsockname()[1]
    async with server:
        yield door
        door.pause_s = 0
        for visit in door.visits:
            visit.cancel()
        await asyncio.gather(*door.visits, return_exceptions=True)


def plan_for(door: Door, count: int, *, connections: int = 4, rate_per_s: int = 0) -> Plan:
    return Plan(
        kind=Kind.ORDER,
        port=door.port,
        tokens=["t"],
        market="A_B",
        prefix="p",
        count=count,
        connections=connections,
        rate_per_s=rate_per_s,
    )


async def test_a_closed_loop_counts_every_answer(door: Door) -> None:
    outcome = await generate(plan_for(door, 100))
    assert (outcome.count, door.seen) == (100, 100)
    assert outcome.statuses == {"201": 100}
    assert sorted(outcome.ns) == list(range(1, 101))
    assert 0 < outcome.p50_us <= outcome.p99_us <= outcome.max_us


async def test_a_refusal_is_counted_and_is_no_order(door: Door) -> None:
    done = door.answer
    door.answer = lambda number: (503, b"{}") if number % 2 else done(number)
    outcome = await generate(plan_for(door, 10))
    assert outcome.statuses == {"503": 5, "201": 5}
    assert len(outcome.ns) == 5


async def test_who_is_late_is_late_for_everybody_who_was_due(door: Door) -> None:
    door.pause_s = 0.05
    outcome = await generate(plan_for(door, 20, connections=1, rate_per_s=1_000))
    # One connection and 50 ms each: the last of twenty that were due at once waits a second.
    assert outcome.max_us > 800_000
    assert outcome.p50_us > 400_000


async def test_a_door_that_closes_ends_it_with_a_sentence(door: Door) -> None:
    door.stops_after = 5
    with pytest.raises(LoadError, match="closed a connection"):
        await generate(plan_for(door, 50))


async def test_a_door_that_falls_silent_ends_it_with_a_sentence(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generator, "PATIENCE_S", 0.05)
    door.pause_s = 60
    with pytest.raises(LoadError, match="never answered"):
        await generate(plan_for(door, 50))

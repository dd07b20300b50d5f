"""A client with a clock: ages of changes, and a channel that comes later."""

import asyncio
import time
from contextlib import suppress

import msgspec
from websockets.asyncio.server import ServerConnection, serve

from rialto.load.outside.watching import Watcher
from tests.support.deadlines import eventually_async


async def test_a_channel_that_is_not_there_yet_is_asked_for_again() -> None:
    asked: list[object] = []

    async def session(socket: ServerConnection) -> None:
        async for wish in socket:
            asked.append(wish)
            if len(asked) == 1:
                await socket.send('{"op":"error","code":"UNKNOWN_CHANNEL"}')
                continue
            age = {"type": "delta", "channel": "book:x", "at_ns": time.time_ns() - 5_000_000}
            for said in (
                {"op": "subscribed"},
                {"type": "snapshot", "channel": "book:x", "at_ns": 1},
                age,
                {"type": "delta", "channel": "book:consolidated:x", "at_ns": 1},
                {"type": "value", "channel": "metrics", "at_ns": 1, "data": {"a": 1}},
                {"type": "snapshot", "channel": "book:x", "reason": "lagged"},
            ):
                await socket.send(msgspec.json.encode(said).decode())

    watcher = Watcher()
    async with serve(session, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"ws://127.0.0.1:{port}"
        task = asyncio.create_task(watcher.watch(url, ["book:x", "metrics"], keeps_ages=True))
        await eventually_async(lambda: watcher.repaired == 1)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert len(asked) == 2
    [age_ns] = watcher.ages_ns
    assert age_ns >= 5_000_000, "of the change, not of a snapshot, nor of what gathers on purpose"
    assert watcher.latest == {"metrics": b'{"a":1}'}

"""How connections end for the server's own reasons, and what is left of them."""

import asyncio
import gc

import pytest

from broadcaster.clients.limits import ConnectionCount
from broadcaster.sockets import server
from broadcaster.sockets.common import SPARE_SOCKETS_MAX
from broadcaster.sockets.connection import Connection
from tests.broadcaster.sockets.raw_client import CLOSE, TEXT, frame, request, say
from tests.broadcaster.sockets.serving import serving
from tests.support.deadlines import eventually_async


async def test_a_stop_tells_everybody_when_to_come_back_and_not_all_at_once() -> None:
    async with serving() as it:
        clients = [await it.client(subscribed=True) for _ in range(30)]
        it.numbers.say_next()
        stopped = asyncio.create_task(it.server.close())
        hints = set()
        for client in clients:
            while (closing := (await client.until(TEXT)).message).get("op") != "closing":
                assert "number" in closing or "snapshot" in closing
            goodbye = await client.next()
            hint = closing["reconnect_after_ms"]
            assert goodbye.close_code == closing["code"] == 1012
            assert f"reconnect after {hint} ms" in goodbye.payload[2:].decode()
            assert 0 <= hint < server.RECONNECT_AFTER_MS_MAX
            hints.add(hint)
            await client.send(frame(CLOSE, goodbye.payload))
            assert await client.rest() == b""
            client.close()
        assert len(hints) > 5
        await stopped
        assert it.server.connection_count == 0


async def test_a_stop_waits_for_nobody_who_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "SHUTDOWN_S", 0.3)
    async with serving() as it:
        silent = await it.client()
        half_open = await it.visitor(request()[:50])
        stalled = await it.client(small=True, subscribed=True)
        while not it.server.lagged_count:
            it.numbers.say_next(ballast_bytes=20_000)
            await asyncio.sleep(0)
        await it.server.close()
        assert await half_open.rest() == b""
        assert (await silent.until(CLOSE)).close_code == 1012
        assert await silent.rest() == b""
        await stalled.rest()
        assert it.server.connection_count == 0
        assert not it.numbers.views


async def test_nobody_gets_in_any_more_after_a_stop() -> None:
    async with serving() as it:
        await it.server.close()
        with pytest.raises(ConnectionRefusedError):
            await it.visitor()


async def test_sockets_beyond_all_bounds_are_dropped_without_a_word() -> None:
    async with serving(connections=ConnectionCount(connections_max=1)) as it:
        first = await it.client(subscribed=True)
        silent = [await it.visitor() for _ in range(SPARE_SOCKETS_MAX)]
        too_many = await it.visitor()
        assert await too_many.rest() == b""
        for visitor in silent:
            visitor.close()
        first.close()
        await it.alone()
        assert (await it.metrics())['refused_total{reason="TOO_MANY_SOCKETS"}'] == 1
        assert (await it.client()) is not None


async def test_what_has_ended_is_freed_without_a_collection() -> None:
    async with serving() as it:
        gc.collect()
        gc.disable()
        try:
            for number in range(10):
                client = await it.client(subscribed=True)
                await client.send(say(op="auth", token="account-7"))
                await client.send(say(op="subscribe", channels=["account"]))
                await client.answer()
                await client.answer()
                if number % 2:
                    client.reset()
                else:
                    client.close()
                await it.page(request("/else"))
            await it.alone()
            await eventually_async(lambda: connections_alive() == 0)
        finally:
            gc.enable()


def connections_alive() -> int:
    return sum(isinstance(one, Connection) for one in gc.get_objects())


async def test_the_metrics_say_what_was_done() -> None:
    async with serving() as it:
        client = await it.client(subscribed=True)
        await client.until(TEXT)
        for _ in range(3):
            it.numbers.say_next()
        while (await client.until(TEXT)).message.get("number") != 3:
            pass
        metrics = await it.metrics()
        assert metrics["connections"] == metrics["connections_total"] == 1
        assert metrics["subscriptions"] == 1
        assert metrics["messages_received_total"] == 1
        assert metrics["messages_sent_total"] == 5
        assert metrics["bytes_sent_total"] > 5 * 10
        assert 2 <= metrics["writes_total"] <= 5
        assert metrics["sockets"] == 2
        assert metrics["lagged_total"] == 0
        assert metrics["loop_lag_max_us"] >= 0
        assert metrics["open_descriptors"] > 5

"""A connection that is read in chunks: every reply as it was sent, and an end that is told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import redis

from shared.redis_line import CHUNK_BYTES, Line
from tests.support.deadlines import DEADLINE_S
from tests.support.tcp_proxy import tcp_proxy


@asynccontextmanager
async def a_line(redis_url: str) -> AsyncIterator[Line]:
    line = Line(redis_url)
    try:
        await line.open()
        yield line
    finally:
        await line.close()


async def test_replies_of_every_kind_come_as_they_were_sent(redis_url: str) -> None:
    async with a_line(redis_url) as line:
        replies = await line.ask(
            [
                ("SET", "key", b"\x00\xff"),
                ("GET", "key"),
                ("GET", "nothing"),
                ("PUBLISH", "nobody", "listens"),
                ("MGET", "key", "nothing"),
                ("STRLEN", "key"),
            ],
            DEADLINE_S,
        )
        assert replies == [b"OK", b"\x00\xff", None, 0, [b"\x00\xff", None], 2]


async def test_replies_longer_than_a_chunk_come_whole(redis_url: str) -> None:
    big = bytes(range(256)) * (CHUNK_BYTES // 64)
    async with a_line(redis_url) as line:
        assert await line.ask([("SET", "key", big), ("GET", "key")], DEADLINE_S) == [b"OK", big]
        many = await line.ask([("GET", "key")] * 5 + [("PING",)] * 5_000, DEADLINE_S)
        assert many == [big] * 5 + [b"PONG"] * 5_000


async def test_an_error_of_redis_is_raised_and_the_line_goes_on(redis_url: str) -> None:
    async with a_line(redis_url) as line:
        with pytest.raises(redis.ResponseError, match="unknown command"):
            await line.ask([("PING",), ("NONSENSE",), ("PING",)], DEADLINE_S)
        assert await line.ask([("PING",)], DEADLINE_S) == [b"PONG"]


async def test_silence_is_none(redis_url: str) -> None:
    async with a_line(redis_url) as line:
        assert await line.read(0.01) is None


async def test_what_the_system_does_not_take_is_not_called_written(redis_url: str) -> None:
    big = ("SET", "key", bytes(1 << 20))
    async with tcp_proxy(redis_url) as proxy, a_line(proxy.url) as line:
        assert line.send(("PING",))
        assert await line.read(DEADLINE_S) == [b"PONG"]
        # given a Redis that takes nothing, until the system is full
        proxy.passing.clear()
        count = next(number for number in range(1, 200) if not line.send(big))
        assert not line.send(("PING",)), "it waits behind the others"
        # when Redis takes it all, then what is sent is written again
        proxy.passing.set()
        replies: list[object] = []
        while len(replies) <= count:
            replies += await line.read(DEADLINE_S) or ()
        assert replies == [b"OK"] * count + [b"PONG"]
        assert line.send(("PING",))


async def test_a_line_that_ended_is_told_by_reading_and_by_sending(
    redis_url: str,
) -> None:
    async with tcp_proxy(redis_url) as proxy, a_line(proxy.url) as line:
        proxy.cut()
        with pytest.raises((redis.ConnectionError, OSError)):
            await line.read(DEADLINE_S)
        for _ in range(3):
            assert not line.send(("PING",))
        with pytest.raises((redis.ConnectionError, OSError)):
            await line.read(DEADLINE_S)


async def test_what_does_not_answer_is_a_connection_error(redis_url: str) -> None:
    async with tcp_proxy(redis_url) as proxy, a_line(proxy.url) as line:
        proxy.passing.clear()
        with pytest.raises(redis.ConnectionError, match="does not answer"):
            await line.ask([("PING",)], 0.05)


async def test_a_line_that_is_not_open_says_so(redis_url: str) -> None:
    line = Line(redis_url)
    assert not line.send(("PING",))
    with pytest.raises(redis.ConnectionError, match="closed"):
        await line.read(DEADLINE_S)
    await line.close()


async def test_a_redis_that_is_not_there_is_told_by_opening() -> None:
    line = Line("redis://127.0.0.1:9/0")
    with pytest.raises((redis.ConnectionError, OSError)):
        await line.open()
    await line.close()

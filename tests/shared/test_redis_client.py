"""Reaching Redis: a command whose reply is lost is an error and has one effect, never two."""

import asyncio

import pytest
import redis

from shared.redis_client import connect, connect_async, limits_url
from tests.support.tcp_proxy import tcp_proxy

# Nothing listens there: it is the discard port.
NOBODY_URL = "redis://127.0.0.1:9/0"


@pytest.mark.parametrize("options", ["", "?retry_on_timeout=true"])
async def test_an_asyncio_write_with_a_lost_reply_is_an_error_and_done_once(
    options: str, redis_url: str
) -> None:
    async with tcp_proxy(redis_url) as proxy:
        client = connect_async(proxy.url + options)
        assert await client.incr("count") == 1
        proxy.lose_next_reply = True
        with pytest.raises(redis.ConnectionError):
            await client.incr("count")
        assert await client.get("count") == b"2"
        await client.aclose()


async def test_a_synchronous_write_with_a_lost_reply_is_an_error_and_done_once(
    redis_url: str,
) -> None:
    async with tcp_proxy(redis_url) as proxy:
        client = connect(proxy.url)
        assert await asyncio.to_thread(client.incr, "count") == 1
        proxy.lose_next_reply = True
        with pytest.raises(redis.ConnectionError):
            await asyncio.to_thread(client.incr, "count")
        assert await asyncio.to_thread(client.get, "count") == b"2"
        client.close()


@pytest.mark.parametrize("options", ["", "?retry_on_timeout=true"])
async def test_a_write_whose_reply_is_late_times_out_and_is_done_once(
    options: str, redis_url: str
) -> None:
    async with tcp_proxy(redis_url) as proxy:
        client = connect_async(proxy.url + options, timeout_s=0.2)
        assert await client.incr("count") == 1
        proxy.passing.clear()
        with pytest.raises(redis.TimeoutError):
            await client.incr("count")
        proxy.passing.set()
        assert await client.get("count") == b"2"
        await client.aclose()


async def test_a_pipeline_with_a_lost_reply_is_an_error_and_done_once(redis_url: str) -> None:
    async with tcp_proxy(redis_url) as proxy:
        client = connect_async(proxy.url)
        await client.ping()
        proxy.lose_next_reply = True
        pipeline = client.pipeline(transaction=False)
        for _ in range(2):
            pipeline.incr("count")
        with pytest.raises(redis.ConnectionError):
            await pipeline.execute()
        assert await client.get("count") == b"2"
        await client.aclose()


async def test_a_refused_connection_is_an_error_at_once() -> None:
    client = connect_async(NOBODY_URL)
    with pytest.raises(redis.ConnectionError):
        await client.ping()
    await client.aclose()
    with connect(NOBODY_URL) as synchronous, pytest.raises(redis.ConnectionError):
        synchronous.ping()


async def test_more_callers_than_connections_wait_for_one(redis_url: str) -> None:
    client = connect_async(redis_url, pool_size_max=2)
    counts = await asyncio.gather(*(client.incr("count") for _ in range(50)))
    assert sorted(counts) == list(range(1, 51))
    assert len(await client.client_list()) <= 2
    await client.aclose()


async def test_values_are_bytes_both_ways(redis_url: str) -> None:
    client = connect_async(redis_url)
    await client.set("key", b"\xff\x00")
    assert await client.get("key") == b"\xff\x00"
    await client.aclose()


@pytest.mark.parametrize(
    ("redis_url", "expected"),
    [
        ("redis://127.0.0.1:6379", "redis://127.0.0.1:6379/1"),
        ("redis://127.0.0.1:6379/", "redis://127.0.0.1:6379/1"),
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/1"),
        ("redis://user:p%40ss@redis:6379/5", "redis://user:p%40ss@redis:6379/1"),
        ("rediss://redis/0?ssl_cert_reqs=none", "rediss://redis/1?ssl_cert_reqs=none"),
        ("redis://redis:6379?db=3", "redis://redis:6379/1?db=1"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock?db=1"),
        ("unix:///run/redis.sock?db=0", "unix:///run/redis.sock?db=1"),
        ("unix://user:pass@/run/redis.sock", "unix://user:pass@/run/redis.sock?db=1"),
    ],
)
def test_limits_are_beside_the_ledger(redis_url: str, expected: str) -> None:
    assert limits_url(redis_url, "") == expected
    before, after = (connect(url).get_connection_kwargs() for url in (redis_url, expected))
    assert after["db"] == 1
    for name in ("host", "port", "path", "username", "password"):
        assert after.get(name) == before.get(name)


def test_limits_are_where_a_setting_says() -> None:
    assert limits_url("redis://ledger", "redis://limits/7") == "redis://limits/7"


async def test_a_connection_that_ended_under_its_writer_is_an_error_of_redis(
    redis_url: str,
) -> None:
    client = connect_async(redis_url)
    await client.set("count", 1)
    connection = await client.connection_pool.get_connection()

    class Ended:
        """A writer of uvloop whose transport is closed."""

        def writelines(self, _parts: object) -> None:
            raise RuntimeError("unable to perform operation on a closed transport")

        def close(self) -> None:
            pass

    connection._writer.close()
    connection._writer = Ended()
    await client.connection_pool.release(connection)
    with pytest.raises(redis.ConnectionError):
        await client.incr("count")
    assert await client.incr("count") == 2
    await client.aclose()

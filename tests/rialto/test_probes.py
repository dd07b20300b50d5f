"""When a service counts as ready."""

import contextlib

from rialto.probes import EngineProbe
from shared.channels import Keys
from shared.redis_client import connect

KEYS = Keys("probed")


def acquire(redis_url: str, epoch: int) -> None:
    with contextlib.closing(connect(redis_url)) as client:
        client.set(KEYS.lease, "owner")
        client.hset(KEYS.meta, "epoch", str(epoch))


async def test_the_first_engine_is_ready_when_it_holds_the_lease(redis_url: str) -> None:
    probe = EngineProbe(redis_url, KEYS)
    await probe.before_start()
    assert not await probe.ready()
    acquire(redis_url, 1)
    assert await probe.ready()


async def test_the_lease_of_a_dead_engine_does_not_make_the_next_one_ready(redis_url: str) -> None:
    acquire(redis_url, 7)
    probe = EngineProbe(redis_url, KEYS)
    await probe.before_start()
    assert not await probe.ready()
    acquire(redis_url, 8)
    assert await probe.ready()
    await probe.before_start()
    assert not await probe.ready()


async def test_an_engine_that_stands_by_another_is_ready(redis_url: str) -> None:
    acquire(redis_url, 7)
    probe, own = (EngineProbe(redis_url, KEYS, name) for name in ("another", "owner"))
    for each in (probe, own):
        await each.before_start()
    assert await probe.ready()
    assert not await own.ready(), "its own lease may be that of its dead self"


async def test_a_redis_that_does_not_answer_means_not_ready(redis_url: str) -> None:
    probe = EngineProbe("redis://127.0.0.1:1/0", KEYS)
    await probe.before_start()
    assert not await probe.ready()

"""A standby as a process: it goes on from its memory when the engine dies, and stops a venue that
somebody has tampered with.

The rule of this file: engines are killed, frozen and lied to under load; what the senders were told
is checked against a replay at the end.
"""

import contextlib
import signal
from random import Random

from engine.redis_link import RedisLink
from shared.redis_client import connect
from tests.support.bus_load import PROGRESS_DEADLINE_S, opened_load
from tests.support.deadlines import eventually_async
from tests.support.engines import KEYS, VENUE, Engines, changed_hands, ended, epoch, follows
from tests.support.processes import Service

ANSWERS = 25
ROUNDS = 6
TAKEN_OVER = "taken_over_from_memory"


def halt_of(redis_url: str) -> str:
    with connect(redis_url) as client:
        reason = client.hget(KEYS.meta, "halt")
    return reason.decode() if isinstance(reason, bytes) else ""


async def test_whichever_engine_dies_the_other_goes_on_from_its_memory(
    engines: Engines, seed: int
) -> None:
    random = Random(seed)
    async with opened_load(engines.redis_url, VENUE, seed) as load:
        active = engines.make("engine-a", owner="a")
        active.start()
        await load.open_venue()
        standby = engines.make("engine-b", owner="b")
        standby.start()
        owners = {"engine-a": "a", "engine-b": "b"}
        async with load.working():
            for _ in range(ROUNDS):
                await follows(engines.redis_url, owners[standby.name])
                await load.progress(ANSWERS)
                before = epoch(engines.redis_url)
                if random.random() < 0.5:
                    active.kill()
                else:
                    await freeze(active, engines.redis_url, before)
                await changed_hands(engines.redis_url, before)
                await load.progress(ANSWERS)
                active.start()
                active, standby = standby, active
        await load.check()
    taken_over = active.log_path.read_text() + standby.log_path.read_text()
    assert taken_over.count(TAKEN_OVER) == ROUNDS
    assert halt_of(engines.redis_url) == ""


async def freeze(active: Service, redis_url: str, before: int) -> None:
    """Stop an engine until another one has the lease; awake again it must find itself fenced."""
    active.signal(signal.SIGSTOP)
    await changed_hands(redis_url, before)
    active.signal(signal.SIGCONT)
    await ended(active)
    assert "fenced" in active.log_tail()


async def test_a_row_that_somebody_changed_halts_the_venue_until_it_is_resumed(
    engines: Engines, seed: int
) -> None:
    async with opened_load(engines.redis_url, VENUE, seed) as load:
        engines.make("engine-a", owner="a").start()
        await load.open_venue()
        engines.make("engine-b", owner="b").start()
        await follows(engines.redis_url, "b")
        async with load.working():
            await load.progress(ANSWERS)
            with connect(engines.redis_url) as client:
                client.hset(KEYS.balances, "999:INR", "1000000 0")
                await eventually_async(lambda: halt_of(engines.redis_url), PROGRESS_DEADLINE_S)
                assert "999:INR" in halt_of(engines.redis_url)
                assert "standby" in halt_of(engines.redis_url)
                client.hdel(KEYS.balances, "999:INR")
            with contextlib.closing(RedisLink(engines.redis_url)) as link:
                link.open()
                assert link.run("resume", [KEYS.meta, KEYS.attempts], [])
            await load.progress(ANSWERS)
        await load.check()
    assert halt_of(engines.redis_url) == ""

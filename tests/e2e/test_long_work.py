"""One command that takes far longer than the lease: the engine that has begun it ends it.

The rule of this file: engine and standby are processes that are really busy for as long.
"""

import psutil

from shared.messages import Deposit
from shared.redis_client import connect
from tests.support.bus_load import PROGRESS_DEADLINE_S, opened_load
from tests.support.deadlines import eventually_async
from tests.support.engines import KEYS, VENUE, Engines, epoch, follows, note_of
from tests.support.processes import Service
from tests.support.slow_engine import REFERENCE, WORK_S

LEASE_TTL_MS = 600
SLOW = Deposit(
    account_id=1, asset="INR", amount_atoms=5, reference=REFERENCE, idempotency_key="slow"
)
assert WORK_S * 1_000 > 4 * LEASE_TTL_MS, "the work outlasts several leases"


def slow_engine(engines: Engines, owner: str) -> Service:
    engine = engines.make(
        f"engine-{owner}",
        owner=owner,
        program="tests.support.slow_engine",
        lease_ttl_ms=LEASE_TTL_MS,
    )
    engine.start()
    return engine


async def test_nobody_takes_over_from_an_engine_that_is_only_busy(
    engines: Engines, seed: int
) -> None:
    async with opened_load(engines.redis_url, VENUE, seed) as load:
        active = slow_engine(engines, "a")
        await load.open_venue()
        standby = slow_engine(engines, "b")
        await follows(engines.redis_url, "b")
        before = epoch(engines.redis_url)
        await load.settle(SLOW)
        await eventually_async(lambda: is_up_to_date(engines.redis_url), PROGRESS_DEADLINE_S)
        assert epoch(engines.redis_url) == before, "the lease was kept"
        assert active.is_running
        assert standby.is_running
        assert load.answers[1, "slow"][1].code is None
        replayed = await load.check()
        deposits = [event for events in replayed.events.values() for event in events]
        assert sum(getattr(event, "reference", "") == REFERENCE for event in deposits) == 1


def is_up_to_date(redis_url: str) -> bool:
    """Whether the standby has followed everything that was committed."""
    with connect(redis_url) as client:
        position = int(client.hget(KEYS.meta, "position") or 0)
    note = note_of(redis_url)
    assert note is not None, "a standby that is only busy is not taken for dead"
    return note.position == position


async def test_an_engine_that_stands_by_has_no_second_thread(engines: Engines, seed: int) -> None:
    async with opened_load(engines.redis_url, VENUE, seed) as load:
        active = engines.make("engine-a", owner="a")
        active.start()
        await load.open_venue()
        standby = engines.make("engine-b", owner="b")
        standby.start()
        await follows(engines.redis_url, "b")
        assert threads_of(active) == 2, "it works, and keeps its lease while it does"
        assert threads_of(standby) == 1, "a process that forks must have one"


def threads_of(engine: Service) -> int:
    return int(psutil.Process(engine.pid).num_threads())

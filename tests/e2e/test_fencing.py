"""Two engines on one venue: whatever they do, one of them commits and the other ends.

The rule of this file: both are real processes, and what both wrote is replayed at the end.
"""

import signal

from tests.support.bus_load import PROGRESS_DEADLINE_S, opened_load
from tests.support.deadlines import eventually_async
from tests.support.engines import VENUE, Engines, changed_hands, delete_lease, ended, epoch
from tests.support.processes import Service

ROUNDS = 3
ANSWERS = 25  # So much is done before and after each change of hands.
EXIT_FAILED = 1


async def _ends_fenced(engine: Service) -> None:
    assert await ended(engine) == EXIT_FAILED, engine.log_tail()
    assert "fenced" in engine.log_tail()


async def test_a_frozen_engine_that_wakes_after_a_takeover_is_fenced(
    engines: Engines, seed: int
) -> None:
    async with opened_load(engines.redis_url, VENUE, seed) as load:
        owner = engines.make("engine-0")
        owner.start()
        await load.open_venue()
        async with load.working():
            for number in range(1, ROUNDS + 1):
                standby = engines.make(f"engine-{number}")
                standby.start()
                await load.progress(ANSWERS)
                before = epoch(engines.redis_url)
                owner.signal(signal.SIGSTOP)
                await changed_hands(engines.redis_url, before)
                await load.progress(ANSWERS)
                owner.signal(signal.SIGCONT)
                await _ends_fenced(owner)
                owner = standby
            await load.progress(ANSWERS)
        await load.check()


async def test_of_two_engines_without_a_lease_one_commits_and_one_is_fenced(
    engines: Engines, seed: int
) -> None:
    both = [engines.make(f"engine-{number}") for number in range(2)]
    for engine in both:
        engine.start()
    async with opened_load(engines.redis_url, VENUE, seed) as load:
        await load.open_venue()
        async with load.working():
            await load.progress(ANSWERS)
            before = epoch(engines.redis_url)

            def taken_over() -> bool:
                delete_lease(engines.redis_url)
                return epoch(engines.redis_url) > before

            await eventually_async(taken_over, PROGRESS_DEADLINE_S)
            await eventually_async(
                lambda: not all(engine.is_running for engine in both), PROGRESS_DEADLINE_S
            )
            fenced = next(engine for engine in both if not engine.is_running)
            await _ends_fenced(fenced)
            await load.progress(ANSWERS)
        await load.check()
        assert sum(engine.is_running for engine in both) == 1

"""The engine dies at every named step of its work, under load; nothing is lost or done twice.

The rule of this file: no HTTP and no chance about the moment; the step is named, the kill is real.
"""

import signal

import pytest

from engine.failpoints import STEPS
from tests.support.bus_load import opened_load
from tests.support.engines import VENUE, Engines, ended

# The first two happen once in a life. The others come again with each batch, and an engine that
# dies before its first commit three times in a row halts the venue, which is another test.
TIMES = {"acquired": (1, 1, 1), "loaded": (1, 1, 1)}
LATER_TIMES = (2, 3, 5)
ANSWERS = 30  # After the last death, so that the checks see a venue at work again.


@pytest.mark.parametrize("step", STEPS)
async def test_an_engine_that_dies_at_a_step_loses_and_repeats_nothing(
    step: str, engines: Engines, seed: int
) -> None:
    async with opened_load(engines.redis_url, VENUE, seed) as load:
        engine = engines.make("first", owner="home")
        engine.start()
        await load.open_venue()
        engine.kill()
        async with load.working():
            for number, times in enumerate(TIMES.get(step, LATER_TIMES)):
                mortal = engines.make(f"{step}-{number}", owner="home", failpoint=f"{step}:{times}")
                mortal.start()
                assert await ended(mortal) == -signal.SIGKILL, mortal.log_tail()
            engine.start()
            await load.progress(ANSWERS)
        await load.check()

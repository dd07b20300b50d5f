"""Every service is killed at random moments while clients trade; nothing is lost or done twice.

The rule of this file: what was acknowledged is judged from outside; `tests.e2e.campaign` runs the
same for as long as one likes.
"""

from pathlib import Path

import pytest

from tests.e2e.campaign import run_campaign
from tests.support.redis_server import RedisServer

KILLS_EACH = 20
DEADLINE_S = 600  # For a machine much slower than two cores; it takes about one minute there.
DEFINITE_MIN = 200  # Fewer answers would prove little.
MONEY_MIN = 50


@pytest.mark.timeout(DEADLINE_S)
async def test_nothing_is_lost_or_done_twice_while_everything_is_killed(
    redis_server: RedisServer, tmp_path: Path, seed: int
) -> None:
    figures = await run_campaign(redis_server, tmp_path, seed=seed, kills_each=KILLS_EACH)
    for name in ("engine", "standby", "api", "broadcaster", "history", "redis"):
        assert figures[f"{name} kills"] == KILLS_EACH
    assert figures["definite"] >= DEFINITE_MIN
    assert figures["replayed"] > 0
    assert figures["disconnected"] > 0
    assert figures["money requests"] >= MONEY_MIN
    assert sum(figures[f"withdrawals {end}"] for end in ("settled", "refused", "cancelled")) > 0
    assert figures["takeovers from memory"] > 0

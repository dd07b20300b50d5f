"""A kill campaign of any length: `python -m tests.e2e.campaign --kills 1000 --seed 7`.

The rule of this file: it prints the seed first and figures last; every check of `make test` is in
between. The exchange's logs stay in the folder that it names when something fails.
"""

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

from tests.conftest import redis_binaries
from tests.support.campaign import opened_campaign, run_kills
from tests.support.campaign_checks import check_all
from tests.support.campaign_system import running_system
from tests.support.redis_server import RedisServer, running_redis

SEED_MAX = 2**32


async def run_campaign(
    redis: RedisServer, folder: Path, *, seed: int, kills_each: int
) -> dict[str, int]:
    """Kill each service so often under load, check everything, and return the figures."""
    async with (
        running_system(redis, folder) as system,
        opened_campaign(system, seed) as (campaign, bus),
    ):
        try:
            await run_kills(campaign, bus, kills_each)
            return await check_all(campaign, bus)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error


def main() -> int:
    """Run one campaign as the command line says; return the exit code."""
    parser = argparse.ArgumentParser(description="Kill every service under load, then check.")
    parser.add_argument("--kills", type=int, default=100, help="of each service")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(SEED_MAX))
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="rialto-campaign-"))
    sys.stdout.write(f"seed {options.seed}, files in {folder}\n")
    (folder / "redis").mkdir()
    with running_redis(redis_binaries()[0], folder / "redis") as redis:
        figures = asyncio.run(
            run_campaign(redis, folder, seed=options.seed, kills_each=options.kills)
        )
    for name, value in figures.items():
        sys.stdout.write(f"{name:>20} {value}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

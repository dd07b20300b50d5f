"""Recorders, their databases, Redis and engines die at random moments; no row is lost or doubled.

What ought to be stored is projected in memory, from the whole archive at once.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.history_campaign import Campaign, running_campaign, trading
from tests.support.memory_history import Tables, projected
from tests.support.postgres import MortalPostgres, NoPostgresError, Postgres, mortal_postgres
from tests.support.redis_server import RedisServer

KILLS = 20
SHORT_EVERY = 3  # So many lives, all but one of which write something.
DATABASE_KILLS = 5
REDIS_KILLS = 3
SQLITE, POSTGRESQL = "sqlite", "postgresql"


@pytest.fixture
def campaign(redis_server: RedisServer, tmp_path: Path, seed: int) -> Campaign:
    return Campaign(redis_server, tmp_path, seed)


@pytest.fixture
def mortal() -> Iterator[MortalPostgres]:
    try:
        running = mortal_postgres()
        server = running.__enter__()
    except NoPostgresError as error:
        pytest.skip(str(error))
    yield server
    running.__exit__(None, None, None)


async def check_all_rows(campaign: Campaign) -> None:
    """Every recorder has what the archive comes to, row by row."""
    events = await campaign.settled()
    wanted = projected(events)
    for name in campaign.recorders:
        stored = await campaign.written(name, events[-1].n)
        assert_same(stored, wanted)
    assert all(wanted.values()), "some table has no rows"


def assert_same(stored: Tables, wanted: Tables) -> None:
    for name, rows in wanted.items():
        assert len(stored[name]) == len(rows), f"{name}: {len(stored[name])} for {len(rows)} rows"
        different = [pair for pair in zip(stored[name], rows, strict=True) if pair[0] != pair[1]]
        assert not different, f"{name}: {different[0]}"


async def kill(campaign: Campaign, name: str) -> None:
    for life in range(KILLS):
        await campaign.live(name, is_short=life % SHORT_EVERY == 0)
        campaign.recorders[name].kill()


async def test_recorders_that_are_killed_again_and_again_lose_and_double_nothing(
    campaign: Campaign, postgres: Postgres
) -> None:
    # given
    campaign.add_recorder(SQLITE, "")
    campaign.add_recorder(POSTGRESQL, postgres.fresh())
    async with running_campaign(campaign), trading(campaign):
        # when
        await asyncio.gather(*(kill(campaign, name) for name in campaign.recorders))
    async with running_campaign(campaign):
        # then
        await check_all_rows(campaign)


async def test_a_database_that_is_killed_again_and_again_gets_every_row_once(
    campaign: Campaign, mortal: MortalPostgres
) -> None:
    # given
    campaign.add_recorder(POSTGRESQL, mortal.cluster.fresh())
    async with running_campaign(campaign):
        async with trading(campaign):
            await campaign.live(POSTGRESQL)
            for _ in range(DATABASE_KILLS):
                # when
                await campaign.pause()
                mortal.kill()
                await campaign.pause()
                mortal.start()
        # then
        await check_all_rows(campaign)


async def test_redis_and_engines_die_and_the_history_is_whole(campaign: Campaign) -> None:
    # given
    campaign.add_standby()
    campaign.add_recorder(SQLITE, "")
    async with running_campaign(campaign):
        async with trading(campaign):
            await campaign.live(SQLITE)
            pid = campaign.recorders[SQLITE].pid
            for _ in range(REDIS_KILLS):
                # when
                await campaign.pause()
                campaign.redis.kill()
                await campaign.pause()
                campaign.redis.start()
            await campaign.takeover()
        # then
        await check_all_rows(campaign)
        assert campaign.recorders[SQLITE].pid == pid, "the recorder has not lived through it"

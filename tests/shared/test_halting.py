"""Halting a venue without an engine: once, with the first reason, and never in doubt unsaid."""

from collections.abc import AsyncIterator

import pytest

from shared.channels import Keys
from shared.halting import NotHeard, NotReached, VenueSwitch
from shared.redis_client import connect

KEYS = Keys("rialto")


@pytest.fixture
async def switch(redis_url: str) -> AsyncIterator[VenueSwitch]:
    switch = VenueSwitch(redis_url, KEYS)
    yield switch
    await switch.close()


async def test_a_new_venue_stands_at_nothing(switch: VenueSwitch) -> None:
    standing = await switch.standing()
    assert (standing.position, standing.waiting, standing.halt) == (0, 0, "")
    assert not standing.is_alive


async def test_a_venue_is_halted_once_and_the_first_reason_stays(switch: VenueSwitch) -> None:
    assert await switch.halt("a fire")
    assert not await switch.halt("a flood")
    assert (await switch.standing()).halt == "a fire"
    assert await switch.resume()
    assert not await switch.resume()
    assert (await switch.standing()).halt == ""


async def test_an_operators_halt_is_about_no_entry_and_its_end_forgets_deaths(
    switch: VenueSwitch, redis_url: str
) -> None:
    with connect(redis_url) as redis:
        redis.hset(KEYS.meta, mapping={"halt": "entry 7 kills", "halted_n": 7, "position": 6})
        redis.hset(KEYS.attempts, mapping={"n": 7, "count": 3})
        assert (await switch.standing()).halted_n == 7
        assert await switch.resume()
        assert redis.exists(KEYS.attempts) == 0
        assert redis.hget(KEYS.meta, "lifts") == b"1"
        await switch.halt("a fire")
        assert (await switch.standing()).halted_n == 0


async def test_a_server_that_lost_its_scripts_is_given_them_again(
    switch: VenueSwitch, redis_url: str
) -> None:
    await switch.halt("a fire")
    with connect(redis_url) as redis:
        redis.script_flush()
    assert await switch.resume()


async def test_without_redis_nothing_was_done(redis_url: str) -> None:
    switch = VenueSwitch("redis://127.0.0.1:1", KEYS)
    for ask in (switch.standing(), switch.halt("a fire"), switch.resume()):
        with pytest.raises(NotReached):
            await ask
    await switch.close()


async def test_an_answer_that_never_comes_is_not_taken_for_a_no(
    switch: VenueSwitch, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(*_arguments: object) -> None:
        raise ConnectionResetError

    with monkeypatch.context() as patch:
        patch.setattr(switch._client, "execute_command", lost)
        patch.setattr(switch._client, "info", version)
        with pytest.raises(NotHeard):
            await switch.halt("a fire")
    assert await switch.halt("a fire")


async def version(_section: str) -> dict[str, str]:
    return {"redis_version": "7.0.15"}

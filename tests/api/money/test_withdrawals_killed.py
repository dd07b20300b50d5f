"""Gateways that are killed at any step, and several at one withdrawal at once.

The rule of this file: whatever is done to a database, a ledger or a journal counts as a step, and a
gateway may die before it and after it.
"""

import asyncio
import contextlib
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from api.edge.errors import ApiError
from api.money.withdrawal_rows import ENDING, Claim, Decision, WithdrawalRows
from api.money.withdrawals import Told, Wish, Withdrawals
from api.sql.database import open_database
from shared.bus import CommandBus
from shared.outcomes import Accepted, Unknown
from tests.api.money.engine_of_withdrawals import (
    NOT_ACCEPTED,
    FakeEngine,
    FakeStore,
    ledger_of,
)

WISH = Wish(7, "key", "INR", 100, "bank")
STEPS_MAX = 60  # More than any run takes; the test says so.
SEEDS = 20
OPERATORS = 4
LOSS_RATE = 0.3
KILL_RATE = 0.4


class KilledError(BaseException):
    """The process has ended; no handler of errors sees that."""


@dataclass
class Fate:
    """Kills at one step, and lets others go first at any."""

    kill_at: int
    random: Random | None = None
    steps: int = 0

    async def step(self) -> None:
        self.steps += 1
        if self.steps == self.kill_at:
            raise KilledError
        for _ in range(self.random.randrange(4) if self.random else 0):
            await asyncio.sleep(0)


class Mortal:
    """Another object, whose every call is two steps: before its effect and after it."""

    def __init__(self, inner: object, fate: Fate) -> None:
        self._inner = inner
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not inspect.iscoroutinefunction(found):
            return found

        async def called(*args: object, **named: object) -> object:
            await self._fate.step()
            result = await found(*args, **named)
            await self._fate.step()
            return result

        return called


@dataclass
class World:
    engine: FakeEngine
    database: AsyncEngine

    def gateway(self, fate: Fate | None = None) -> Withdrawals:
        fate = fate or Fate(0)
        return Withdrawals(
            cast(WithdrawalRows, Mortal(WithdrawalRows(self.database), fate)),
            ledger_of(cast(FakeStore, Mortal(FakeStore(self.engine), fate))),
            cast(CommandBus, Mortal(self.engine, fate)),
            window_s=86_400,
            keys_max=1_000,
        )

    def check_money(self) -> None:
        engine = self.engine
        assert engine.available + engine.held + engine.gone == 1_000

    async def check_rows(self) -> None:
        """Say that what is shown of every withdrawal is what the ledger did, and is noted so."""
        await self.gateway().book.page(limit=100, account_id=7)
        rows, _ = await self.gateway().book.page(limit=100)
        ends = dict.fromkeys(self.engine.pending, "pending") | self.engine.ends
        assert {row.withdrawal_id: row.state for row in rows} == ends
        noted = await WithdrawalRows(self.database).page(limit=100)
        assert {row.withdrawal_id: row.state for row in noted} == ends
        assert {row.destination for row in rows} <= {"bank"}


@pytest.fixture
async def world(tmp_path: Path, database_url: str) -> AsyncIterator[World]:
    database = await open_database(tmp_path, database_url)
    yield World(FakeEngine(), database)
    await database.dispose()


async def _authorised() -> None:
    pass


async def ask(gateway: Withdrawals, wish: Wish = WISH) -> Told:
    told = await gateway.request(wish, _authorised)
    assert isinstance(told, Told)
    return told


async def decide(gateway: Withdrawals, n: int, decision: Decision, by: str) -> Told | Accepted:
    return await gateway.decide(n, Claim(decision=decision, by=by, token=f"{by}-{decision}"))


async def killed_at_each_step(
    fresh: Callable[[], Awaitable[World]],
    work: Callable[[World, Fate], Awaitable[object]],
    after: Callable[[World], Awaitable[None]],
) -> int:
    """Run the work until it is not killed any more; return how many steps it has."""
    for kill_at in range(1, STEPS_MAX):
        world, fate = await fresh(), Fate(kill_at)
        with contextlib.suppress(KilledError):
            await work(world, fate)
        await after(world)
        await world.database.dispose()
        if fate.steps < kill_at:
            return fate.steps
    raise AssertionError("it takes more steps than there may be")


async def test_a_request_whose_gateway_is_killed_at_any_step_has_one_effect(
    tmp_path: Path,
) -> None:
    count = 0

    async def fresh() -> World:
        nonlocal count
        count += 1
        return World(FakeEngine(), await open_database(tmp_path / str(count), ""))

    async def work(world: World, fate: Fate) -> None:
        await ask(world.gateway(fate))

    async def after(world: World) -> None:
        await world.check_rows()
        told = await ask(world.gateway())
        assert list(world.engine.pending) == [told.row.withdrawal_id]
        world.check_money()
        await world.check_rows()

    assert await killed_at_each_step(fresh, work, after) >= 8


@pytest.mark.parametrize("decision", Decision)
@pytest.mark.parametrize("window_passes", [True, False])
async def test_a_decision_whose_gateway_is_killed_at_any_step_has_one_effect(
    tmp_path: Path, decision: Decision, window_passes: bool
) -> None:
    count, other = 0, Decision.REFUSE if decision is Decision.SETTLE else Decision.SETTLE

    async def fresh() -> World:
        nonlocal count
        count += 1
        world = World(FakeEngine(), await open_database(tmp_path / str(count), ""))
        await ask(world.gateway())
        return world

    async def work(world: World, fate: Fate) -> None:
        await decide(world.gateway(fate), 11, decision, "first")

    async def after(world: World) -> None:
        if window_passes:
            world.engine.forget()
        await world.check_rows()
        with contextlib.suppress(ApiError):
            await decide(world.gateway(), 11, other, "second")
        assert len(world.engine.ends) == 1
        world.check_money()
        await world.check_rows()

    assert await killed_at_each_step(fresh, work, after) >= 8


@dataclass
class Word:
    """What one operator was told in the end."""

    decision: Decision
    told: str = "nothing"
    is_new: bool = False


async def _decide_until_killed(world: World, word: Word, fate: Fate, by: str) -> None:
    try:
        told = await decide(world.gateway(fate), 11, word.decision, by)
    except KilledError:
        return
    except ApiError as error:
        word.told = error.code
        return
    if isinstance(told, Told):
        word.told, word.is_new = "done", not told.replayed


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_many_at_once_who_are_killed_or_unheard_make_one_effect(
    world: World, seed: int
) -> None:
    random = Random(seed)
    await ask(world.gateway())
    losses = (Unknown(), Accepted(1), NOT_ACCEPTED)
    world.engine.losses = [
        random.choice(losses) if random.random() < LOSS_RATE else None for _ in range(OPERATORS)
    ]
    words = [Word(random.choice(list(Decision))) for _ in range(OPERATORS)]
    fates = [
        Fate(random.randrange(1, 20) if random.random() < KILL_RATE else 0, random)
        for _ in range(OPERATORS)
    ]
    await asyncio.gather(
        *(
            _decide_until_killed(world, word, fate, f"user:{number}")
            for number, (word, fate) in enumerate(zip(words, fates, strict=True))
        )
    )
    end = world.engine.ends.get(11)
    for word in words:
        if word.told == "done":
            assert ENDING[word.decision] == end, word
        if word.told == "WITHDRAWAL_DECIDED":
            assert end not in (None, ENDING[word.decision]), word
    assert sum(word.is_new for word in words) <= 1
    world.check_money()
    await world.check_rows()
    with contextlib.suppress(ApiError):
        await decide(world.gateway(), 11, Decision.REFUSE, "last")
    assert len(world.engine.ends) == 1
    await world.check_rows()

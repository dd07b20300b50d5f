"""A reference counts once, for ever; whatever happens between SQL and the engine."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from api.edge.errors import ApiError
from api.money.deposits import Deposits
from api.sql.database import open_database
from api.sql.tables import deposits as table
from shared.bus import CommandBus
from shared.messages import Command, Deposit, Reject
from shared.outcomes import Accepted, Answered, Mismatch, NotAccepted, Outcome, Refusal, Unknown
from shared.wire import CommandResult, encode, fingerprint


class FakeBus:
    """An engine that remembers keys for ever; `answers_lost` of its answers never arrive."""

    def __init__(self) -> None:
        self.credited: list[Deposit] = []
        self.answers_lost: list[Outcome] = []
        self.code: Reject | None = None
        self.last_n = 7
        self._results: dict[tuple[int, str], CommandResult] = {}

    async def submit(self, command: Command) -> Outcome:
        assert isinstance(command, Deposit)
        lost = self.answers_lost.pop(0) if self.answers_lost else None
        if isinstance(lost, NotAccepted):
            return lost
        key = (command.account_id, command.idempotency_key)
        replayed = key in self._results
        if not replayed:
            if self.code is None:
                self.credited.append(command)
            n = len(self._results) + 1
            self._results[key] = CommandResult(n, 0, n, fingerprint(encode(command)), self.code)
        return lost or Answered(self._results[key].n, self._results[key], replayed)


@pytest.fixture
def bus() -> FakeBus:
    return FakeBus()


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = await open_database(tmp_path, "")
    yield engine
    await engine.dispose()


KEYS_MAX = 50


@pytest.fixture
def deposits(engine: AsyncEngine, bus: FakeBus) -> Deposits:
    async def last_n() -> int:
        return bus.last_n

    return Deposits(
        engine, cast(CommandBus, bus), last_n=last_n, window_s=86_400, keys_max=KEYS_MAX
    )


async def code_of(deposits: Deposits, *what: object) -> str:
    with pytest.raises(ApiError) as refused:
        await deposits.credit(*what)  # type: ignore[arg-type]
    return refused.value.code


async def test_a_repeat_credits_nothing_and_says_so(deposits: Deposits, bus: FakeBus) -> None:
    first = await deposits.credit(7, "INR", 100, "ref")
    again = await deposits.credit(7, "INR", 100, "ref")
    assert (first.replayed, again.replayed) == (False, True)
    assert (first.n, first.sequence) == (again.n, again.sequence)
    assert len(bus.credited) == 1


@pytest.mark.parametrize("other", [(8, "INR", 100), (7, "TATA", 100), (7, "INR", 101)])
async def test_a_reference_is_for_one_deposit(
    deposits: Deposits, bus: FakeBus, other: tuple[int, str, int]
) -> None:
    await deposits.credit(7, "INR", 100, "ref")
    assert await code_of(deposits, *other, "ref") == "REFERENCE_USED"
    assert len(bus.credited) == 1


@pytest.mark.parametrize("lost", [Unknown(), Accepted(1)])
async def test_a_lost_answer_is_found_by_repeating(
    deposits: Deposits, bus: FakeBus, lost: Outcome
) -> None:
    bus.answers_lost = [lost]
    assert await code_of(deposits, 7, "INR", 100, "ref") == "UNKNOWN_OUTCOME"
    done = await deposits.credit(7, "INR", 100, "ref")
    assert done.replayed
    assert len(bus.credited) == 1


async def test_a_deposit_that_was_not_accepted_may_be_repeated(
    deposits: Deposits, bus: FakeBus
) -> None:
    bus.answers_lost = [NotAccepted(Refusal.ENGINE_UNAVAILABLE, "gone")]
    assert await code_of(deposits, 7, "INR", 100, "ref") == "ENGINE_UNAVAILABLE"
    assert bus.credited == []
    assert not (await deposits.credit(7, "INR", 100, "ref")).replayed
    assert len(bus.credited) == 1


async def test_a_refusal_is_final(deposits: Deposits, bus: FakeBus) -> None:
    bus.code = Reject.AMOUNT_LIMIT
    for _ in range(2):
        assert await code_of(deposits, 7, "INR", 100, "ref") == "AMOUNT_LIMIT"
    assert bus.credited == []


@pytest.mark.parametrize("as_row", [True, False])
async def test_a_reference_that_only_the_engine_remembers_is_used_too(
    deposits: Deposits, bus: FakeBus, as_row: bool
) -> None:
    result = CommandResult(9, 0, 9, b"f", Reject.IDEMPOTENCY_MISMATCH)
    answer = Answered(9, result) if as_row else Mismatch(4)
    for _ in range(2):
        bus.answers_lost = [answer]
        assert await code_of(deposits, 7, "INR", 100, "ref") == "REFERENCE_USED"


async def test_an_old_attempt_without_an_answer_is_left_to_people(
    deposits: Deposits, bus: FakeBus, engine: AsyncEngine
) -> None:
    bus.answers_lost = [Unknown()]
    assert await code_of(deposits, 7, "INR", 100, "ref") == "UNKNOWN_OUTCOME"
    async with engine.begin() as connection:
        await connection.execute(sa.update(table).values(created_at_s=0))
    assert await code_of(deposits, 7, "INR", 100, "ref") == "DEPOSIT_UNRESOLVED"
    assert len(bus.credited) == 1


async def test_an_attempt_whose_key_others_may_have_pushed_out_is_left_to_people(
    deposits: Deposits, bus: FakeBus
) -> None:
    bus.answers_lost = [Unknown()]
    assert await code_of(deposits, 7, "INR", 100, "ref") == "UNKNOWN_OUTCOME"
    bus.last_n += KEYS_MAX // 2 + 1
    assert await code_of(deposits, 7, "INR", 100, "ref") == "DEPOSIT_UNRESOLVED"
    bus.last_n -= 1
    assert (await deposits.credit(7, "INR", 100, "ref")).replayed
    assert len(bus.credited) == 1


async def test_a_credit_that_cannot_be_noted_is_done_all_the_same(
    deposits: Deposits, bus: FakeBus, engine: AsyncEngine
) -> None:
    async with engine.begin() as connection:
        await connection.execute(
            sa.text(
                "CREATE TRIGGER full BEFORE UPDATE ON deposits "
                "BEGIN SELECT RAISE(FAIL, 'no room'); END"
            )
        )
    assert not (await deposits.credit(7, "INR", 100, "ref")).replayed
    async with engine.begin() as connection:
        await connection.execute(sa.text("DROP TRIGGER full"))
    assert (await deposits.credit(7, "INR", 100, "ref")).replayed
    assert len(bus.credited) == 1


@pytest.mark.parametrize("reference", ["", "a b", "x" * 57, "\u0661", "a\n"])
async def test_a_reference_is_short_and_plain(deposits: Deposits, reference: str) -> None:
    assert await code_of(deposits, 7, "INR", 100, reference) == "INVALID_REFERENCE"

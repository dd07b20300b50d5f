"""A gateway's withdrawals over a real database and an engine in memory."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from api.edge.errors import ApiError
from api.money.withdrawal_rows import Claim, Decision, Row, WithdrawalRows
from api.money.withdrawals import Told, Wish, Withdrawals
from shared.bus import CommandBus
from shared.outcomes import Accepted
from tests.api.money.engine_of_withdrawals import FakeEngine, FakeStore, ledger_of

WISH = Wish(7, "key", "INR", 100, "bank")
WINDOW_S = 86_400
KEYS_MAX = 100


@dataclass
class Desk:
    """One gateway at a database and an engine that it shares with others."""

    engine: FakeEngine
    store: FakeStore
    database: AsyncEngine
    rows: WithdrawalRows
    withdrawals: Withdrawals
    authorised: int = 0

    async def authorise(self) -> None:
        self.authorised += 1

    async def request(self, wish: Wish = WISH) -> Told | Accepted:
        return await self.withdrawals.request(wish, self.authorise)

    async def pending(self) -> int:
        told = await self.request()
        assert isinstance(told, Told)
        assert told.row.withdrawal_id
        return told.row.withdrawal_id

    async def decide(
        self, n: int, decision: Decision, by: str = "user:1", external_reference: str = ""
    ) -> Told | Accepted:
        token = f"{by}-{len(self.engine.commands)}"
        claim = Claim(decision=decision, by=by, token=token, external_reference=external_reference)
        return await self.withdrawals.decide(n, claim)

    async def shown(self, n: int) -> Row:
        return await self.withdrawals.book.find(n)

    async def break_writes(self, table: str, operation: str = "UPDATE") -> None:
        await self._run(
            f"CREATE TRIGGER full BEFORE {operation} ON {table} "
            "BEGIN SELECT RAISE(FAIL, 'no room'); END"
        )

    async def mend(self) -> None:
        await self._run("DROP TRIGGER full")

    @contextlib.contextmanager
    def commits_lost(self, *, is_written: bool) -> Iterator[None]:
        """Lose the answer to every commit, or the commit with it."""

        def lose(connection: sa.Connection) -> None:
            if is_written:
                connection.connection.commit()
            raise OperationalError("COMMIT", None, Exception("the server is gone"))

        engine = self.database.sync_engine
        sa.event.listen(engine, "commit", lose)
        try:
            yield
        finally:
            sa.event.remove(engine, "commit", lose)

    async def _run(self, statement: str) -> None:
        async with self.database.begin() as connection:
            await connection.execute(sa.text(statement))


def desk_at(engine: FakeEngine, store: FakeStore, database: AsyncEngine, delay_s: int = 0) -> Desk:
    rows = WithdrawalRows(database)
    withdrawals = Withdrawals(
        rows,
        ledger_of(store),
        cast(CommandBus, engine),
        window_s=WINDOW_S,
        keys_max=KEYS_MAX,
        delay_s=delay_s,
    )
    return Desk(engine, store, database, rows, withdrawals)


async def code_of(desk: Desk, wish: Wish = WISH) -> str:
    with pytest.raises(ApiError) as refused:
        await desk.request(wish)
    return refused.value.code


async def code_of_decision(desk: Desk, n: int, decision: Decision, reference: str = "") -> str:
    with pytest.raises(ApiError) as refused:
        await desk.decide(n, decision, external_reference=reference)
    return refused.value.code

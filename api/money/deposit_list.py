"""The deposits that there were, newest first.

The rule of this file: it only reads. A page goes on behind the last deposit of the one before, by
its time and its reference, so that what comes in meanwhile neither moves nor doubles anything.
"""

import re

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from api.edge.errors import ApiError
from api.edge.pages import page_of
from api.sql.tables import deposits
from api.sql.work import reading

_CURSOR = re.compile(r"([0-9]{1,12})\.([A-Za-z0-9_.:-]{1,56})")


class DepositRow(Struct, frozen=True):
    """A row of the table; what `state` may be is said in `api.money.deposits`."""

    reference: str
    account_id: int
    asset: str
    amount_atoms: int
    state: str
    answer_code: str
    n: int
    sequence: int
    created_at_s: int


class DepositList:
    """Reads deposits of one database; every method raises ApiError USERS_UNAVAILABLE."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def find(self, reference: str) -> DepositRow | None:
        rows = await self._rows(sa.select(deposits).where(deposits.c.reference == reference))
        return rows[0] if rows else None

    async def page(
        self,
        *,
        limit: int,
        cursor: str = "",
        account_id: int = 0,
        asset: str = "",
        state: str = "",
        reference: str = "",
    ) -> tuple[list[DepositRow], str | None]:
        """Return deposits and the cursor of the next page, None after the last; 0 and "" are any.

        Raises ApiError INVALID_PARAMETER for a cursor that is none.
        """
        time, name = deposits.c.created_at_s, deposits.c.reference
        wanted = sa.select(deposits).order_by(time.desc(), name.desc()).limit(limit + 1)
        if cursor:
            after_s, after = _place_of(cursor)
            wanted = wanted.where(sa.or_(time < after_s, sa.and_(time == after_s, name < after)))
        for column, value in (
            (deposits.c.account_id, account_id),
            (deposits.c.asset, asset),
            (deposits.c.state, state),
            (name, reference),
        ):
            if value:
                wanted = wanted.where(column == value)
        rows = await self._rows(wanted)
        return page_of(rows, limit, lambda row: f"{row.created_at_s}.{row.reference}")

    async def _rows(self, statement: sa.Select[tuple[object, ...]]) -> list[DepositRow]:
        async with reading(self._engine) as connection:
            rows = (await connection.execute(statement)).mappings()
            return [DepositRow(**row) for row in rows]


def _place_of(cursor: str) -> tuple[int, str]:
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise ApiError("INVALID_PARAMETER", field="cursor")
    return int(match[1]), match[2]

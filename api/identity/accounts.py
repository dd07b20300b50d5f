"""The trading accounts of a user: one main, and others of the user's own making.

The rule of this file: an account of somebody else and one that does not exist are the same answer.
"""

import time

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from api.edge.errors import ApiError
from api.identity.account_ids import draw_account_id
from api.identity.users import CREATE_ATTEMPTS_MAX, User, hold_user
from api.sql.tables import accounts
from api.sql.work import changed, reading, writing

ACCOUNTS_PER_USER_MAX = 20  # A strategy to each; every one has its own orders and limits.


class Account(Struct, frozen=True):
    """One trading account."""

    account_id: int
    user_id: int
    label: str
    created_at_s: int


class Accounts:
    """The accounts of one database; every method raises ApiError USERS_UNAVAILABLE."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def own(self, user_id: int) -> list[Account]:
        """Return the user's accounts, at most ACCOUNTS_PER_USER_MAX, the oldest first."""
        statement = sa.select(accounts).where(accounts.c.user_id == user_id)
        async with reading(self._engine) as connection:
            rows = await connection.execute(
                statement.order_by(accounts.c.created_at_s, accounts.c.account_id)
            )
            return [_account_of(row) for row in rows.all()]

    async def require_own(self, user_id: int, account_id: int) -> None:
        """Raise ApiError UNKNOWN_ACCOUNT unless the account is the user's."""
        if not 0 < account_id < 2**63 or not await self._is_own(user_id, account_id):
            raise ApiError("UNKNOWN_ACCOUNT", field="account_id")

    async def create(self, user: User, label: str) -> Account:
        """Add an account; raises ApiError TOO_MANY_ACCOUNTS, SESSION_REVOKED."""
        for _ in range(CREATE_ATTEMPTS_MAX):
            try:
                return await self._insert(user, label)
            except IntegrityError:
                continue  # The id is taken.
        raise ApiError("USERS_UNAVAILABLE")

    async def rename(self, user_id: int, account_id: int, label: str) -> Account:
        """Give the account another label; raises ApiError UNKNOWN_ACCOUNT."""
        await self.require_own(user_id, account_id)
        statement = (
            sa.update(accounts)
            .values(label=label)
            .where(accounts.c.account_id == account_id, accounts.c.user_id == user_id)
        )
        async with writing(self._engine) as connection:
            await changed(connection, statement)
            row = await connection.execute(
                sa.select(accounts).where(accounts.c.account_id == account_id)
            )
            return _account_of(row.one())

    async def _insert(self, user: User, label: str) -> Account:
        account = Account(draw_account_id(), user.user_id, label, int(time.time()))
        count = sa.select(sa.func.count()).where(accounts.c.user_id == user.user_id)
        async with writing(self._engine) as connection:
            # Held, so that two requests at once cannot both be the last that is allowed.
            if not await hold_user(connection, user):
                raise ApiError("SESSION_REVOKED")
            if (await connection.execute(count)).scalar_one() >= ACCOUNTS_PER_USER_MAX:
                raise ApiError("TOO_MANY_ACCOUNTS")
            values = {name: getattr(account, name) for name in account.__struct_fields__}
            await connection.execute(sa.insert(accounts).values(values))
        return account

    async def _is_own(self, user_id: int, account_id: int) -> bool:
        statement = sa.select(accounts.c.account_id).where(
            accounts.c.account_id == account_id, accounts.c.user_id == user_id
        )
        async with reading(self._engine) as connection:
            return (await connection.execute(statement)).first() is not None


def _account_of(row: sa.Row[tuple[object, ...]]) -> Account:
    return Account(row.account_id, row.user_id, row.label, row.created_at_s)

"""The limits that operators set for single accounts: kept in SQL, used from memory.

The rule of this file: no request waits for SQL to learn its limits. Every process reads the whole
table now and then, and goes on with what it has while SQL is gone.
"""

import asyncio
import time

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from api.edge.errors import ApiError
from api.limits.limiter import AccountLimits, Limits
from api.sql.tables import account_limits
from shared.logs import get_logger
from shared.tasks import spawn, stop

REFRESH_EVERY_S = 5.0  # How late another process may learn of a change.
ACCOUNTS_MAX = 10_000  # With limits of their own; more are a rule for all, not an exception.

_log = get_logger(__name__)


class AccountLimitStore:
    """Keeps `limits` up to date; use `start` before and `close` after."""

    def __init__(self, engine: AsyncEngine, limits: Limits) -> None:
        self._engine = engine
        self._limits = limits
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._try()
        self._task = spawn(self._run(), "account-limits")

    async def close(self) -> None:
        await stop(self._task)

    async def set(self, account_id: int, wanted: AccountLimits) -> None:
        """Set the limits of an account; raises ApiError USERS_UNAVAILABLE, TOO_MANY_EXCEPTIONS."""
        mine = account_limits.c.account_id == account_id
        values = {
            "account_id": account_id,
            "orders_per_10s": wanted.orders_per_10s,
            "orders_per_day": wanted.orders_per_day,
            "changed_at_s": int(time.time()),
        }
        is_new = account_id not in self._limits.own_limits
        if wanted != AccountLimits() and is_new and len(self._limits.own_limits) >= ACCOUNTS_MAX:
            raise ApiError("TOO_MANY_EXCEPTIONS")
        try:
            async with self._engine.begin() as connection:
                await connection.execute(sa.delete(account_limits).where(mine))
                if wanted != AccountLimits():
                    await connection.execute(sa.insert(account_limits).values(values))
            await self.refresh()
        except (SQLAlchemyError, OSError) as error:
            raise ApiError("USERS_UNAVAILABLE") from error

    async def refresh(self) -> None:
        """Read all of them; raises SQLAlchemyError, OSError."""
        wanted = sa.select(account_limits).order_by(account_limits.c.account_id).limit(ACCOUNTS_MAX)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(wanted)).all()
        self._limits.own_limits = {
            row.account_id: AccountLimits(row.orders_per_10s, row.orders_per_day) for row in rows
        }

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_EVERY_S)
            await self._try()

    async def _try(self) -> None:
        try:
            await self.refresh()
        except (SQLAlchemyError, OSError) as error:
            _log.debug("account_limits_not_read", reason=str(error))

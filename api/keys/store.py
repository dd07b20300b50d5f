"""API keys in SQL.

The rule of this file: every sentence in SQL about a key is here. Each change takes the next number
from one row, and keeps that row to itself until it is committed: so the numbers become visible in
their order, and a gateway that asks for those above the last it saw misses none.
"""

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api.edge.errors import ApiError
from api.sql.tables import api_key_changes, api_keys, users
from api.sql.work import reading, writing

KEYS_MAX = 20  # Of one user, expired ones too: a program or a machine each.
KEPT_MAX = 100  # Rows of one user, with the revoked ones, which are kept to be looked into.
FORGET_AFTER_S = 3_600  # A revoked key is in no gateway's memory any more, by far.
CHANGES_AT_ONCE_MAX = 1_000  # The rest is in the next answer.


class KeyRow(Struct, frozen=True, kw_only=True):
    """A key as it is stored; `scopes` and `ip_allow` are words with commas between."""

    key_id: str
    user_id: int
    account_id: int
    label: str
    kind: str
    secret_sealed: str
    public_key: str
    scopes: str
    ip_allow: str
    created_at_s: int
    expires_at_s: int | None
    last_used_at_s: int | None = None
    revoked_at_s: int | None = None


class KeyStore:
    """The keys of one database; every method raises ApiError USERS_UNAVAILABLE when it is away."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add(self, row: KeyRow) -> None:
        """Store a new key; raises ApiError TOO_MANY_KEYS."""
        async with self._changing() as (connection, number):
            await self._make_room(connection, row)
            values = {**msgspec.structs.asdict(row), "change_number": number}
            await connection.execute(sa.insert(api_keys).values(values))

    async def _make_room(self, connection: AsyncConnection, row: KeyRow) -> None:
        # Whoever changes a key is alone until the commit, so that the count stays true.
        of_user = api_keys.c.user_id == row.user_id
        forgotten = api_keys.c.revoked_at_s < row.created_at_s - FORGET_AFTER_S
        counts = sa.select(
            sa.func.count(), sa.func.count().filter(api_keys.c.revoked_at_s.is_(None))
        ).where(of_user)
        kept, living = (await connection.execute(counts)).one()
        if kept >= KEPT_MAX:
            done = await connection.execute(sa.delete(api_keys).where(of_user, forgotten))
            kept -= done.rowcount
        if living >= KEYS_MAX or kept >= KEPT_MAX:
            raise ApiError("TOO_MANY_KEYS")

    async def of_user(self, user_id: int) -> list[KeyRow]:
        """Return the keys that are not revoked, oldest first, at most KEYS_MAX."""
        statement = (
            sa.select(api_keys)
            .where(api_keys.c.user_id == user_id, api_keys.c.revoked_at_s.is_(None))
            .order_by(api_keys.c.created_at_s, api_keys.c.key_id)
            .limit(KEYS_MAX)
        )
        return [_row(row) for row in await self._read(statement)]

    async def change(self, user_id: int, key_id: str, values: Mapping[str, object]) -> KeyRow:
        """Set columns of a key of this user that is not revoked; raises ApiError UNKNOWN_KEY."""
        async with self._changing() as (connection, number):
            statement = (
                sa.update(api_keys)
                .where(
                    api_keys.c.key_id == key_id,
                    api_keys.c.user_id == user_id,
                    api_keys.c.revoked_at_s.is_(None),
                )
                .values({**values, "change_number": number})
                .returning(*api_keys.c)
            )
            row = (await connection.execute(statement)).one_or_none()
            if row is None:
                raise ApiError("UNKNOWN_KEY", field="key_id")
        return _row(row)

    async def find(self, key_id: str) -> tuple[KeyRow, str] | None:
        """Return a key that is not revoked and its owner's role; None, too, of who is disabled."""
        statement = (
            sa.select(api_keys, users.c.role)
            .join(users, users.c.user_id == api_keys.c.user_id)
            .where(api_keys.c.key_id == key_id, api_keys.c.revoked_at_s.is_(None))
            .where(sa.not_(users.c.is_disabled))
        )
        rows = await self._read(statement)
        return (_row(rows[0]), rows[0].role) if rows else None

    async def last_change(self) -> int:
        """Return the number of the last change of any key."""
        return int((await self._read(sa.select(api_key_changes.c.change_number)))[0][0])

    async def changed_since(self, number: int) -> list[tuple[str, int]]:
        """Return the keys changed after `number`, in that order, each with its last change."""
        statement = (
            sa.select(api_keys.c.key_id, api_keys.c.change_number)
            .where(api_keys.c.change_number > number)
            .order_by(api_keys.c.change_number)
            .limit(CHANGES_AT_ONCE_MAX)
        )
        return [(row.key_id, row.change_number) for row in await self._read(statement)]

    async def note_uses(self, used_at_s: Mapping[str, int]) -> None:
        """Write down when keys were last used; an older time never replaces a newer one."""
        async with self._writing() as connection:
            for key_id, at_s in sorted(used_at_s.items()):
                noted = api_keys.c.last_used_at_s
                statement = (
                    sa.update(api_keys)
                    .where(api_keys.c.key_id == key_id, sa.or_(noted.is_(None), noted < at_s))
                    .values(last_used_at_s=at_s)
                )
                await connection.execute(statement)

    @contextlib.asynccontextmanager
    async def _changing(self) -> AsyncIterator[tuple[AsyncConnection, int]]:
        async with self._writing() as connection:
            yield connection, await _next_number(connection)

    @contextlib.asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with writing(self._engine) as connection:
                yield connection
        except IntegrityError as error:
            raise ApiError("USERS_UNAVAILABLE") from error

    async def _read(self, statement: sa.Select[Any]) -> list[sa.Row[Any]]:
        async with reading(self._engine) as connection:
            return list((await connection.execute(statement)).all())


async def change_keys_of(connection: AsyncConnection, user_id: int) -> None:
    """Within a transaction that changes a user, let every gateway read the user's keys again."""
    number = await _next_number(connection)
    statement = sa.update(api_keys).where(api_keys.c.user_id == user_id)
    await connection.execute(statement.values(change_number=number))


async def _next_number(connection: AsyncConnection) -> int:
    number = api_key_changes.c.change_number
    statement = sa.update(api_key_changes).values(change_number=number + 1).returning(number)
    taken: int = (await connection.execute(statement)).scalar_one()
    return taken


def _row(row: sa.Row[Any]) -> KeyRow:
    return KeyRow(**{name: getattr(row, name) for name in KeyRow.__struct_fields__})

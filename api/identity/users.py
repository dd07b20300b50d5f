"""Who there is: users, their roles, and the account that each owns.

The rule of this file: every sentence in SQL about a user is here, and none of it knows a password.
Account ids are drawn at random, never counted: the balances are in another place than the users,
and after a lost or changed users' database a counter would hand them, one by one, to new users.
"""

import re
import secrets
import time
from enum import StrEnum

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from api.edge.errors import ApiError
from api.sql.tables import users

USERNAME = re.compile(r"[A-Za-z0-9_.-]{3,32}")
ACCOUNT_ID_MAX = 2**53 - 1  # Every reader of JSON keeps it exact; all of them to draw from.
CREATE_ATTEMPTS_MAX = 5  # An id that is taken is drawn again; twice in a row is a miracle.
LIST_MAX = 10_000  # One screen of an operator; more needs pages.


class Role(StrEnum):
    TRADER = "trader"
    ADMIN = "admin"


class User(Struct, frozen=True):
    """A user, without the password's hash."""

    user_id: int
    username: str
    role: str
    account_id: int


def check_username(username: str) -> None:
    """Raise ApiError unless `username` may be chosen."""
    if not USERNAME.fullmatch(username):
        raise ApiError("INVALID_USERNAME", field="username")


class Users:
    """The users of one database.

    Every method raises ApiError USERS_UNAVAILABLE when it cannot be read.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def create(self, username: str, password_hash: str, role: Role) -> User:
        """Add a user with a new account; raises ApiError USERNAME_TAKEN."""
        for _ in range(CREATE_ATTEMPTS_MAX):
            try:
                return await self._insert(username, password_hash, role)
            except IntegrityError:
                if await self.find(username) is not None:
                    raise ApiError("USERNAME_TAKEN", field="username") from None
            except DBAPIError as error:
                raise ApiError("USERS_UNAVAILABLE") from error
        raise ApiError("USERS_UNAVAILABLE")

    async def _insert(self, username: str, password_hash: str, role: Role) -> User:
        statement = (
            sa.insert(users)
            .values(
                username=username,
                username_key=username.lower(),
                password_hash=password_hash,
                role=role.value,
                account_id=_draw_account_id(),
                created_at_s=int(time.time()),
            )
            .returning(users.c.user_id, users.c.account_id)
        )
        async with self._engine.begin() as connection:
            row = (await connection.execute(statement)).one()
        return User(row.user_id, username, role.value, row.account_id)

    async def find(self, username: str) -> tuple[User, str] | None:
        """Return the user and the password's hash, or None; upper and lower case are the same."""
        columns = users.c.username_key == username.lower()
        rows = await self._rows(sa.select(users).where(columns))
        return (_user(rows[0]), rows[0].password_hash) if rows else None

    async def find_account(self, account_id: int) -> User | None:
        rows = await self._rows(sa.select(users).where(users.c.account_id == account_id))
        return _user(rows[0]) if rows else None

    async def all(self) -> list[User]:
        """Return the users, oldest first, at most LIST_MAX."""
        rows = await self._rows(sa.select(users).order_by(users.c.user_id).limit(LIST_MAX))
        return [_user(row) for row in rows]

    async def check(self) -> None:
        """Ask the database something; raises ApiError USERS_UNAVAILABLE when it does not answer."""
        await self._rows(sa.select(users.c.user_id).limit(1))

    async def _rows(
        self, statement: sa.Select[tuple[object, ...]]
    ) -> list[sa.Row[tuple[object, ...]]]:
        try:
            async with self._engine.connect() as connection:
                return list((await connection.execute(statement)).all())
        except (DBAPIError, OSError) as error:
            raise ApiError("USERS_UNAVAILABLE") from error


def _draw_account_id() -> int:
    return secrets.randbelow(ACCOUNT_ID_MAX) + 1


def _user(row: sa.Row[tuple[object, ...]]) -> User:
    return User(row.user_id, row.username, row.role, row.account_id)

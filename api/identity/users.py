"""Who there is: users, their roles, and the account that each begins with.

The rule of this file: it finds users and makes them; none of it knows a password, and what ends
sessions is in `standing`.
"""

import re
import time
from enum import StrEnum

import sqlalchemy as sa
from msgspec import Struct, structs
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api.edge.errors import ApiError
from api.identity.account_ids import draw_account_id
from api.sql.tables import accounts, users
from api.sql.work import changed, reading, writing

USERNAME = re.compile(r"[A-Za-z0-9_.-]{3,32}")
CREATE_ATTEMPTS_MAX = 5  # An id that is taken is drawn again; twice in a row is a miracle.
LIST_MAX = 10_000  # One screen of an operator at the machine; over HTTP there are pages.
MAIN_LABEL = "main"


class Role(StrEnum):
    TRADER = "trader"
    ADMIN = "admin"
    AUDITOR = "auditor"  # Reads what an admin reads, and changes nothing.


class User(Struct, frozen=True):
    """A user, without the password's hash; `account_id` is the main one unless said otherwise."""

    user_id: int
    username: str
    role: str
    account_id: int
    is_disabled: bool = False
    auth_version: int = 0
    created_at_s: int = 0


def check_username(username: str) -> None:
    """Raise ApiError unless `username` may be chosen."""
    if not USERNAME.fullmatch(username):
        raise ApiError("INVALID_USERNAME", field="username")


async def hold_user(connection: AsyncConnection, user: User) -> bool:
    """Keep others from changing `user` until the transaction ends; return whether it still stands.

    It does when it is not disabled, and when nothing has ended its sessions since it was read.
    """
    statement = (
        sa.update(users)
        .values(auth_version=users.c.auth_version)
        .where(users.c.user_id == user.user_id, users.c.auth_version == user.auth_version)
        .where(users.c.is_disabled.is_(False))
    )
    return await changed(connection, statement) == 1


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
        raise ApiError("USERS_UNAVAILABLE")

    async def _insert(self, username: str, password_hash: str, role: Role) -> User:
        account_id, now_s = draw_account_id(), int(time.time())
        user = sa.insert(users).values(
            username=username,
            username_key=username.lower(),
            password_hash=password_hash,
            role=role.value,
            account_id=account_id,
            created_at_s=now_s,
        )
        async with writing(self._engine) as connection:
            user_id = (await connection.execute(user.returning(users.c.user_id))).scalar_one()
            account = sa.insert(accounts).values(
                account_id=account_id, user_id=user_id, label=MAIN_LABEL, created_at_s=now_s
            )
            await connection.execute(account)
        return User(user_id, username, role.value, account_id, created_at_s=now_s)

    async def find(self, username: str) -> tuple[User, str] | None:
        """Return the user and the password's hash, or None; upper and lower case are the same."""
        rows = await self._rows(sa.select(users).where(users.c.username_key == username.lower()))
        return (user_of(rows[0]), rows[0].password_hash) if rows else None

    async def get(self, user_id: int) -> tuple[User, str] | None:
        """Return the user of this id and the password's hash, or None."""
        rows = await self._rows(sa.select(users).where(users.c.user_id == user_id))
        return (user_of(rows[0]), rows[0].password_hash) if rows else None

    async def find_account(self, account_id: int) -> User | None:
        """Return who owns the account, with `account_id` being that account; None for nobody's."""
        found = await self._rows(
            sa.select(users)
            .join(accounts, accounts.c.user_id == users.c.user_id)
            .where(accounts.c.account_id == account_id)
        )
        return structs.replace(user_of(found[0]), account_id=account_id) if found else None

    async def all(self) -> list[User]:
        """Return the users, oldest first, at most LIST_MAX."""
        return await self.page(after_user_id=0, limit=LIST_MAX)

    async def page(self, *, after_user_id: int, limit: int, beginning: str = "") -> list[User]:
        """Return the next users by id, all or those whose name begins so, in any case."""
        statement = sa.select(users).where(users.c.user_id > after_user_id)
        if beginning:
            key = users.c.username_key
            statement = statement.where(key.startswith(beginning.lower(), autoescape=True))
        rows = await self._rows(statement.order_by(users.c.user_id).limit(limit))
        return [user_of(row) for row in rows]

    async def upgrade_hash(self, user: User, old_hash: str, new_hash: str) -> None:
        """Put a dearer hash of the same password in the place of the old one."""
        statement = (
            sa.update(users)
            .values(password_hash=new_hash)
            .where(users.c.user_id == user.user_id, users.c.password_hash == old_hash)
        )
        async with writing(self._engine) as connection:
            await connection.execute(statement)

    async def check(self) -> None:
        """Ask the database something; raises ApiError USERS_UNAVAILABLE when it does not answer."""
        await self._rows(sa.select(users.c.user_id).limit(1))

    async def _rows(
        self, statement: sa.Select[tuple[object, ...]]
    ) -> list[sa.Row[tuple[object, ...]]]:
        async with reading(self._engine) as connection:
            return list((await connection.execute(statement)).all())


def user_of(row: sa.Row[tuple[object, ...]]) -> User:
    """Return the user of a row of the table."""
    return User(
        row.user_id,
        row.username,
        row.role,
        row.account_id,
        bool(row.is_disabled),
        row.auth_version,
        row.created_at_s,
    )

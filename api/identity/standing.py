"""What changes a user: the password, the role, and whether they may come in at all.

The rule of this file: each change ends the user's sessions in the same transaction, and counts
`auth_version` up, so that a login which was proven before it opens no session after it.
"""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from api.edge.errors import ApiError
from api.identity.sessions import Ended, Sessions
from api.identity.users import Role, User, user_of
from api.keys.store import change_keys_of
from api.sql.tables import users
from api.sql.work import changed, writing


class Standing:
    """The changes; every method raises ApiError USERS_UNAVAILABLE."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def change_password(
        self, user: User, password_hash: str, *, kept_session_id: str
    ) -> None:
        """Store another password and end all sessions but one.

        Raises ApiError INVALID_CREDENTIALS when the user changed since `user` was read.
        """
        async with writing(self._sessions.engine) as connection:
            if not await set_password(connection, user, password_hash):
                raise ApiError("INVALID_CREDENTIALS")
            ended = await self._sessions.end_of_user(
                connection, user.user_id, Ended.PASSWORD, kept_session_id=kept_session_id
            )
        await self._sessions.announce(ended)

    async def change(
        self, user_id: int, *, role: Role | None, is_disabled: bool | None
    ) -> tuple[User, User]:
        """Give a user another role, or shut or open the doors for them; return before and after.

        What is None stays. Sessions end when something changes. Raises ApiError UNKNOWN_USER.
        """
        of_user = users.c.user_id == user_id
        ended: dict[str, int] = {}
        async with writing(self._sessions.engine) as connection:
            hold = sa.update(users).values(auth_version=users.c.auth_version).where(of_user)
            row = (await connection.execute(hold.returning(users))).first()
            if row is None:
                raise ApiError("UNKNOWN_USER", field="user_id")
            before = user_of(row)
            wanted = {
                "role": before.role if role is None else role.value,
                "is_disabled": before.is_disabled if is_disabled is None else is_disabled,
            }
            if wanted == {"role": before.role, "is_disabled": before.is_disabled}:
                return before, before
            wanted["auth_version"] = before.auth_version + 1
            update = sa.update(users).values(wanted).where(of_user).returning(users)
            after = user_of((await connection.execute(update)).one())
            ended = await self._sessions.end_of_user(connection, user_id, Ended.STANDING)
            await change_keys_of(connection, user_id)
        await self._sessions.announce(ended)
        return before, after


async def set_password(connection: AsyncConnection, user: User, password_hash: str) -> bool:
    """Store another password within a transaction; False when the user changed since it was
    read.
    """
    statement = (
        sa.update(users)
        .values(password_hash=password_hash, auth_version=users.c.auth_version + 1)
        .where(users.c.user_id == user.user_id, users.c.auth_version == user.auth_version)
    )
    return await changed(connection, statement) == 1

"""Sessions: one for each login, from there to its end.

The rule of this file: SQL is the truth of which sessions are over, and whoever ends some announces
them after the commit, so that their access tokens are good nowhere any more.
"""

import re
import time
import uuid
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api.edge.errors import ApiError
from api.identity.refresh_tokens import RefreshToken, new_token
from api.identity.users import User, hold_user
from api.sql.tables import sessions
from api.sql.work import reading, writing
from shared.logs import get_logger
from shared.revocations import Revocations
from shared.tokens import LEEWAY_S

SESSIONS_PER_USER_MAX = 100  # A script that logs in at each start and never out; the stalest goes.
ISSUE_MAX_S = 30  # From reading the clock here to signing the token, behind a slow commit.
KEPT_AFTER_S = 600  # Ended rows stay so long beyond their last token: whoever polls has seen them.

SESSION_ID = re.compile(r"[0-9a-f]{32}")

_log = get_logger(__name__)


class Ended(StrEnum):
    """Why a session was revoked."""

    LOGOUT = "logout"
    REVOKED = "revoked"  # By its user.
    REUSE = "reuse"  # A refresh token came a second time.
    STALEST = "stalest"  # Others needed its place.
    PASSWORD = "password"
    STANDING = "standing"  # The role changed, or the user was disabled.


class Session(Struct, frozen=True):
    """A session as its user may see it; times are Unix seconds."""

    session_id: str
    user_id: int
    audience: str
    account_id: int
    address: str
    created_at_s: int
    last_used_at_s: int
    expires_at_s: int


class Opened(NamedTuple):
    """A session and the token that refreshes it next."""

    session: Session
    refresh_token: str


class Sessions:
    """The sessions of one database; every method raises ApiError USERS_UNAVAILABLE."""

    def __init__(
        self,
        engine: AsyncEngine,
        revocations: Revocations,
        *,
        token_lifetime_s: int,
        refresh_lifetime_s: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.engine = engine
        self._revocations = revocations
        self._token_lifetime_s = token_lifetime_s
        self._refresh_lifetime_s = refresh_lifetime_s
        self._clock = clock

    def now_s(self) -> int:
        return int(self._clock())

    def access_until_s(self) -> int:
        """Return when an access token that is issued now is over for everybody."""
        return self.now_s() + self._token_lifetime_s + LEEWAY_S + ISSUE_MAX_S

    async def open(self, user: User, *, audience: str, account_id: int, address: str) -> Opened:
        """Open a session for a user who has just proven who they are.

        Raises ApiError INVALID_CREDENTIALS when the user changed since `user` was read.
        """
        token, now_s = new_token(), self.now_s()
        session = Session(
            uuid.uuid4().hex,
            user.user_id,
            audience,
            account_id,
            address[:64],
            now_s,
            now_s,
            now_s + self._refresh_lifetime_s,
        )
        async with writing(self.engine) as connection:
            if not await hold_user(connection, user):
                raise ApiError("INVALID_CREDENTIALS")
            ended = await self._make_room(connection, user.user_id)
            await connection.execute(sa.insert(sessions).values(self._row(session, token)))
        await self._revocations.announce(ended)
        return Opened(session, token.text)

    async def list(self, user_id: int) -> list[Session]:
        """Return the user's living sessions, the last used first."""
        statement = (
            sa.select(sessions)
            .where(sessions.c.user_id == user_id, sessions.c.revoked_at_s == 0)
            .where(sessions.c.expires_at_s > self.now_s())
            .order_by(sessions.c.last_used_at_s.desc(), sessions.c.session_id)
            .limit(SESSIONS_PER_USER_MAX)
        )
        async with reading(self.engine) as connection:
            return [session_of(row) for row in (await connection.execute(statement)).all()]

    async def revoke(self, user_id: int, session_id: str, why: Ended) -> None:
        """End one session of the user; raises ApiError UNKNOWN_SESSION for any other."""
        of_user = sa.and_(sessions.c.user_id == user_id, sessions.c.session_id == session_id)
        # What cannot be an id is not asked for: PostgreSQL takes no zero byte.
        if not SESSION_ID.fullmatch(session_id) or not await self._end_now(of_user, why):
            raise ApiError("UNKNOWN_SESSION")

    async def revoke_others(self, user_id: int, kept_session_id: str) -> int:
        """End all sessions of the user but one; return how many those were."""
        others = sa.and_(sessions.c.user_id == user_id, sessions.c.session_id != kept_session_id)
        return await self._end_now(others, Ended.REVOKED)

    async def revoke_family(self, session: Session) -> None:
        """End a session whose refresh token came a second time."""
        if await self._end_now(sessions.c.session_id == session.session_id, Ended.REUSE):
            _log.warning(
                "refresh_token_reused",
                user_id=session.user_id,
                session_id=session.session_id,
                address=session.address,
            )

    async def end_of_user(
        self, connection: AsyncConnection, user_id: int, why: Ended, *, kept_session_id: str = ""
    ) -> dict[str, int]:
        """End the user's sessions within a transaction; `announce` what it returns after it."""
        of_user = sa.and_(sessions.c.user_id == user_id, sessions.c.session_id != kept_session_id)
        return await self._end(connection, of_user, why)

    async def announce(self, ended: dict[str, int]) -> None:
        """Have every process know of sessions whose end is committed."""
        await self._revocations.announce(ended)

    async def revoked_since(self, since_s: int) -> dict[str, int]:
        """Return the sessions revoked since then that may still have a good access token."""
        statement = sa.select(sessions.c.session_id, sessions.c.access_until_s).where(
            sessions.c.revoked_at_s >= max(since_s, 1),
            sessions.c.access_until_s > self.now_s() - LEEWAY_S,
        )
        async with reading(self.engine) as connection:
            rows = (await connection.execute(statement)).all()
        return {row.session_id: row.access_until_s for row in rows}

    async def _end_now(self, which: sa.ColumnElement[bool], why: Ended) -> int:
        async with writing(self.engine) as connection:
            ended = await self._end(connection, which, why)
        await self._revocations.announce(ended)
        return len(ended)

    async def _end(
        self, connection: AsyncConnection, which: sa.ColumnElement[bool], why: Ended
    ) -> dict[str, int]:
        statement = (
            sa.update(sessions)
            .values(revoked_at_s=self.now_s(), revoked_for=why.value)
            .where(which, sessions.c.revoked_at_s == 0)
            .returning(sessions.c.session_id, sessions.c.access_until_s)
        )
        rows = (await connection.execute(statement)).all()
        return {row.session_id: row.access_until_s for row in rows}

    async def _make_room(self, connection: AsyncConnection, user_id: int) -> dict[str, int]:
        """Forget the user's sessions that are long over, and end the stalest if there are many."""
        of_user = sessions.c.user_id == user_id
        is_over = sa.or_(sessions.c.revoked_at_s > 0, sessions.c.expires_at_s <= self.now_s())
        long_ago = sessions.c.access_until_s < self.now_s() - KEPT_AFTER_S
        await connection.execute(sa.delete(sessions).where(of_user, is_over, long_ago))
        stalest = (
            sa.select(sessions.c.session_id)
            .where(of_user, sessions.c.revoked_at_s == 0)
            .order_by(sessions.c.last_used_at_s.desc(), sessions.c.session_id)
            .offset(SESSIONS_PER_USER_MAX - 1)
        )
        ids = (await connection.execute(stalest)).scalars().all()
        if not ids:
            return {}
        return await self._end(connection, sessions.c.session_id.in_(ids), Ended.STALEST)

    def _row(self, session: Session, token: RefreshToken) -> dict[str, object]:
        return {
            **{name: getattr(session, name) for name in session.__struct_fields__},
            "family_hash": token.family_hash,
            "token_hash": token.token_hash,
            "previous_hash": "",
            "successor_sealed": "",
            "rotated_at_s": 0,
            "access_until_s": self.access_until_s(),
            "revoked_at_s": 0,
            "revoked_for": "",
        }


def session_of(row: sa.Row[tuple[object, ...]]) -> Session:
    """Return the session of a row of the table."""
    return Session(
        row.session_id,
        row.user_id,
        row.audience,
        row.account_id,
        row.address,
        row.created_at_s,
        row.last_used_at_s,
        row.expires_at_s,
    )

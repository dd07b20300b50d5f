"""Refreshing: a refresh token for its successor, once.

The rule of this file: a token that was used before ends the session, with one exception. The answer
to a refresh can be lost, so for a short while, and only until the successor itself is used, the
same token gets the very same successor again. A thief who comes in that while shares a token with
its owner; the first of them to be second at the next refresh ends the session for both.
"""

import hmac

import sqlalchemy as sa

from api.edge.errors import ApiError
from api.identity.accounts import Accounts
from api.identity.refresh_tokens import (
    RefreshToken,
    open_successor,
    parse,
    seal_successor,
    successor_of,
)
from api.identity.sessions import Opened, Sessions, session_of
from api.sql.tables import sessions, users
from api.sql.work import reading, writing

GRACE_S = 60  # A client that waited 30 s for its answer and asks again, twice over.
ATTEMPTS_MAX = 3  # Each is lost to another refresh of the session; two at once are rare already.

Row = sa.Row[tuple[object, ...]]


class Refreshing:
    """Exchanges refresh tokens; raises ApiError."""

    def __init__(self, sessions: Sessions, accounts: Accounts) -> None:
        self._sessions = sessions
        self._accounts = accounts

    async def refresh(
        self, text: str, *, audience: str, account_id: int | None, address: str
    ) -> tuple[str, Opened]:
        """Return the role of the user as it is now, the session, and the next token.

        Raises ApiError INVALID_REFRESH_TOKEN, UNKNOWN_ACCOUNT.
        """
        token = parse(text)
        if token is None:
            raise ApiError("INVALID_REFRESH_TOKEN")
        for _ in range(ATTEMPTS_MAX):
            row = await self._row(token, audience)
            successor = await self._successor(token, row)
            if account_id is not None:
                await self._accounts.require_own(row.user_id, account_id)
            values: dict[str, object] = {
                "address": address[:64],
                "account_id": account_id or row.account_id,
                "last_used_at_s": self._sessions.now_s(),
                "access_until_s": self._sessions.access_until_s(),
            }
            if _same(row.token_hash, token.token_hash):
                values |= {
                    "token_hash": successor.token_hash,
                    "previous_hash": token.token_hash,
                    "successor_sealed": seal_successor(token, successor),
                    "rotated_at_s": self._sessions.now_s(),
                }
            if after := await self._update(row, values):
                return row.role, Opened(session_of(after), successor.text)
        raise ApiError("BUSY")

    async def _row(self, token: RefreshToken, audience: str) -> Row:
        """Return the living session of the token's family, with its user."""
        statement = (
            sa.select(sessions, users.c.role, users.c.is_disabled)
            .join(users, users.c.user_id == sessions.c.user_id)
            .where(sessions.c.family_hash == token.family_hash)
        )
        async with reading(self._sessions.engine) as connection:
            row = (await connection.execute(statement)).first()
        if (
            row is None
            or row.audience != audience
            or row.revoked_at_s
            or row.expires_at_s <= self._sessions.now_s()
            or row.is_disabled
        ):
            raise ApiError("INVALID_REFRESH_TOKEN")
        return row

    async def _successor(self, token: RefreshToken, row: Row) -> RefreshToken:
        if _same(row.token_hash, token.token_hash):
            return successor_of(token)
        is_previous = _same(row.previous_hash, token.token_hash)
        if is_previous and self._sessions.now_s() <= row.rotated_at_s + GRACE_S:
            return open_successor(token, row.successor_sealed)
        await self._sessions.revoke_family(session_of(row))
        raise ApiError("INVALID_REFRESH_TOKEN")

    async def _update(self, row: Row, values: dict[str, object]) -> Row | None:
        """Change the session unless somebody else has refreshed or ended it since it was read."""
        statement = (
            sa.update(sessions)
            .values(values)
            .where(sessions.c.session_id == row.session_id)
            .where(sessions.c.token_hash == row.token_hash, sessions.c.revoked_at_s == 0)
            .returning(sessions)
        )
        async with writing(self._sessions.engine) as connection:
            after: Row | None = (await connection.execute(statement)).first()
            return after


def _same(left: str, right: str) -> bool:
    return hmac.compare_digest(left, right)

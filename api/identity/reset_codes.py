"""Forgotten passwords: a code that an operator issues, and that its user exchanges once.

The rule of this file: a code is 80 random bits, stored as a hash, good for a quarter of an hour,
for one use and for a few tries; a wrong code, an old one and none at all are the same answer.
"""

import base64
import hashlib
import hmac
import secrets

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from api.edge.errors import ApiError
from api.identity.sessions import Ended, Sessions
from api.identity.standing import set_password
from api.identity.users import User
from api.sql.tables import reset_codes
from api.sql.work import changed, writing

CODE_SIZE = 10  # 16 letters and digits: short enough to be read out on the telephone.
GROUP_LENGTH = 4
LIFETIME_S = 900
ATTEMPTS_MAX = 5  # A person who mistypes; then the operator issues another.


class ResetCodes:
    """The codes of one database; every method raises ApiError USERS_UNAVAILABLE."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def issue_reset_code(self, user_id: int) -> str:
        """Return a new code for the user, in place of any before; it is told once, here.

        Raises ApiError UNKNOWN_USER.
        """
        text = base64.b32encode(secrets.token_bytes(CODE_SIZE)).decode()
        of_user = reset_codes.c.user_id == user_id
        values = {
            "user_id": user_id,
            "code_hash": _hash(text),
            "expires_at_s": self._sessions.now_s() + LIFETIME_S,
            "attempts_left": ATTEMPTS_MAX,
        }
        try:
            async with writing(self._sessions.engine) as connection:
                await connection.execute(sa.delete(reset_codes).where(of_user))
                await connection.execute(sa.insert(reset_codes).values(values))
        except IntegrityError:
            raise ApiError("UNKNOWN_USER", field="user_id") from None
        return "-".join(text[at : at + GROUP_LENGTH] for at in range(0, len(text), GROUP_LENGTH))

    async def redeem(self, user: User | None, code: str, password_hash: str) -> None:
        """Store the new password and end all sessions; raises ApiError INVALID_RESET_CODE."""
        if user is None or user.is_disabled or not await self._fits(user.user_id, code):
            raise ApiError("INVALID_RESET_CODE", field="code")
        async with writing(self._sessions.engine) as connection:
            if not await _take(connection, user.user_id, code):
                raise ApiError("INVALID_RESET_CODE", field="code")
            if not await set_password(connection, user, password_hash):
                raise ApiError("INVALID_RESET_CODE", field="code")
            ended = await self._sessions.end_of_user(connection, user.user_id, Ended.PASSWORD)
        await self._sessions.announce(ended)

    async def _fits(self, user_id: int, code: str) -> bool:
        """Use up one try, first, so that many at once are not more than are allowed."""
        statement = (
            sa.update(reset_codes)
            .values(attempts_left=reset_codes.c.attempts_left - 1)
            .where(reset_codes.c.user_id == user_id, reset_codes.c.attempts_left > 0)
            .where(reset_codes.c.expires_at_s > self._sessions.now_s())
            .returning(reset_codes.c.code_hash)
        )
        async with writing(self._sessions.engine) as connection:
            stored = (await connection.execute(statement)).scalar_one_or_none()
        return stored is not None and hmac.compare_digest(stored, _hash(code))


async def _take(connection: AsyncConnection, user_id: int, code: str) -> bool:
    statement = sa.delete(reset_codes).where(
        reset_codes.c.user_id == user_id, reset_codes.c.code_hash == _hash(code)
    )
    return await changed(connection, statement) == 1


def _hash(code: str) -> str:
    plain = code.replace("-", "").replace(" ", "").upper()
    return hashlib.sha256(b"rialto reset " + plain.encode()).hexdigest()

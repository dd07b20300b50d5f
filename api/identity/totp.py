"""The second factor: codes of an authenticator (TOTP, RFC 6238), for those who want one.

The rule of this file: a secret is sealed before it is stored, a code counts once, and a try is used
up before the code is looked at.
"""

import hmac
import time
from collections.abc import Callable
from typing import NamedTuple

import pyotp
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from api.edge.errors import ApiError
from api.identity.users import User
from api.identity.vault import Vault, VaultError
from api.sql.tables import totps
from api.sql.work import changed, reading, writing
from shared.logs import get_logger

ISSUER = "Rialto"
STEP_S = 30
STEPS_AROUND = 1  # A telephone's clock, and the time that typing takes.
FAILURES_MAX = 5
# Then no code counts for so long: 480 guesses of a million a day, by who knows the password.
PAUSE_S = 900
CODE_LENGTH = 6

Row = sa.Row[tuple[object, ...]]

_log = get_logger(__name__)


class Begun(NamedTuple):
    """A secret for the authenticator, told once."""

    secret: str
    otpauth_uri: str


class Totps:
    """The second factors of one database; every method raises ApiError USERS_UNAVAILABLE."""

    def __init__(
        self, engine: AsyncEngine, vault: Vault, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._engine = engine
        self._vault = vault
        self._clock = clock

    async def is_enabled(self, user_id: int) -> bool:
        """Return whether the user has a confirmed second factor."""
        statement = sa.select(totps.c.is_confirmed).where(totps.c.user_id == user_id)
        async with reading(self._engine) as connection:
            return bool((await connection.execute(statement)).scalar_one_or_none())

    async def begin(self, user: User) -> Begun:
        """Return a new secret, which counts once it is confirmed; raises ApiError TOTP_ENABLED."""
        secret = pyotp.random_base32()
        values = {
            "user_id": user.user_id,
            "sealed_secret": self._vault.seal(secret.encode(), purpose=_purpose(user.user_id)),
            "is_confirmed": False,
            "last_step": 0,
            "failed_count": 0,
            "failed_at_s": 0,
        }
        unconfirmed = sa.and_(totps.c.user_id == user.user_id, totps.c.is_confirmed.is_(False))
        try:
            async with writing(self._engine) as connection:
                await connection.execute(sa.delete(totps).where(unconfirmed))
                await connection.execute(sa.insert(totps).values(values))
        except IntegrityError:
            raise ApiError("TOTP_ENABLED") from None
        uri = pyotp.TOTP(secret).provisioning_uri(name=user.username, issuer_name=ISSUER)
        return Begun(secret, uri)

    async def confirm(self, user_id: int, code: str) -> None:
        """Switch the second factor on; raises ApiError TOTP_NOT_ENABLED, INVALID_TOTP_CODE."""
        if await self.is_enabled(user_id):
            raise ApiError("TOTP_ENABLED")
        await self._check(user_id, code)
        statement = sa.update(totps).values(is_confirmed=True).where(totps.c.user_id == user_id)
        async with writing(self._engine) as connection:
            await connection.execute(statement)

    async def require(self, user_id: int, code: str | None) -> None:
        """Raise ApiError TOTP_REQUIRED or INVALID_TOTP_CODE unless the user has no second factor,
        or `code` is of it and new.
        """
        if not await self.is_enabled(user_id):
            return
        if code is None:
            raise ApiError("TOTP_REQUIRED", field="totp_code")
        await self._check(user_id, code)

    async def remove(self, user_id: int) -> bool:
        """Switch the second factor off; return whether there was one."""
        async with writing(self._engine) as connection:
            return bool(
                await changed(connection, sa.delete(totps).where(totps.c.user_id == user_id))
            )

    async def _check(self, user_id: int, code: str) -> None:
        row = await self._take_a_try(user_id)
        step = self._step_of(user_id, row.sealed_secret, code)
        if step is None or not await self._use_up(user_id, step):
            _log.info("totp_refused", user_id=user_id)
            raise ApiError("INVALID_TOTP_CODE", field="totp_code")

    async def _take_a_try(self, user_id: int) -> Row:
        now_s = int(self._clock())
        of_user = totps.c.user_id == user_id
        is_paused = sa.and_(
            totps.c.failed_count >= FAILURES_MAX, totps.c.failed_at_s > now_s - PAUSE_S
        )
        after_pause = totps.c.failed_count >= FAILURES_MAX
        statement = (
            sa.update(totps)
            .values(
                failed_count=sa.case((after_pause, 1), else_=totps.c.failed_count + 1),
                failed_at_s=now_s,
            )
            .where(of_user, sa.not_(is_paused))
            .returning(totps)
        )
        async with writing(self._engine) as connection:
            row: Row | None = (await connection.execute(statement)).first()
            exists = (await connection.execute(sa.select(totps).where(of_user))).first()
        if row is None and exists is not None:
            wait_s = int(exists.failed_at_s) + PAUSE_S - now_s
            raise ApiError("TOO_MANY_ATTEMPTS", retry_after_s=max(wait_s, 1))
        if row is None:
            raise ApiError("TOTP_NOT_ENABLED")
        return row

    def _step_of(self, user_id: int, sealed: str, code: str) -> int | None:
        """Return the time step that the code is of, or None."""
        try:
            secret = self._vault.open(sealed, purpose=_purpose(user_id)).decode()
        except VaultError as error:
            _log.error("totp_secret_does_not_open", user_id=user_id, reason=str(error))
            raise ApiError("USERS_UNAVAILABLE") from error
        if len(code) != CODE_LENGTH or not code.isascii():
            return None
        totp, now_step = pyotp.TOTP(secret), int(self._clock()) // STEP_S
        for step in range(now_step - STEPS_AROUND, now_step + STEPS_AROUND + 1):
            if hmac.compare_digest(totp.generate_otp(step), code):
                return step
        return None

    async def _use_up(self, user_id: int, step: int) -> bool:
        """Make the code, and any before it, count no more; False when it did not any more."""
        statement = (
            sa.update(totps)
            .values(last_step=step, failed_count=0)
            .where(totps.c.user_id == user_id, totps.c.last_step < step)
        )
        async with writing(self._engine) as connection:
            return await changed(connection, statement) == 1


def _purpose(user_id: int) -> str:
    return f"totp:{user_id}"

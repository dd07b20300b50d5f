"""Proving who one is, with a password and where there is one with a second factor.

The rule of this file: limits before hashing, hashing before truth, and a wrong name and a wrong
password are the same answer in the same time. Only who knows the password hears of anything else.
"""

from fastapi import Request

from api.edge.address import address_of
from api.edge.errors import ApiError
from api.gateway import Gateway
from api.identity.attempts import AttemptLimiter
from api.identity.caller import Caller
from api.identity.passwords import LENGTH_MAX
from api.identity.users import Role, User
from shared.addresses import counted_as
from shared.claims import ADMIN_AUDIENCE
from shared.logs import get_logger

LOGIN_BURST = 10  # Per username: a person who mistypes, not a list of passwords.
LOGINS_PER_MINUTE = 10
ADDRESS_BURST = 60  # Per address: an office behind one router, or a tour that registers its users.
ATTEMPTS_PER_ADDRESS_PER_MINUTE = 60
REFRESH_BURST = 30  # Per session: one that asks faster writes to the database in a loop.
REFRESHES_PER_MINUTE = 60

_log = get_logger(__name__)


class Proof:
    """The proofs of one door: guesses at the public one must not keep an operator out."""

    def __init__(self, gateway: Gateway, audience: str) -> None:
        self._gateway = gateway
        self._audience = audience
        self._of_name = self._limiter("name", LOGIN_BURST, LOGINS_PER_MINUTE)
        self._of_session = self._limiter("session", REFRESH_BURST, REFRESHES_PER_MINUTE)
        self._of_address = self._limiter("address", ADDRESS_BURST, ATTEMPTS_PER_ADDRESS_PER_MINUTE)

    def _limiter(self, kind: str, burst: int, per_minute: int) -> AttemptLimiter:
        shared = self._gateway.limits.attempts(f"{self._audience}-{kind}", burst + per_minute)
        return AttemptLimiter(burst=burst, per_minute=per_minute, shared=shared)

    def count_visit(self, request: Request) -> None:
        """Count one try of the address; raises ApiError TOO_MANY_ATTEMPTS."""
        self._of_address.take(counted_as(address_of(request)))

    def count_name(self, username: str) -> None:
        """Count one try at the name; raises ApiError TOO_MANY_ATTEMPTS."""
        self._of_name.take(username.lower())

    def count_refresh(self, refresh_token: str) -> None:
        """Count one refresh of the session; raises ApiError TOO_MANY_ATTEMPTS."""
        self._of_session.take(refresh_token[:20])  # What stays the same through all refreshes.

    async def by_name(
        self, request: Request, username: str, password: str, totp_code: str | None
    ) -> User:
        """Return who this is; raises ApiError."""
        self.count_visit(request)
        if len(username) > LENGTH_MAX:
            raise ApiError("INVALID_CREDENTIALS")  # Nobody could have chosen it.
        self.count_name(username)
        return await self._check(
            request, await self._gateway.users.find(username), password, totp_code
        )

    async def of_caller(
        self, request: Request, caller: Caller, password: str, totp_code: str | None
    ) -> User:
        """Return the caller's user after proving once more that it is they; raises ApiError."""
        self.count_visit(request)
        found = await self._gateway.users.get(caller.user_id)
        self.count_name(found[0].username if found else "")
        return await self._check(request, found, password, totp_code)

    async def only_password(self, request: Request, caller: Caller, password: str) -> User:
        """Return the caller's user after asking for the password alone; raises ApiError."""
        self.count_visit(request)
        found = await self._gateway.users.get(caller.user_id)
        self.count_name(found[0].username if found else "")
        return await self._password(request, found, password)

    async def _check(
        self,
        request: Request,
        found: tuple[User, str] | None,
        password: str,
        totp_code: str | None,
    ) -> User:
        user = await self._password(request, found, password)
        await self._gateway.identity.totps.require(user.user_id, totp_code)
        return user

    async def _password(
        self, request: Request, found: tuple[User, str] | None, password: str
    ) -> User:
        stored_hash = found[1] if found else None
        # One that nobody could have chosen costs nothing, whoever is named.
        fits = len(password) <= LENGTH_MAX and await self._gateway.passwords.verify(
            password, stored_hash
        )
        if found is None or not fits or not self._may_enter(found[0].role):
            _log.info("login_refused", address=address_of(request))
            raise ApiError("INVALID_CREDENTIALS")
        if found[0].is_disabled:
            raise ApiError("USER_DISABLED")
        await self._upgrade(*found, password)
        return found[0]

    async def _upgrade(self, user: User, stored_hash: str, password: str) -> None:
        """Hash anew what was hashed more cheaply, unless there is no time for it now."""
        passwords = self._gateway.passwords
        if passwords.needs_rehash(stored_hash):
            try:
                new_hash = await passwords.hash(password)
                await self._gateway.users.upgrade_hash(user, stored_hash, new_hash)
            except ApiError as error:
                _log.info("password_not_rehashed", user_id=user.user_id, code=error.code)

    def _may_enter(self, role: str) -> bool:
        return self._audience != ADMIN_AUDIENCE or role in (Role.ADMIN, Role.AUDITOR)

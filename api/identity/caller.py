"""Who is asking, and what that lets them do.

The rule of this file: a handler learns who asks from a `Caller` and from nothing else: the account,
the role and the scopes come from what was proven, never from what was said.
"""

from collections.abc import Sequence
from enum import StrEnum

from fastapi import Request
from msgspec import Struct

from api.edge.errors import ApiError
from api.identity.users import Role
from shared.tokens import ADMIN_AUDIENCE, AUDIENCE, TokenError, TokenVerifier

_SCHEME = "bearer "


class Scope(StrEnum):
    """What a caller may do; who has logged in with a password may do all of it."""

    READ = "read"
    TRADE = "trade"
    WITHDRAW = "withdraw"
    MANAGE = "manage"  # Passwords, sessions, keys: never with a key.


ALL_SCOPES = frozenset(Scope)


class Caller(Struct, frozen=True):
    """Somebody who has proven who they are, and the account they speak for."""

    user_id: int
    account_id: int
    role: str
    scopes: frozenset[Scope]


class Callers:
    """Tells who sent a request."""

    def __init__(self, verifier: TokenVerifier) -> None:
        self._verifier = verifier

    async def trader(self, request: Request, scope: Scope) -> Caller:
        """Return who asks at the public door; raises ApiError unless they may do that."""
        caller = self._by_token(request, AUDIENCE)
        if scope not in caller.scopes:
            raise ApiError("FORBIDDEN")
        return caller

    async def operator(self, request: Request) -> Caller:
        """Return which admin asks at the operators' door; a trader's token opens nothing here."""
        caller = self._by_token(request, ADMIN_AUDIENCE)
        if caller.role != Role.ADMIN:
            raise ApiError("FORBIDDEN")
        return caller

    def _by_token(self, request: Request, audience: str) -> Caller:
        given: Sequence[str] = request.headers.getlist("authorization")
        if len(given) != 1 or given[0][: len(_SCHEME)].lower() != _SCHEME:
            raise ApiError("TOKEN_MISSING")
        try:
            claims = self._verifier.verify(given[0][len(_SCHEME) :].strip(), audience)
        except TokenError as error:
            raise ApiError(error.code) from None
        return Caller(int(claims.user_id), claims.account_id, claims.role, ALL_SCOPES)

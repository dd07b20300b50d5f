"""Who is asking, and what that lets them do.

The rule of this file: a handler learns who asks from a `Caller` and from nothing else: the account,
the role and the scopes come from what was proven, never from what was said. A request proves it in
one way: with a token, or with the signature of a key.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Protocol

from fastapi import Request
from msgspec import Struct

from api.edge.errors import ApiError
from api.identity.users import Role
from shared.claims import ADMIN_AUDIENCE, AUDIENCE, Claims, TokenError
from shared.revocations import Revocations
from shared.signing import KEY_HEADER
from shared.tokens import TokenVerifier

_SCHEME = "bearer "


class Scope(StrEnum):
    """What a caller may do; who has logged in with a password may do all of it."""

    READ = "read"
    TRADE = "trade"
    WITHDRAW = "withdraw"
    MANAGE = "manage"  # Passwords, sessions, keys: never with a key.


ALL_SCOPES = frozenset(Scope)
# At either door an auditor changes nothing but their own password and sessions.
AUDITOR_SCOPES = frozenset((Scope.READ, Scope.MANAGE))


class Caller(Struct, frozen=True):
    """Somebody who has proven who they are, and the account they speak for.

    `session_id` is that of the login, `key_id` that of the key that signed the request; else "".
    """

    user_id: int
    account_id: int
    role: str
    scopes: frozenset[Scope]
    session_id: str = ""
    key_id: str = ""


class Bearer(Struct, frozen=True):
    """A caller, until when that holds, and whether it was taken back meanwhile."""

    caller: Caller
    expires_at_s: int
    is_revoked: Callable[[], bool]


class Signatures(Protocol):
    """Tells who signed a request."""

    async def caller(self, request: Request) -> Caller:
        """Return whose key signed it; raises ApiError."""


class Callers:
    """Tells who sent a request."""

    def __init__(
        self,
        verifier: TokenVerifier,
        revocations: Revocations,
        signatures: Signatures,
        *,
        charge: Callable[[Request, Caller], None] = lambda _request, _caller: None,
    ) -> None:
        self._verifier = verifier
        self._revocations = revocations
        self._signatures = signatures
        self._charge = charge  # What counts a request to its account; raises ApiError.

    async def trader(self, request: Request, scope: Scope) -> Caller:
        """Return who asks at the public door; raises ApiError unless they may do that."""
        if KEY_HEADER in request.headers:
            caller = await self._signatures.caller(request)
        else:
            caller = self._by_token(request, AUDIENCE)
        if scope not in caller.scopes:
            raise ApiError("FORBIDDEN", field=caller.key_id and scope)
        self._charge(request, caller)
        return caller

    async def operator(self, request: Request, *, may_write: bool | None = None) -> Caller:
        """Return who asks at the operators' door; a trader's token opens nothing here.

        An auditor passes unless the handler may write; None: every method but GET may.
        """
        caller = self._by_token(request, ADMIN_AUDIENCE)
        writes = request.method != "GET" if may_write is None else may_write
        if caller.role != Role.ADMIN and (writes or caller.role != Role.AUDITOR):
            raise ApiError("FORBIDDEN")
        return caller

    async def user(self, request: Request, audience: str) -> Caller:
        """Return who has logged in at the door of `audience`, for what is theirs to manage."""
        caller = self._by_token(request, audience)
        self._charge(request, caller)
        return caller

    async def claims(self, request: Request, audience: str) -> Claims:
        """Return what the token of a request says, for what is handed on; raises ApiError."""
        claims = self._claims(request, audience)
        self._charge(request, _caller(claims))
        return claims

    def trader_by_token(self, token: str) -> Bearer:
        """Return who holds an access token of the public door, for a connection that outlives one
        request; raises ApiError.
        """
        claims = self._verified(token, AUDIENCE)
        session_id = claims.session_id
        return Bearer(
            _caller(claims), claims.expires_at_s, lambda: self._revocations.is_revoked(session_id)
        )

    def _by_token(self, request: Request, audience: str) -> Caller:
        return _caller(self._claims(request, audience))

    def _claims(self, request: Request, audience: str) -> Claims:
        if KEY_HEADER in request.headers:
            both = "authorization" in request.headers
            raise ApiError("TWO_CREDENTIALS" if both else "TOKEN_MISSING")
        given: Sequence[str] = request.headers.getlist("authorization")
        if len(given) != 1 or given[0][: len(_SCHEME)].lower() != _SCHEME:
            raise ApiError("TOKEN_MISSING")
        return self._verified(given[0][len(_SCHEME) :].strip(), audience)

    def _verified(self, token: str, audience: str) -> Claims:
        try:
            claims = self._verifier.verify(token, audience)
        except TokenError as error:
            raise ApiError(error.code) from None
        if self._revocations.is_revoked(claims.session_id):
            raise ApiError("SESSION_REVOKED")
        return claims


def _caller(claims: Claims) -> Caller:
    scopes = AUDITOR_SCOPES if claims.role == Role.AUDITOR else ALL_SCOPES
    return Caller(int(claims.user_id), claims.account_id, claims.role, scopes, claims.session_id)

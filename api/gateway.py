"""What the request handlers of one gateway process share.

The rule of this file: one object, made by the composition root and handed down; there is no global.
"""

from dataclasses import dataclass

from fastapi import Request

from api.catalog import Catalog
from api.deposits import Deposits
from api.errors import ApiError
from api.metrics import Metrics
from api.passwords import PasswordPool
from api.store import Store
from api.tokens import TokenIssuer
from api.users import Role, Users
from shared.bus import CommandBus
from shared.tokens import ADMIN_AUDIENCE, AUDIENCE, Claims, TokenError, TokenVerifier

_SCHEME = "bearer "


@dataclass(frozen=True, slots=True)
class Gateway:
    """The parts; whoever makes them starts and closes them."""

    bus: CommandBus
    store: Store
    catalog: Catalog
    users: Users
    deposits: Deposits
    passwords: PasswordPool
    issuer: TokenIssuer
    verifier: TokenVerifier
    metrics: Metrics

    def trader(self, request: Request) -> Claims:
        """Return who is asking; raises ApiError unless there is a valid token for this door."""
        return self._claims(request, AUDIENCE)

    def admin(self, request: Request) -> Claims:
        """Return which admin is asking; a trader's token opens nothing here."""
        claims = self._claims(request, ADMIN_AUDIENCE)
        if claims.role != Role.ADMIN:
            raise ApiError("FORBIDDEN")
        return claims

    def _claims(self, request: Request, audience: str) -> Claims:
        given = request.headers.getlist("authorization")
        if len(given) != 1 or given[0][: len(_SCHEME)].lower() != _SCHEME:
            raise ApiError("TOKEN_MISSING")
        try:
            return self.verifier.verify(given[0][len(_SCHEME) :].strip(), audience)
        except TokenError as error:
            raise ApiError(error.code) from None


def address_of(request: Request) -> str:
    """Return the address that the connection comes from; no header can change it."""
    return request.client.host if request.client else ""

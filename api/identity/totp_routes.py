"""Switching the second factor on and off.

The rule of this file: a stolen token alone changes nothing here.
"""

from fastapi import APIRouter, Request, Response

from api.edge.answers import answer
from api.edge.body import read_body
from api.edge.docs import describe
from api.edge.errors import ApiError
from api.edge.params import query_of
from api.gateway import Gateway
from api.identity.proof import Proof
from shared.logs import get_logger
from shared.rest.identity import (
    TotpBeginBody,
    TotpBegun,
    TotpConfirmBody,
    TotpRemoveBody,
    TotpState,
)

_log = get_logger(__name__)


class TotpHandlers:
    """The handlers of one door."""

    def __init__(self, gateway: Gateway, audience: str, proof: Proof) -> None:
        self._gateway = gateway
        self._audience = audience
        self._proof = proof

    async def begin(self, request: Request) -> Response:
        """Make a secret for an authenticator; it counts once a code of it is confirmed."""
        caller = await self._gateway.callers.user(request, self._audience)
        query_of(request)
        body = await read_body(request, TotpBeginBody)
        user = await self._proof.only_password(request, caller, body.current_password)
        begun = await self._gateway.identity.totps.begin(user)
        return answer(TotpBegun(begun.secret, begun.otpauth_uri), 201)

    async def confirm(self, request: Request) -> Response:
        """Switch the second factor on: from now on a login needs a code."""
        caller = await self._gateway.callers.user(request, self._audience)
        query_of(request)
        body = await read_body(request, TotpConfirmBody)
        await self._gateway.identity.totps.confirm(caller.user_id, body.totp_code)
        _log.info("totp_enabled", user_id=caller.user_id)
        return answer(TotpState(totp_enabled=True))

    async def remove(self, request: Request) -> Response:
        """Switch the second factor off."""
        caller = await self._gateway.callers.user(request, self._audience)
        query_of(request)
        body = await read_body(request, TotpRemoveBody)
        user = await self._proof.of_caller(request, caller, body.current_password, body.totp_code)
        if not await self._gateway.identity.totps.remove(user.user_id):
            raise ApiError("TOTP_NOT_ENABLED")
        _log.info("totp_removed", user_id=user.user_id)
        return answer(TotpState(totp_enabled=False))


def add_totp_routes(router: APIRouter, gateway: Gateway, audience: str, proof: Proof) -> None:
    """Add the routes under /auth/totp."""
    handlers = TotpHandlers(gateway, audience, proof)
    limited = ("TOO_MANY_ATTEMPTS", "USERS_UNAVAILABLE")
    extra = describe(
        answers={201: TotpBegun},
        body=TotpBeginBody,
        errors=("INVALID_CREDENTIALS", "USER_DISABLED", "TOTP_ENABLED", *limited),
    )
    router.add_api_route("/totp", handlers.begin, methods=["POST"], openapi_extra=extra)
    extra = describe(
        answers={200: TotpState},
        body=TotpConfirmBody,
        errors=("TOTP_NOT_ENABLED", "TOTP_ENABLED", "INVALID_TOTP_CODE", *limited),
    )
    router.add_api_route("/totp/confirm", handlers.confirm, methods=["POST"], openapi_extra=extra)
    extra = describe(
        answers={200: TotpState},
        body=TotpRemoveBody,
        errors=(
            "INVALID_CREDENTIALS",
            "USER_DISABLED",
            "TOTP_NOT_ENABLED",
            "TOTP_REQUIRED",
            "INVALID_TOTP_CODE",
            *limited,
        ),
    )
    router.add_api_route("/totp/remove", handlers.remove, methods=["POST"], openapi_extra=extra)

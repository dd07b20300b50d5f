"""Changing a password, and setting one that was forgotten.

The rule of this file: a new password ends what the old one opened.
"""

from fastapi import APIRouter, Request, Response

from api.edge.address import address_of
from api.edge.answers import answer
from api.edge.body import read_body
from api.edge.docs import describe
from api.edge.params import query_of
from api.gateway import Gateway
from api.identity.passwords import check_password
from api.identity.proof import Proof
from shared.claims import AUDIENCE
from shared.logs import get_logger
from shared.rest.identity import PasswordBody, PasswordResetBody, UserName

_log = get_logger(__name__)


class PasswordHandlers:
    """The handlers of one door."""

    def __init__(self, gateway: Gateway, audience: str, proof: Proof) -> None:
        self._gateway = gateway
        self._audience = audience
        self._proof = proof

    async def change(self, request: Request) -> Response:
        """Change the password; all other sessions end."""
        caller = await self._gateway.callers.user(request, self._audience)
        query_of(request)
        body = await read_body(request, PasswordBody)
        gateway = self._gateway
        user = await self._proof.of_caller(request, caller, body.current_password, body.totp_code)
        check_password(body.new_password, user.username, field="new_password")
        password_hash = await gateway.passwords.hash(body.new_password)
        await gateway.identity.standing.change_password(
            user, password_hash, kept_session_id=caller.session_id
        )
        _log.info("password_changed", user_id=user.user_id, address=address_of(request))
        return answer(UserName(user.user_id, user.username))

    async def reset(self, request: Request) -> Response:
        """Set a new password with a code that the operator issued; all sessions end."""
        query_of(request)
        body = await read_body(request, PasswordResetBody)
        gateway = self._gateway
        self._proof.count_visit(request)
        self._proof.count_name(body.username[:64])
        check_password(body.new_password, body.username, field="new_password")
        # Before the code is looked at: a name without one takes as long as a wrong code.
        password_hash = await gateway.passwords.hash(body.new_password)
        found = await gateway.users.find(body.username[:64])
        user = found[0] if found else None
        await gateway.identity.reset_codes.redeem(user, body.code[:64], password_hash)
        assert user is not None, "nobody's code is refused"
        _log.info("password_reset", user_id=user.user_id, address=address_of(request))
        return answer(UserName(user.user_id, user.username))


def add_password_routes(router: APIRouter, gateway: Gateway, audience: str, proof: Proof) -> None:
    """Add the routes under /auth/password; a reset is for the public door."""
    handlers = PasswordHandlers(gateway, audience, proof)
    extra = describe(
        answers={200: UserName},
        body=PasswordBody,
        errors=(
            "INVALID_CREDENTIALS",
            "INVALID_PASSWORD",
            "TOTP_REQUIRED",
            "INVALID_TOTP_CODE",
            "USER_DISABLED",
            "TOO_MANY_ATTEMPTS",
            "USERS_UNAVAILABLE",
        ),
    )
    router.add_api_route("/password", handlers.change, methods=["POST"], openapi_extra=extra)
    if audience == AUDIENCE:
        extra = describe(
            answers={200: UserName},
            body=PasswordResetBody,
            secured=False,
            errors=(
                "INVALID_RESET_CODE",
                "INVALID_PASSWORD",
                "TOO_MANY_ATTEMPTS",
                "USERS_UNAVAILABLE",
            ),
        )
        router.add_api_route(
            "/password/reset", handlers.reset, methods=["POST"], openapi_extra=extra
        )

"""Registering, logging in, staying in, and leaving.

The rule of this file: whoever comes in is given one session, and every token belongs to it.
"""

from fastapi import APIRouter, Request, Response

from api.edge.address import address_of
from api.edge.answers import answer
from api.edge.body import read_body
from api.edge.docs import describe
from api.edge.errors import ApiError
from api.edge.params import query_of
from api.gateway import Gateway
from api.identity.password_routes import add_password_routes
from api.identity.passwords import check_password
from api.identity.proof import Proof
from api.identity.session_routes import add_session_routes
from api.identity.sessions import Ended, Opened
from api.identity.ticket_routes import add_ticket_route
from api.identity.totp_routes import add_totp_routes
from api.identity.users import Role, check_username
from api.paths import PREFIX
from shared.claims import AUDIENCE
from shared.logs import get_logger
from shared.rest.identity import (
    Credentials,
    LoggedIn,
    LoginBody,
    Me,
    RefreshBody,
    Registered,
    SessionsEnded,
)

LIMITED = ("TOO_MANY_ATTEMPTS", "USERS_UNAVAILABLE")

_log = get_logger(__name__)


class Auth:
    """The handlers of one door."""

    def __init__(self, gateway: Gateway, audience: str, proof: Proof) -> None:
        self._gateway = gateway
        self._audience = audience
        self._proof = proof

    async def register(self, request: Request) -> Response:
        """Register a user with an account of its own."""
        query_of(request)
        body = await read_body(request, Credentials)
        check_username(body.username)
        check_password(body.password, body.username)
        self._proof.count_visit(request)
        if await self._gateway.users.find(body.username) is not None:
            raise ApiError("USERNAME_TAKEN", field="username")
        password_hash = await self._gateway.passwords.hash(body.password)
        user = await self._gateway.users.create(body.username, password_hash, Role.TRADER)
        _log.info("registered", user_id=user.user_id, account_id=user.account_id)
        return answer(Registered(user.user_id, user.username, user.account_id), 201)

    async def login(self, request: Request) -> Response:
        """Log in: a token for an account, and one to stay logged in with."""
        query_of(request)
        body = await read_body(request, LoginBody)
        identity = self._gateway.identity
        user = await self._proof.by_name(request, body.username, body.password, body.totp_code)
        if body.account_id is not None:
            await identity.accounts.require_own(user.user_id, body.account_id)
        opened = await identity.sessions.open(
            user,
            audience=self._audience,
            account_id=body.account_id or user.account_id,
            address=address_of(request),
        )
        _log.info("logged_in", user_id=user.user_id, session_id=opened.session.session_id)
        return self._logged_in(user.role, opened)

    async def refresh(self, request: Request) -> Response:
        """Exchange a refresh token for new tokens; it is good once."""
        query_of(request)
        body = await read_body(request, RefreshBody)
        self._proof.count_refresh(body.refresh_token)
        role, opened = await self._gateway.identity.refreshing.refresh(
            body.refresh_token,
            audience=self._audience,
            account_id=body.account_id,
            address=address_of(request),
        )
        return self._logged_in(role, opened)

    async def logout(self, request: Request) -> Response:
        """End the session of this token: its tokens are good nowhere any more."""
        caller = await self._gateway.callers.user(request, self._audience)
        query_of(request)
        await self._gateway.identity.sessions.revoke(
            caller.user_id, caller.session_id, Ended.LOGOUT
        )
        _log.info("logged_out", user_id=caller.user_id, session_id=caller.session_id)
        return answer(SessionsEnded(1))

    async def me(self, request: Request) -> Response:
        """Tell who the token speaks for."""
        caller = await self._gateway.callers.user(request, self._audience)
        query_of(request)
        found = await self._gateway.users.get(caller.user_id)
        if found is None:
            raise ApiError("INVALID_TOKEN")  # Of another database than this one.
        user = found[0]
        return answer(
            Me(
                user.user_id,
                user.username,
                user.role,
                caller.account_id,
                user.account_id,
                caller.session_id,
                await self._gateway.identity.totps.is_enabled(user.user_id),
                user.created_at_s,
            )
        )

    def _logged_in(self, role: str, opened: Opened) -> Response:
        session, issuer = opened.session, self._gateway.issuer
        token = issuer.issue(
            user_id=session.user_id,
            account_id=session.account_id,
            role=role,
            audience=self._audience,
            session_id=session.session_id,
        )
        left_s = session.expires_at_s - self._gateway.identity.sessions.now_s()
        return answer(
            LoggedIn(
                token,
                "Bearer",
                issuer.lifetime_s,
                session.account_id,
                opened.refresh_token,
                left_s,
                session.session_id,
            )
        )


def auth_routes(gateway: Gateway, audience: str = AUDIENCE) -> APIRouter:
    """Return the routes under /auth; nobody registers or resets a password at the admin door."""
    proof = Proof(gateway, audience)
    auth = Auth(gateway, audience, proof)
    router = APIRouter(prefix=f"{PREFIX}/auth", tags=["auth"])
    if audience == AUDIENCE:
        extra = describe(
            answers={201: Registered},
            body=Credentials,
            secured=False,
            errors=("INVALID_USERNAME", "INVALID_PASSWORD", "USERNAME_TAKEN", *LIMITED),
        )
        router.add_api_route("/register", auth.register, methods=["POST"], openapi_extra=extra)
        add_ticket_route(router, gateway)
    _add_login(router, auth)
    extra = describe(answers={200: SessionsEnded}, errors=("UNKNOWN_SESSION", *LIMITED))
    router.add_api_route("/logout", auth.logout, methods=["POST"], openapi_extra=extra)
    extra = describe(answers={200: Me}, errors=LIMITED)
    router.add_api_route("/me", auth.me, methods=["GET"], openapi_extra=extra)
    add_session_routes(router, gateway, audience)
    add_password_routes(router, gateway, audience, proof)
    add_totp_routes(router, gateway, audience, proof)
    return router


def _add_login(router: APIRouter, auth: Auth) -> None:
    proof_errors = ("INVALID_CREDENTIALS", "TOTP_REQUIRED", "INVALID_TOTP_CODE", "USER_DISABLED")
    extra = describe(
        answers={200: LoggedIn},
        body=LoginBody,
        secured=False,
        errors=(*proof_errors, "UNKNOWN_ACCOUNT", *LIMITED),
    )
    router.add_api_route("/login", auth.login, methods=["POST"], openapi_extra=extra)
    extra = describe(
        answers={200: LoggedIn},
        body=RefreshBody,
        secured=False,
        errors=("INVALID_REFRESH_TOKEN", "UNKNOWN_ACCOUNT", *LIMITED),
    )
    router.add_api_route("/refresh", auth.refresh, methods=["POST"], openapi_extra=extra)

"""Registering and logging in.

The rule of this file: limits before hashing, hashing before truth, and a wrong name and a wrong
password are the same answer in the same time.
"""

from fastapi import APIRouter, Request, Response

from api.edge.answers import answer
from api.edge.body import read_body
from api.edge.docs import describe
from api.edge.errors import ApiError
from api.gateway import Gateway, address_of
from api.identity.attempts import AttemptLimiter
from api.identity.passwords import LENGTH_MAX, check_password
from api.identity.users import Role, check_username
from api.paths import PREFIX
from shared.logs import get_logger
from shared.rest.identity import Credentials, LoggedIn, Registered
from shared.tokens import ADMIN_AUDIENCE, AUDIENCE

LOGIN_BURST = 10  # Per username: a person who mistypes, not a list of passwords.
LOGINS_PER_MINUTE = 10
ADDRESS_BURST = 60  # Per address: an office behind one router, or a tour that registers its users.
ATTEMPTS_PER_ADDRESS_PER_MINUTE = 60

_log = get_logger(__name__)


class Auth:
    """The two routes, for one audience."""

    def __init__(self, gateway: Gateway, audience: str) -> None:
        self._gateway = gateway
        self._audience = audience
        # Of this door alone: guesses at the public one must not keep an operator out.
        self._login_attempts = AttemptLimiter(burst=LOGIN_BURST, per_minute=LOGINS_PER_MINUTE)
        self._address_attempts = AttemptLimiter(
            burst=ADDRESS_BURST, per_minute=ATTEMPTS_PER_ADDRESS_PER_MINUTE
        )

    async def register(self, request: Request) -> Response:
        """Register a user with an account of its own."""
        body = await read_body(request, Credentials)
        check_username(body.username)
        check_password(body.password)
        self._address_attempts.take(address_of(request))
        if await self._gateway.users.find(body.username) is not None:
            raise ApiError("USERNAME_TAKEN", field="username")
        password_hash = await self._gateway.passwords.hash(body.password)
        user = await self._gateway.users.create(body.username, password_hash, Role.TRADER)
        _log.info("registered", user_id=user.user_id, account_id=user.account_id)
        return answer(Registered(user.user_id, user.username, user.account_id), 201)

    async def login(self, request: Request) -> Response:
        """Log in: a token for the account."""
        body = await read_body(request, Credentials)
        gateway = self._gateway
        self._address_attempts.take(address_of(request))
        if len(body.username) > LENGTH_MAX or len(body.password) > LENGTH_MAX:
            raise ApiError("INVALID_CREDENTIALS")  # Neither could have been chosen.
        self._login_attempts.take(body.username.lower())
        found = await gateway.users.find(body.username)
        fits = await gateway.passwords.verify(body.password, found[1] if found else None)
        if found is None or not fits or not self._may_enter(found[0].role):
            _log.info("login_refused", address=address_of(request))
            raise ApiError("INVALID_CREDENTIALS")
        user = found[0]
        token = gateway.issuer.issue(
            user_id=user.user_id,
            account_id=user.account_id,
            role=user.role,
            audience=self._audience,
        )
        _log.info("logged_in", user_id=user.user_id)
        return answer(LoggedIn(token, "Bearer", gateway.issuer.lifetime_s, user.account_id))

    def _may_enter(self, role: str) -> bool:
        return self._audience != ADMIN_AUDIENCE or role == Role.ADMIN


def auth_routes(gateway: Gateway, audience: str = AUDIENCE) -> APIRouter:
    """Return the routes under /auth; nobody registers at the admin door."""
    auth = Auth(gateway, audience)
    router = APIRouter(prefix=f"{PREFIX}/auth", tags=["auth"])
    limited = ("TOO_MANY_ATTEMPTS", "USERS_UNAVAILABLE")
    if audience == AUDIENCE:
        extra = describe(
            answers={201: Registered},
            body=Credentials,
            secured=False,
            errors=("INVALID_USERNAME", "INVALID_PASSWORD", "USERNAME_TAKEN", *limited),
        )
        router.add_api_route("/register", auth.register, methods=["POST"], openapi_extra=extra)
    extra = describe(
        answers={200: LoggedIn},
        body=Credentials,
        secured=False,
        errors=("INVALID_CREDENTIALS", *limited),
    )
    router.add_api_route("/login", auth.login, methods=["POST"], openapi_extra=extra)
    return router

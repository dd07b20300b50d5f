"""A user's trading accounts: to see them, to add one, to name one.

The rule of this file: which account a request is about is never said here; it is in the token.
"""

from fastapi import APIRouter, Request, Response

from api.edge.answers import answer
from api.edge.body import read_body
from api.edge.docs import describe
from api.edge.errors import ApiError
from api.edge.params import query_of
from api.gateway import Gateway
from api.identity.accounts import Account
from api.identity.caller import Caller, Scope
from api.identity.users import User
from api.paths import PREFIX
from shared.logs import get_logger
from shared.rest.identity import AccountBody, AccountList, AccountView

LABEL_LENGTH_MAX = 32

_log = get_logger(__name__)


class AccountHandlers:
    """The handlers."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def list(self, request: Request) -> Response:
        """List the user's trading accounts."""
        caller = await self._gateway.callers.trader(request, Scope.READ)
        query_of(request)
        user = await self._user(caller)
        own = await self._gateway.identity.accounts.own(user.user_id)
        return answer(AccountList([_view(account, user) for account in own]))

    async def create(self, request: Request) -> Response:
        """Add a trading account; log in or refresh with its account_id to speak for it."""
        caller = await self._gateway.callers.trader(request, Scope.MANAGE)
        query_of(request)
        body = await read_body(request, AccountBody)
        label, user = _checked_label(body.label), await self._user(caller)
        account = await self._gateway.identity.accounts.create(user, label)
        _log.info("account_created", user_id=user.user_id, account_id=account.account_id)
        return answer(_view(account, user), 201)

    async def rename(self, request: Request) -> Response:
        """Give one of the user's trading accounts another label."""
        caller = await self._gateway.callers.trader(request, Scope.MANAGE)
        query_of(request)
        body = await read_body(request, AccountBody)
        label, user = _checked_label(body.label), await self._user(caller)
        account = await self._gateway.identity.accounts.rename(
            user.user_id, account_id_of(request), label
        )
        return answer(_view(account, user))

    async def _user(self, caller: Caller) -> User:
        found = await self._gateway.users.get(caller.user_id)
        if found is None:
            raise ApiError("INVALID_TOKEN")  # Of another database than this one.
        return found[0]


def account_id_of(request: Request) -> int:
    """Return the account in the path; what is no number is unknown like any other."""
    text = request.path_params["account_id"]
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise ApiError("UNKNOWN_ACCOUNT", field="account_id")
    return int(text)


def _checked_label(label: str) -> str:
    label = label.strip()
    if not 1 <= len(label) <= LABEL_LENGTH_MAX or not label.isprintable():
        raise ApiError("INVALID_LABEL", field="label")
    return label


def _view(account: Account, user: User) -> AccountView:
    is_main = account.account_id == user.account_id
    return AccountView(account.account_id, account.label, is_main, account.created_at_s)


def own_account_routes(gateway: Gateway) -> APIRouter:
    """Return the routes under /accounts."""
    handlers = AccountHandlers(gateway)
    router = APIRouter(prefix=f"{PREFIX}/accounts", tags=["accounts"])
    extra = describe(answers={200: AccountList}, errors=("FORBIDDEN", "USERS_UNAVAILABLE"))
    router.add_api_route("", handlers.list, methods=["GET"], openapi_extra=extra)
    refused = ("FORBIDDEN", "INVALID_LABEL", "USERS_UNAVAILABLE")
    extra = describe(
        answers={201: AccountView}, body=AccountBody, errors=("TOO_MANY_ACCOUNTS", *refused)
    )
    router.add_api_route("", handlers.create, methods=["POST"], openapi_extra=extra)
    account_id = {
        "name": "account_id",
        "in": "path",
        "required": True,
        "schema": {"type": "string"},
    }
    extra = describe(
        answers={200: AccountView},
        body=AccountBody,
        errors=("UNKNOWN_ACCOUNT", *refused),
        parameters=(account_id,),
    )
    router.add_api_route("/{account_id}", handlers.rename, methods=["PATCH"], openapi_extra=extra)
    return router

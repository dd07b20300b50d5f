"""The operators' routes for users: to find them, to help them in, and to shut them out.

The rule of this file: every change is noted before it is made, and nobody changes their own
standing, so that no operator is the last to shut the door behind themselves.
"""

from fastapi import APIRouter, Request, Response

from api.edge.answers import answer
from api.edge.body import read_body
from api.edge.docs import describe, query
from api.edge.errors import ApiError
from api.edge.pages import page_of
from api.edge.params import integer, query_of
from api.gateway import Gateway
from api.identity.caller import Caller
from api.identity.reset_codes import LIFETIME_S
from api.identity.users import Role, User
from api.paths import PREFIX
from shared.rest.identity import TotpState
from shared.rest.operating import ReasonBody
from shared.rest.users import ResetCode, UserList, UserPatch, UserView

USERS_DEFAULT = 100
USERS_MAX = 500
ID_LENGTH_MAX = 9  # Any user_id fits the database's 32 bits.


class AdminUsers:
    """The handlers."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def list(self, request: Request) -> Response:
        """List the users, the oldest first, or those whose name begins as given."""
        await self._gateway.callers.operator(request)
        given = query_of(request, "cursor", "limit", "username")
        limit = integer(given, "limit", USERS_DEFAULT, least=1, most=USERS_MAX)
        after_id = integer(given, "cursor", 0, least=0, most=2**31 - 1)
        found = await self._gateway.users.page(
            after_user_id=after_id, limit=limit + 1, beginning=_text(given, "username")
        )
        shown, more = page_of(found, limit, lambda user: user.user_id)
        return answer(UserList([_view(user) for user in shown], more))

    async def change(self, request: Request) -> Response:
        """Change a user's role, or disable them or let them in again; their sessions end."""
        caller = await self._gateway.callers.operator(request, may_write=True)
        query_of(request)
        body = await read_body(request, UserPatch)
        user = await self._other(caller, request)
        role = None if body.role is None else Role(body.role)
        async with self._gateway.audit.action(
            caller,
            request,
            "user.change",
            target=_target(user),
            reason=body.reason,
            before=_view(user),
        ) as entry:
            _, after = await self._gateway.identity.standing.change(
                user.user_id, role=role, is_disabled=body.is_disabled
            )
            entry.after = _view(after)
        return answer(_view(after))

    async def issue_reset_code(self, request: Request) -> Response:
        """Issue a code with which a user who has forgotten the password sets a new one."""
        caller = await self._gateway.callers.operator(request, may_write=True)
        query_of(request)
        body = await read_body(request, ReasonBody)
        user = await self._user(request)
        async with self._gateway.audit.action(
            caller, request, "user.reset_code", target=_target(user), reason=body.reason
        ):
            code = await self._gateway.identity.reset_codes.issue_reset_code(user.user_id)
        return answer(ResetCode(user.user_id, user.username, code, LIFETIME_S), 201)

    async def remove_totp(self, request: Request) -> Response:
        """Switch off the second factor of a user who has lost it."""
        caller = await self._gateway.callers.operator(request, may_write=True)
        query_of(request)
        body = await read_body(request, ReasonBody)
        user = await self._other(caller, request)
        async with self._gateway.audit.action(
            caller, request, "user.remove_totp", target=_target(user), reason=body.reason
        ):
            if not await self._gateway.identity.totps.remove(user.user_id):
                raise ApiError("TOTP_NOT_ENABLED")
        return answer(TotpState(totp_enabled=False))

    async def _other(self, caller: Caller, request: Request) -> User:
        user = await self._user(request)
        if user.user_id == caller.user_id:
            raise ApiError("FORBIDDEN", "Nobody does this to themselves; ask another operator.")
        return user

    async def _user(self, request: Request) -> User:
        text = request.path_params["user_id"]
        if not text.isascii() or not text.isdigit() or len(text) > ID_LENGTH_MAX:
            raise ApiError("UNKNOWN_USER", field="user_id")
        found = await self._gateway.users.get(int(text))
        if found is None:
            raise ApiError("UNKNOWN_USER", field="user_id")
        return found[0]


def _text(given: dict[str, str], name: str) -> str:
    text = given.get(name, "")
    if not text.isprintable() or len(text) > 32:
        raise ApiError("INVALID_PARAMETER", field=name)
    return text


def _target(user: User) -> str:
    return f"user:{user.username}"


def _view(user: User) -> UserView:
    return UserView(
        user.user_id,
        user.username,
        Role(user.role).value,
        user.account_id,
        user.is_disabled,
        user.created_at_s,
    )


def user_routes(gateway: Gateway) -> APIRouter:
    """Return the routes under /admin/users."""
    users = AdminUsers(gateway)
    router = APIRouter(prefix=f"{PREFIX}/admin/users", tags=["admin"])
    parameters = (
        query("cursor", "The `next_cursor` of the answer before."),
        query("limit", "At most.", kind="integer", minimum=1, maximum=USERS_MAX),
        query("username", "Only names that begin so, in any case."),
    )
    errors = ("FORBIDDEN", "USERS_UNAVAILABLE")
    extra = describe(
        answers={200: UserList}, parameters=parameters, errors=("INVALID_PARAMETER", *errors)
    )
    router.add_api_route("", users.list, methods=["GET"], openapi_extra=extra)
    of_change = ("UNKNOWN_USER", "INVALID_REASON", "AUDIT_UNAVAILABLE", *errors)
    user_id = {"name": "user_id", "in": "path", "required": True, "schema": {"type": "string"}}
    extra = describe(
        answers={200: UserView}, body=UserPatch, errors=of_change, parameters=(user_id,)
    )
    router.add_api_route("/{user_id}", users.change, methods=["PATCH"], openapi_extra=extra)
    extra = describe(
        answers={201: ResetCode}, body=ReasonBody, errors=of_change, parameters=(user_id,)
    )
    router.add_api_route(
        "/{user_id}/reset-code", users.issue_reset_code, methods=["POST"], openapi_extra=extra
    )
    extra = describe(
        answers={200: TotpState},
        body=ReasonBody,
        errors=("TOTP_NOT_ENABLED", *of_change),
        parameters=(user_id,),
    )
    router.add_api_route(
        "/{user_id}/remove-totp", users.remove_totp, methods=["POST"], openapi_extra=extra
    )
    return router

"""Limits and bans for operators.

The rule of this file: whatever it changes is in the audit log first.
"""

from fastapi import APIRouter, Request, Response

from api.edge.answers import answer
from api.edge.body import read_body
from api.edge.docs import describe, query
from api.edge.errors import ApiError
from api.edge.params import integer, query_of, required
from api.gateway import Gateway
from api.limits.limiter import AccountLimits
from api.paths import PREFIX
from shared.addresses import counted_as
from shared.rest.limits import AccountLimitsBody, AccountLimitsView, BanList, BanView

BANS_DEFAULT = 100
BANS_SHOWN_MAX = 1_000


class LimitRoutes:
    """The handlers."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._limits = gateway.limits

    async def bans(self, request: Request) -> Response:
        """List the addresses that are banned now."""
        await self._gateway.callers.operator(request)
        given = query_of(request, "limit")
        limit = integer(given, "limit", BANS_DEFAULT, least=1, most=BANS_SHOWN_MAX)
        bans = self._limits.bans.present(self._limits.clock())
        views = [BanView(ban.address, ban.count, ban.at_s, ban.until_s) for ban in bans[:limit]]
        return answer(BanList(views, len(bans)))

    async def lift(self, request: Request) -> Response:
        """Let a banned address back in; the other gateways follow within a second."""
        caller = await self._gateway.callers.operator(request)
        given = query_of(request, "address", "reason")
        address, reason = counted_as(required(given, "address")), required(given, "reason")
        before = self._ban_of(address)
        async with self._gateway.audit.action(
            caller, request, "ban.lift", target=f"address:{address}", reason=reason, before=before
        ):
            if self._limits.bans.lift(address, self._limits.clock()) is None:
                raise ApiError("UNKNOWN_BAN", field="address")
        return answer(before)

    def _ban_of(self, address: str) -> BanView:
        ban = self._limits.bans.known(address)
        if ban is None or ban.until_s <= self._limits.clock():
            raise ApiError("UNKNOWN_BAN", field="address")
        return BanView(ban.address, ban.count, ban.at_s, ban.until_s)

    async def account(self, request: Request, account_id: str) -> Response:
        """Show the limits of an account."""
        await self._gateway.callers.operator(request)
        query_of(request)
        return answer(self._view(await self._known(account_id)))

    async def set_account(self, request: Request, account_id: str) -> Response:
        """Give an account limits of its own; with neither, it has everybody's again."""
        caller = await self._gateway.callers.operator(request)
        query_of(request)
        body = await read_body(request, AccountLimitsBody)
        number = await self._known(account_id)
        async with self._gateway.audit.action(
            caller,
            request,
            "account.limits",
            target=f"account:{number}",
            reason=body.reason,
            before=self._view(number),
        ) as entry:
            wanted = AccountLimits(body.orders_per_10s, body.orders_per_day)
            await self._gateway.account_limits.set(number, wanted)
            entry.after = self._view(number)
        return answer(entry.after)

    async def _known(self, account_id: str) -> int:
        is_number = account_id.isascii() and account_id.isdigit() and len(account_id) <= 18
        number = int(account_id) if is_number else 0
        if not number or await self._gateway.users.find_account(number) is None:
            raise ApiError("UNKNOWN_USER", field="account_id")
        return number

    def _view(self, account_id: int) -> AccountLimitsView:
        own = self._limits.own_limits.get(account_id, AccountLimits())
        return AccountLimitsView(account_id, own.orders_per_10s, own.orders_per_day)


def limit_routes(gateway: Gateway) -> APIRouter:
    """Return the routes under /admin/limits, and those of an account's limits."""
    limits = LimitRoutes(gateway)
    router = APIRouter(prefix=f"{PREFIX}/admin", tags=["admin"])
    shown = query("limit", "At most.", kind="integer", minimum=1, maximum=BANS_SHOWN_MAX)
    address = query("address", "As it is listed, or any address in it.", required=True)
    reason = query("reason", "Why: one line, kept in the audit log.", required=True)
    noted = ("FORBIDDEN", "AUDIT_UNAVAILABLE", "INVALID_REASON")
    of_account = ("FORBIDDEN", "UNKNOWN_USER", "USERS_UNAVAILABLE")
    of_change = (*of_account, *noted[1:], "TOO_MANY_EXCEPTIONS")
    of_bans = ("FORBIDDEN", "INVALID_PARAMETER")
    listed = describe(answers={200: BanList}, parameters=(shown,), errors=of_bans)
    errors = (*noted, "UNKNOWN_BAN", "MISSING_FIELD")
    lifted = describe(answers={200: BanView}, parameters=(address, reason), errors=errors)
    view = describe(answers={200: AccountLimitsView}, errors=of_account)
    change = describe(answers={200: AccountLimitsView}, body=AccountLimitsBody, errors=of_change)
    path = "/accounts/{account_id}/limits"
    router.add_api_route("/limits/bans", limits.bans, methods=["GET"], openapi_extra=listed)
    router.add_api_route("/limits/bans", limits.lift, methods=["DELETE"], openapi_extra=lifted)
    router.add_api_route(path, limits.account, methods=["GET"], openapi_extra=view)
    router.add_api_route(path, limits.set_account, methods=["PUT"], openapi_extra=change)
    return router

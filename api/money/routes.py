"""Money in and out, as the owner of an account sees it.

The rule of this file: the account is the token's, always; another account's withdrawal and one that
does not exist get the same answer.
"""

import secrets

from fastapi import APIRouter, Request, Response

from api.edge.answers import answer
from api.edge.body import read_body
from api.edge.params import checked_idempotency_key, idempotency_key_of, integer, query_of
from api.gateway import Gateway
from api.identity.caller import Scope
from api.money import docs
from api.money.fields import (
    accepted,
    asset_in,
    atoms_of,
    check_line,
    limit_of,
    withdrawal_id_of,
    word_of,
)
from api.money.views import deposit_view, withdrawal_fields, withdrawal_view
from api.money.withdrawal_rows import Claim, Decision
from api.money.withdrawals import Told, Wish, withdrawal_url
from api.paths import PREFIX
from shared.outcomes import Accepted
from shared.rest.money import (
    DESTINATION_LENGTH_MAX,
    Deposits,
    WithdrawalAnswer,
    WithdrawalBody,
    Withdrawals,
)

OWNER = "owner"


class Money:
    """The handlers."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def request(self, request: Request) -> Response:
        """Ask for money out: it is held at once, and goes when an operator approves it.

        The key counts for ever, and a repeat shows the withdrawal as it is by then.
        """
        caller = await self._gateway.callers.trader(request, Scope.WITHDRAW)
        query_of(request)
        key = idempotency_key_of(request)
        body = await read_body(request, WithdrawalBody)
        asset = await self._gateway.catalog.asset(body.asset)
        atoms = atoms_of(body.amount, asset)
        check_line(
            body.destination, "destination", "INVALID_DESTINATION", most=DESTINATION_LENGTH_MAX
        )

        wish = Wish(caller.account_id, key, asset.asset, atoms, body.destination)

        async def authorise() -> None:
            # Of a repeat it is not asked: its code was used up by the first.
            await self._gateway.identity.totps.require(caller.user_id, body.totp_code)

        told = await self._gateway.money.withdrawals.request(wish, authorise)
        if isinstance(told, Accepted):
            url = f"{PREFIX}/withdrawals?idempotency_key={key}"
            return accepted(told.n, url, key)
        return await self._told(told, key, 201)

    async def cancel(self, request: Request, withdrawal_id: str) -> Response:
        """Take back a pending withdrawal; once is as good as often."""
        caller = await self._gateway.callers.trader(request, Scope.WITHDRAW)
        query_of(request)
        wanted = withdrawal_id_of(withdrawal_id)
        row = await self._gateway.money.withdrawals.book.find(wanted, caller.account_id)
        await self._gateway.catalog.asset(row.asset)  # What cannot be shown is not begun.
        claim = Claim(decision=Decision.CANCEL, by=OWNER, token=secrets.token_hex(16))
        told = await self._gateway.money.withdrawals.decide(wanted, claim)
        if isinstance(told, Accepted):
            return accepted(told.n, withdrawal_url(row))
        return await self._told(told, row.idempotency_key, 200)

    async def list(self, request: Request) -> Response:
        """List the withdrawals, newest first."""
        caller = await self._gateway.callers.trader(request, Scope.READ)
        given = query_of(request, "cursor", "limit", "asset", "status", "idempotency_key")
        key = given.get("idempotency_key", "")
        if key:
            checked_idempotency_key(key, "idempotency_key")
        catalog = self._gateway.catalog
        rows, following = await self._gateway.money.withdrawals.book.page(
            limit=limit_of(given),
            before_id=integer(given, "cursor", 0, least=1),
            asset=await asset_in(given, catalog),
            account_id=caller.account_id,
            state=word_of(given, "status", docs.STATUSES),
            key=key,
        )
        views = [await withdrawal_view(row, catalog) for row in rows]
        return answer(Withdrawals(views, following))

    async def one(self, request: Request, withdrawal_id: str) -> Response:
        """Look up one withdrawal."""
        caller = await self._gateway.callers.trader(request, Scope.READ)
        query_of(request)
        wanted = withdrawal_id_of(withdrawal_id)
        row = await self._gateway.money.withdrawals.book.find(wanted, caller.account_id)
        return answer(await withdrawal_view(row, self._gateway.catalog))

    async def deposits(self, request: Request) -> Response:
        """List the money that came in, newest first."""
        caller = await self._gateway.callers.trader(request, Scope.READ)
        given = query_of(request, "cursor", "limit", "asset")
        rows, following = await self._gateway.money.deposit_list.page(
            limit=limit_of(given),
            cursor=given.get("cursor", ""),
            asset=await asset_in(given, self._gateway.catalog),
            account_id=caller.account_id,
            state="done",
        )
        views = [await deposit_view(row, self._gateway.catalog) for row in rows]
        return answer(Deposits(views, following))

    async def _told(self, told: Told, key: str, status: int) -> Response:
        fields = await withdrawal_fields(told.row, self._gateway.catalog)
        more = {
            "n": told.n,
            "sequence": told.sequence,
            "replayed": told.replayed,
            "idempotency_key": key,
        }
        body = WithdrawalAnswer(**fields, **more)  # type: ignore[arg-type]
        return answer(body, status, {"Location": withdrawal_url(told.row)})


def money_routes(gateway: Gateway) -> APIRouter:
    """Return /withdrawals and /deposits."""
    money = Money(gateway)
    router = APIRouter(prefix=PREFIX, tags=["money"])
    one = "/withdrawals/{withdrawal_id}"
    for path, handler, method, extra in (
        ("/withdrawals", money.request, "POST", docs.REQUEST),
        ("/withdrawals", money.list, "GET", docs.LIST),
        (one, money.one, "GET", docs.ONE),
        (one, money.cancel, "DELETE", docs.CANCEL),
        ("/deposits", money.deposits, "GET", docs.DEPOSITS),
    ):
        router.add_api_route(path, handler, methods=[method], openapi_extra=extra)
    return router

"""What the venue has earned, and paying it out, over HTTP.

The rule of this file: the ledger decides; what cannot be read afterwards refuses nothing.
"""

from fastapi import APIRouter, Request, Response

from api.admin.accounts import read_account
from api.admin.commands import ADMIN, AMOUNT_ERRORS
from api.edge.answers import answer
from api.edge.body import read_body
from api.edge.docs import describe
from api.edge.errors import ApiError
from api.edge.params import query_of
from api.gateway import Gateway
from api.orders.docs import OF_ENGINE
from api.orders.fields import amount_of
from shared.messages import Totals
from shared.money import format_decimal, parse_decimal
from shared.rest.proof import FeesView, PayoutAnswer, PayoutBody
from shared.wire import decode


async def read_fees(gateway: Gateway, min_sequence: int = 0) -> FeesView:
    """Return what there is to pay out; raises ApiError."""
    await gateway.catalog.refresh()
    sequence, (rows,) = await gateway.store.read(
        ("HGETALL", gateway.store.keys.totals), min_sequence=min_sequence
    )
    totals = (decode(row, Totals) for _, row in sorted(rows.items()))
    scales = {name: asset.scale for name, asset in gateway.catalog.assets.items()}
    fees = {
        one.asset: format_decimal(one.fees_atoms, scales[one.asset])
        for one in totals
        if one.asset in scales
    }
    return FeesView(fees, sequence)


class Fees:
    """The handlers."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def show(self, request: Request) -> Response:
        """Show what the venue has earned and not paid out."""
        await self._gateway.callers.operator(request)
        query_of(request)
        return answer(await read_fees(self._gateway))

    async def pay_out(self, request: Request) -> Response:
        """Give of the fees to an account."""
        gateway = self._gateway
        caller = await gateway.callers.operator(request)
        query_of(request)
        body = await read_body(request, PayoutBody)
        asset = await gateway.catalog.asset(body.asset)
        atoms = amount_of("amount", lambda: parse_decimal(body.amount, asset.scale))
        if atoms == 0:
            raise ApiError("INVALID_AMOUNT", field="amount")
        if not 0 < body.account < 2**63:
            raise ApiError("UNKNOWN_ACCOUNT", field="account")
        await read_account(gateway, body.account)
        async with gateway.audit.action(
            caller,
            request,
            "fees.payout",
            target=f"account:{body.account}",
            reason=body.reason,
            before=body,
        ) as entry:
            done = await gateway.money.payouts.pay(body.account, asset.asset, atoms, body.reference)
            try:
                left = (await read_fees(gateway, done.sequence)).fees[asset.asset]
            except ApiError:  # The money is in the account by now.
                left = None
            entry.after = reply = PayoutAnswer(
                body.account,
                asset.asset,
                body.amount,
                body.reference,
                left,
                done.n,
                done.sequence,
                done.replayed,
            )
        return answer(reply, 201)


def fee_routes(gateway: Gateway) -> APIRouter:
    """Return the routes under /admin/fees."""
    fees = Fees(gateway)
    router = APIRouter(prefix=f"{ADMIN}/fees", tags=["admin"])
    shown = describe(answers={200: FeesView}, errors=("FORBIDDEN", "REDIS_UNAVAILABLE"))
    paid = describe(
        answers={201: PayoutAnswer},
        body=PayoutBody,
        errors=(
            "FORBIDDEN",
            "UNKNOWN_ASSET",
            "UNKNOWN_ACCOUNT",
            "INVALID_REFERENCE",
            "REFERENCE_USED",
            "INSUFFICIENT_FUNDS",
            "DEPOSIT_UNRESOLVED",
            "INVALID_REASON",
            "AUDIT_UNAVAILABLE",
            "INVALID_ACCOUNT",
            "COMMAND_SKIPPED",
            *AMOUNT_ERRORS,
            *OF_ENGINE,
        ),
    )
    router.add_api_route("", fees.show, methods=["GET"], openapi_extra=shown)
    router.add_api_route("/payouts", fees.pay_out, methods=["POST"], openapi_extra=paid)
    return router

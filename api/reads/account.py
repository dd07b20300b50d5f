"""The balances of an account.

The rule of this file: all assets, of one instant, of the token's account.
"""

from fastapi import APIRouter, Request, Response

from api.edge.answers import answer
from api.edge.docs import MIN_SEQUENCE, describe
from api.edge.params import integer, query_of
from api.gateway import Gateway
from api.identity.caller import Scope
from api.paths import PREFIX
from shared.channels import balance_field
from shared.messages import Asset
from shared.money import format_decimal
from shared.rest.account import Balances, BalanceView


class Account:
    """The handler."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def balances(self, request: Request) -> Response:
        """Show what is available, held, and both together, asset by asset."""
        caller = await self._gateway.callers.trader(request, Scope.READ)
        given = query_of(request, "min_sequence")
        minimum = integer(given, "min_sequence", 0)
        return answer(await read_balances(self._gateway, caller.account_id, minimum))


async def read_balances(gateway: Gateway, account_id: int, min_sequence: int = 0) -> Balances:
    """Return the balances of an account; raises ApiError."""
    keys = gateway.store.keys
    await gateway.catalog.refresh()
    while True:
        assets = list(gateway.catalog.assets.values())
        fields = [balance_field(account_id, asset.asset) for asset in assets]
        # One that no asset has, so that there is always one to ask for.
        rows_of = ("HMGET", keys.balances, *fields, balance_field(account_id, ""))
        sequence, (count, rows) = await gateway.store.read(
            ("HLEN", keys.assets), rows_of, min_sequence=min_sequence
        )
        if count <= len(assets):  # Assets are only ever added, so these are all.
            break
        await gateway.catalog.refresh(0)
    views = {
        asset.asset: balance_view(row, asset) for asset, row in zip(assets, rows, strict=False)
    }
    return Balances(account_id, views, sequence)


def balance_view(row: bytes | None, asset: Asset) -> BalanceView:
    """Return a row of the balances hash as text; no row is nothing."""
    available, held = map(int, (row or b"0 0").split())
    return BalanceView(
        format_decimal(available, asset.scale),
        format_decimal(held, asset.scale),
        format_decimal(available + held, asset.scale),
    )


def account_routes(gateway: Gateway) -> APIRouter:
    """Return the route /balances."""
    router = APIRouter(prefix=PREFIX, tags=["account"])
    extra = describe(
        answers={200: Balances},
        parameters=(MIN_SEQUENCE,),
        errors=("REDIS_UNAVAILABLE", "SEQUENCE_NOT_REACHED"),
    )
    router.add_api_route(
        "/balances", Account(gateway).balances, methods=["GET"], openapi_extra=extra
    )
    return router

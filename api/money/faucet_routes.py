"""The faucet's door.

The rule of this file: where no faucet is switched on there is no such address.
"""

from fastapi import APIRouter, Request, Response

from api.edge.answers import answer
from api.edge.body import read_body
from api.edge.params import query_of
from api.gateway import Gateway
from api.identity.caller import Scope
from api.money import docs
from api.money.faucet import Faucet
from api.paths import PREFIX
from shared.rest.money import FaucetBody


class FaucetDoor:
    """The handler."""

    def __init__(self, gateway: Gateway, faucet: Faucet) -> None:
        self._gateway = gateway
        self._faucet = faucet

    async def give(self, request: Request) -> Response:
        """Take play money, once a day of each asset."""
        caller = await self._gateway.callers.trader(request, Scope.TRADE)
        query_of(request)
        body = await read_body(request, FaucetBody)
        asset = await self._gateway.catalog.asset(body.asset)
        return answer(await self._faucet.give(caller.account_id, asset), 201)


def faucet_routes(gateway: Gateway) -> APIRouter:
    """Return /faucet where the settings have one, and nothing where they have not."""
    router = APIRouter(prefix=PREFIX, tags=["money"])
    if gateway.money.faucet is not None:
        door = FaucetDoor(gateway, gateway.money.faucet)
        router.add_api_route("/faucet", door.give, methods=["POST"], openapi_extra=docs.FAUCET)
    return router

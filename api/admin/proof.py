"""The proof report over HTTP.

The rule of this file: exact and of one instant, or refused; never a number that is nearly right.
"""

from fastapi import APIRouter, Request, Response

from api.admin.balance_walk import BalanceSums, balance_pages, catch_up
from api.admin.commands import ADMIN
from api.edge.answers import answer
from api.edge.docs import describe
from api.edge.errors import ApiError
from api.edge.params import query_of
from api.gateway import Gateway
from shared.messages import Asset, Totals
from shared.proof import Proof, asset_proof, row_of
from shared.rest.proof import AssetProofView, ProofView
from shared.wire import decode


async def read_proof(gateway: Gateway) -> ProofView:
    """Add all balances up; raises ApiError REPORT_OVERTAKEN when it cannot be of one instant."""
    sequence, _ = await gateway.store.read()
    sums = BalanceSums(sequence)
    async for sequence, rows in balance_pages(gateway):
        await catch_up(gateway, sums, sequence)
        sums.add_page(rows)
    keys = gateway.store.keys
    sequence, (position, assets, totals) = await gateway.store.read(
        ("HGET", keys.meta, "position"), ("HGETALL", keys.assets), ("HGETALL", keys.totals)
    )
    await catch_up(gateway, sums, sequence)
    await sums.check_once()
    there = sums.totals()
    proof = Proof(
        position=int(position or 0),
        assets=tuple(
            asset_proof(
                decode(row, Asset), decode(totals[name], Totals), *there.get(name.decode(), (0, 0))
            )
            for name, row in sorted(assets.items())
        ),
    )
    views = [AssetProofView(**row_of(asset)) for asset in proof.assets]
    return ProofView(proof.adds_up, proof.position, sequence, sums.rows, views)


class ProofReports:
    """The handler; one report at a time."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._is_walking = False

    async def show(self, request: Request) -> Response:
        """Add up what everybody has, and compare it to what came in and left."""
        await self._gateway.callers.operator(request)
        query_of(request)
        if self._is_walking:
            raise ApiError("BUSY", "A report is being made just now.")
        self._is_walking = True
        try:
            return answer(await read_proof(self._gateway))
        finally:
            self._is_walking = False


def proof_routes(gateway: Gateway) -> APIRouter:
    """Return the route /admin/proof."""
    router = APIRouter(prefix=ADMIN, tags=["admin"])
    errors = ("FORBIDDEN", "REPORT_OVERTAKEN", "REDIS_UNAVAILABLE")
    extra = describe(answers={200: ProofView}, errors=errors)
    router.add_api_route("/proof", ProofReports(gateway).show, methods=["GET"], openapi_extra=extra)
    return router

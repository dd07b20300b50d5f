"""Assets and markets, as operators make and change them.

The rule of this file: the engine decides; a request is one command, which names what is to change
and nothing else. What is shown is read anew.
"""

from fastapi import APIRouter, Request, Response

from api.admin.commands import (
    ADMIN,
    AMOUNT_ERRORS,
    ERRORS,
    KEYED,
    accepted_answer,
    carry_out,
    done_fields,
    operator_key_of,
)
from api.admin.market_rules import admin_market_view, market_to_create, rules_of
from api.edge.answers import answer
from api.edge.body import read_body
from api.edge.docs import describe
from api.edge.errors import ApiError
from api.edge.params import query_of
from api.gateway import Gateway
from api.orders.fields import choice
from api.reads.market_data import MarketData
from shared.messages import (
    CreateAsset,
    MarketRules,
    MarketState,
    MarketStatus,
    SetMarketStatus,
    UpdateMarket,
)
from shared.outcomes import Accepted, Answered
from shared.rest.market_data import Assets, AssetView
from shared.rest.operating import (
    AdminMarkets,
    AdminMarketView,
    AssetCreatedAnswer,
    CreateAssetBody,
    CreateMarketBody,
    MarketAnswer,
    MarketStatusBody,
    UpdateMarketBody,
)
from shared.rest.orders import AcceptedBody
from shared.wire import decode


async def read_markets(gateway: Gateway, min_sequence: int = 0) -> AdminMarkets:
    """Return all markets as they are; raises ApiError."""
    await gateway.catalog.refresh(0)
    keys = gateway.store.keys
    sequence, (rows,) = await gateway.store.read(
        ("HGETALL", keys.market_states), min_sequence=min_sequence
    )
    states = {name.decode(): decode(row, MarketState) for name, row in rows.items()}
    catalog = gateway.catalog
    views = [
        admin_market_view(market, states.get(name), catalog)
        for name, market in catalog.markets.items()
    ]
    return AdminMarkets(views, sequence)


async def read_market(gateway: Gateway, name: str) -> AdminMarketView:
    """Return the market as it is; raises ApiError UNKNOWN_MARKET."""
    for view in (await read_markets(gateway)).markets:
        if view.market == name:
            return view
    raise ApiError("UNKNOWN_MARKET", field="market")


class AdminMarketRoutes:
    """The handlers."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._data = MarketData(gateway)

    async def assets(self, request: Request) -> Response:
        """List the assets."""
        await self._gateway.callers.operator(request)
        return await self._data.assets(request)

    async def create_asset(self, request: Request) -> Response:
        """Make an asset."""
        gateway = self._gateway
        caller = await gateway.callers.operator(request)
        query_of(request)
        key = operator_key_of(request)
        body = await read_body(request, CreateAssetBody)
        command = CreateAsset(asset=body.asset, scale=body.scale, idempotency_key=key)
        async with gateway.audit.action(
            caller, request, "asset.create", target=f"asset:{body.asset}", reason=body.reason
        ) as entry:
            outcome = await carry_out(gateway, command, entry)
            entry.after = view = AssetView(body.asset, body.scale)
        if isinstance(outcome, Accepted):
            return accepted_answer(outcome, key)
        done = {"asset": view, **done_fields(outcome, key)}
        return answer(done, 201, {"Idempotency-Key": key})

    async def markets(self, request: Request) -> Response:
        """List the markets with all their rules."""
        await self._gateway.callers.operator(request)
        query_of(request)
        return answer(await read_markets(self._gateway))

    async def create_market(self, request: Request) -> Response:
        """Make a market, which is open at once."""
        gateway = self._gateway
        caller = await gateway.callers.operator(request)
        query_of(request)
        key = operator_key_of(request)
        body = await read_body(request, CreateMarketBody)
        for field, asset in (("base", body.base), ("quote", body.quote)):
            await _known_asset(gateway, asset, field)
        command = market_to_create(body, gateway.catalog, key)
        name = command.market
        async with gateway.audit.action(
            caller, request, "market.create", target=f"market:{name}", reason=body.reason
        ) as entry:
            outcome = await carry_out(gateway, command, entry)
            entry.after = view = await _view_after(gateway, name, outcome)
        return _market_answer(outcome, view, key, 201)

    async def update_market(self, request: Request, market: str) -> Response:
        """Change the rules that the body names, for new orders."""
        gateway = self._gateway
        caller = await gateway.callers.operator(request)
        query_of(request)
        key = operator_key_of(request)
        body = await read_body(request, UpdateMarketBody)
        before = await read_market(gateway, market)
        known, catalog = gateway.catalog.markets[market], gateway.catalog
        named = rules_of(body, known, catalog.scale(known.base), catalog.scale(known.quote))
        if not named:
            raise ApiError("MISSING_FIELD", "Name a rule that is to change.", field="maker_fee_ppm")
        rules = MarketRules(**named)  # type: ignore[arg-type]
        command = UpdateMarket(market=market, rules=rules, fields=tuple(named), idempotency_key=key)
        async with gateway.audit.action(
            caller,
            request,
            "market.update",
            target=f"market:{market}",
            reason=body.reason,
            before=before,
        ) as entry:
            outcome = await carry_out(gateway, command, entry)
            entry.after = view = await _view_after(gateway, market, outcome)
        return _market_answer(outcome, view, key, 200)

    async def set_status(self, request: Request, market: str) -> Response:
        """Open, restrict, halt or close a market; closing cancels its orders."""
        gateway = self._gateway
        caller = await gateway.callers.operator(request)
        query_of(request)
        key = operator_key_of(request)
        body = await read_body(request, MarketStatusBody)
        status = choice(MarketStatus, body.status, "status")
        before = await read_market(gateway, market)
        command = SetMarketStatus(market=market, status=status, idempotency_key=key)
        async with gateway.audit.action(
            caller,
            request,
            "market.status",
            target=f"market:{market}",
            reason=body.reason,
            before={"status": before.status, "status_reason": before.status_reason},
        ) as entry:
            outcome = await carry_out(gateway, command, entry)
            entry.after = {"status": status}
            view = await _view_after(gateway, market, outcome)
        return _market_answer(outcome, view, key, 200)


async def _known_asset(gateway: Gateway, asset: str, field: str) -> None:
    if asset not in gateway.catalog.assets:
        await gateway.catalog.refresh(0)  # It may have been made a moment ago.
    if asset not in gateway.catalog.assets:
        raise ApiError("UNKNOWN_ASSET", field=field)


async def _view_after(
    gateway: Gateway, name: str, outcome: Answered | Accepted
) -> AdminMarketView | None:
    """It is carried out: that it cannot be read just now is no refusal any more."""
    if isinstance(outcome, Accepted):
        return None
    try:
        return await read_market(gateway, name)
    except ApiError:
        return None


def _market_answer(
    outcome: Answered | Accepted, view: AdminMarketView | None, key: str, status: int
) -> Response:
    if isinstance(outcome, Accepted):
        return accepted_answer(outcome, key)
    done = {"market": view, **done_fields(outcome, key)}
    return answer(done, status, {"Idempotency-Key": key})


def market_routes(gateway: Gateway) -> APIRouter:
    """Return the routes under /admin/assets and /admin/markets."""
    markets = AdminMarketRoutes(gateway)
    router = APIRouter(prefix=ADMIN, tags=["admin"])
    read = ("FORBIDDEN", "REDIS_UNAVAILABLE")
    of_grid = ("INVALID_TICK", "INVALID_LOT", "INVALID_PRICE", "INVALID_QUANTITY")
    of_rules = ("INVALID_MARKET", *AMOUNT_ERRORS, *of_grid, *ERRORS)
    of_one = ("UNKNOWN_MARKET", *of_rules)
    changed = {200: MarketAnswer, 202: AcceptedBody}
    made = {201: MarketAnswer, 202: AcceptedBody}
    create = ("MARKET_EXISTS", "UNKNOWN_ASSET", *of_rules)
    one = "/markets/{market}"
    for method, path, handler, extra in (
        ("GET", "/assets", markets.assets, describe(answers={200: Assets}, errors=read)),
        (
            "POST",
            "/assets",
            markets.create_asset,
            describe(
                answers={201: AssetCreatedAnswer, 202: AcceptedBody},
                body=CreateAssetBody,
                parameters=KEYED,
                errors=("ASSET_EXISTS", "INVALID_ASSET", *ERRORS),
            ),
        ),
        ("GET", "/markets", markets.markets, describe(answers={200: AdminMarkets}, errors=read)),
        (
            "POST",
            "/markets",
            markets.create_market,
            describe(answers=made, body=CreateMarketBody, parameters=KEYED, errors=create),
        ),
        (
            "PATCH",
            one,
            markets.update_market,
            describe(answers=changed, body=UpdateMarketBody, parameters=KEYED, errors=of_one),
        ),
        (
            "PUT",
            f"{one}/status",
            markets.set_status,
            describe(answers=changed, body=MarketStatusBody, parameters=KEYED, errors=of_one),
        ),
    ):
        router.add_api_route(path, handler, methods=[method], openapi_extra=extra)
    return router

"""The live risk view over HTTP.

The rule of this file: it is made on demand, one at a time, and nobody waits for it but who asked.
"""

import time
from collections import Counter

from fastapi import APIRouter, Request, Response

from api.admin.commands import ADMIN
from api.admin.risk_accounts import exposures_of, holdings_of, largest_holders, prices_in
from api.admin.risk_events import Activity, recent_activity
from api.edge.answers import answer
from api.edge.docs import describe, query
from api.edge.errors import ApiError
from api.edge.params import integer, query_of
from api.gateway import Gateway
from api.reads.catalog import Catalog
from shared.markets import format_price, format_quantity
from shared.messages import Market, MarketState
from shared.money import format_decimal
from shared.rest.risk import MarketRisk, RiskView
from shared.wire import decode

MINUTES_DEFAULT = 5
MINUTES_MAX = 60  # Further back than the events are kept.
TOP_DEFAULT = 10
TOP_MAX = 50
NS_PER_MINUTE = 60 * 1_000_000_000


async def read_risk(
    gateway: Gateway, *, market: str, quote: str, minutes: int, top: int
) -> RiskView:
    """Return the view of one market, or ("") of all; raises ApiError.

    Values are in `quote`; "" is that of the market, or of most markets.
    """
    await gateway.catalog.refresh(0)
    catalog = gateway.catalog
    shown = [await catalog.market(market)] if market else list(catalog.markets.values())
    quote = shown[0].quote if market else (quote or _usual_quote(shown))
    scale = (await _asset_scale(catalog, quote)) if quote else 0
    _, (rows,) = await gateway.store.read(("HGETALL", gateway.store.keys.market_states))
    states = {name.decode(): decode(row, MarketState) for name, row in rows.items()}
    activity = await recent_activity(gateway, time.time_ns() - minutes * NS_PER_MINUTE)
    assets = [shown[0].base, shown[0].quote] if market else list(catalog.assets)
    holders = await largest_holders(gateway, assets, top)
    prices = prices_in(quote, scale, catalog.markets.values(), states)
    return RiskView(
        quote=quote,
        sequence=holders.sequence,
        reach=activity.reach,
        markets=[_market_risk(one, states.get(one.market), activity, catalog) for one in shown],
        rejects_elsewhere={} if market else dict(activity.of("").rejects),
        holders={
            asset: holdings_of(holders, asset, catalog.scale(asset), prices, top)
            for asset in sorted(assets)
        },
        exposures=await exposures_of(gateway, holders, prices, market=market, count=top),
    )


def _usual_quote(markets: list[Market]) -> str:
    counted = Counter(market.quote for market in markets)
    return min(counted, key=lambda quote: (-counted[quote], quote), default="")


async def _asset_scale(catalog: Catalog, quote: str) -> int:
    try:
        return (await catalog.asset(quote)).scale
    except ApiError as error:
        raise ApiError(error.code, field="quote") from None


def _market_risk(
    market: Market, state: MarketState | None, activity: Activity, catalog: Catalog
) -> MarketRisk:
    state = state or MarketState(market.market, 0, 0, 0)
    lately = activity.of(market.market)
    last_ticks = state.last_price_ticks
    return MarketRisk(
        market=market.market,
        status=state.status.value,
        last_price=format_price(market, last_ticks) if last_ticks else None,
        trades=lately.trades,
        volume=format_quantity(market, catalog.scale(market.base), lately.volume_lots),
        turnover=format_decimal(lately.turnover_atoms, catalog.scale(market.quote)),
        rejects=dict(lately.rejects),
        band_hits=lately.band_hits,
        volatility_halts=lately.volatility_halts,
    )


class Risk:
    """The handler; one view at a time."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._is_looking = False

    async def show(self, request: Request) -> Response:
        """Show who has what at stake, and what was refused and traded in the last minutes."""
        await self._gateway.callers.operator(request)
        given = query_of(request, "market", "quote", "minutes", "top")
        minutes = integer(given, "minutes", MINUTES_DEFAULT, least=1, most=MINUTES_MAX)
        top = integer(given, "top", TOP_DEFAULT, least=1, most=TOP_MAX)
        if self._is_looking:
            raise ApiError("BUSY", "A risk view is being made just now.")
        self._is_looking = True
        try:
            view = await read_risk(
                self._gateway,
                market=given.get("market", ""),
                quote=given.get("quote", ""),
                minutes=minutes,
                top=top,
            )
        finally:
            self._is_looking = False
        return answer(view)


def risk_routes(gateway: Gateway) -> APIRouter:
    """Return the route /admin/risk."""
    router = APIRouter(prefix=ADMIN, tags=["admin"])
    extra = describe(
        answers={200: RiskView},
        parameters=(
            query("market", "Only this one."),
            query("quote", "The asset that values are in; without it that of most markets."),
            query("minutes", "How far back.", kind="integer", minimum=1, maximum=MINUTES_MAX),
            query("top", "How many accounts.", kind="integer", minimum=1, maximum=TOP_MAX),
        ),
        errors=(
            "FORBIDDEN",
            "UNKNOWN_MARKET",
            "UNKNOWN_ASSET",
            "INVALID_PARAMETER",
            "REPORT_OVERTAKEN",
            "REDIS_UNAVAILABLE",
            "USERS_UNAVAILABLE",
        ),
    )
    router.add_api_route("/risk", Risk(gateway).show, methods=["GET"], openapi_extra=extra)
    return router

"""What everybody may see: markets, assets, depth, the time.

The rule of this file: no token is asked for, and all parts of an answer are of one instant, so that
a subscriber can join them with the stream.
"""

import time

from fastapi import APIRouter, Request, Response

from api.edge.answers import answer, encoded_answer
from api.edge.docs import MIN_SEQUENCE, describe, query
from api.edge.params import integer, query_of, required
from api.gateway import Gateway
from api.paths import PREFIX
from api.reads.catalog import Catalog
from api.reads.depth import Depths, group_ticks_of
from shared.markets import format_price, format_quantity
from shared.messages import Asset, Market, MarketState
from shared.money import format_decimal
from shared.rest.market_data import (
    Assets,
    AssetView,
    Depth,
    FeeTierView,
    Markets,
    MarketView,
    Time,
)
from shared.wire import decode

LEVELS_DEFAULT = 100
LEVELS_MAX = 5_000  # About 150 kB of text; the broadcaster is for those who need more, often.


class MarketData:
    """The handlers."""

    def __init__(self, gateway: Gateway) -> None:
        self._store = gateway.store
        self._catalog = gateway.catalog
        self._depths = Depths(gateway.store, gateway.catalog)

    async def markets(self, request: Request) -> Response:
        """List the markets, their grids and rules, and whether they are open."""
        states = await self._catalog.read_now(_min_sequence(query_of(request, "min_sequence")))
        views = [
            market_view(market, states.get(name) or MarketState(name, 0, 0, 0), self._catalog)
            for name, market in self._catalog.markets.items()
        ]
        return answer(Markets(views))

    async def market(self, request: Request, market: str) -> Response:
        """Show one market: its grid and rules, and whether it is open."""
        keys, minimum = self._store.keys, _min_sequence(query_of(request, "min_sequence"))
        await self._catalog.market(market)
        _, (row, state) = await self._store.read(
            ("HGET", keys.markets, market),
            ("HGET", keys.market_states, market),
            min_sequence=minimum,
        )
        assert row is not None, "a market that was there stays"
        known = decode(state, MarketState) if state is not None else MarketState(market, 0, 0, 0)
        return answer(market_view(decode(row, Market), known, self._catalog))

    async def assets(self, request: Request) -> Response:
        """List the assets."""
        await self._catalog.read_now(_min_sequence(query_of(request, "min_sequence")))
        assets: list[Asset] = list(self._catalog.assets.values())
        return answer(Assets([AssetView(asset.asset, asset.scale) for asset in assets]))

    async def asset(self, request: Request, asset: str) -> Response:
        """Show one asset."""
        query_of(request)
        known = await self._catalog.asset(asset)
        return answer(AssetView(known.asset, known.scale))

    async def depth(self, request: Request) -> Response:
        """Show the book of a market."""
        given = query_of(request, "market", "levels", "grouping", "min_sequence")
        levels = integer(given, "levels", LEVELS_DEFAULT, least=1, most=LEVELS_MAX)
        minimum = _min_sequence(given)
        market = await self._catalog.market(required(given, "market"))
        group_ticks = group_ticks_of(market, given.get("grouping"))
        return encoded_answer(await self._depths.answer(market, levels, group_ticks, minimum))

    async def time(self, request: Request) -> Response:
        """Tell the time, as Unix milliseconds and nanoseconds."""
        query_of(request)
        time_ns = time.time_ns()
        return answer(Time(time_ns // 1_000_000, time_ns))


def _min_sequence(given: dict[str, str]) -> int:
    return integer(given, "min_sequence", 0)


def market_view(market: Market, state: MarketState, catalog: Catalog) -> MarketView:
    rules, base_scale = market.rules, catalog.scale(market.base)

    def quantity(lots: int) -> str:
        return format_quantity(market, base_scale, lots)

    return MarketView(
        market.market,
        market.base,
        market.quote,
        format_decimal(market.price_tick, market.price_scale),
        quantity(1),
        market.fee_asset.value,
        rules.maker_fee_ppm,
        rules.taker_fee_ppm,
        [FeeTierView(tier.maker_fee_ppm, tier.taker_fee_ppm) for tier in rules.tiers],
        format_price(market, rules.price_step_ticks),
        quantity(rules.quantity_step_lots),
        quantity(rules.quantity_min_lots),
        quantity(rules.quantity_max_lots) if rules.quantity_max_lots else None,
        _notional(market, catalog),
        rules.buy_band_ppm or None,
        rules.sell_band_ppm or None,
        rules.open_orders_max or None,
        rules.self_trade.value,
        state.status.value,
        state.status_reason.value,
        state.status_until_ns or None,
    )


def _notional(market: Market, catalog: Catalog) -> str | None:
    atoms = market.rules.notional_min_atoms
    return format_decimal(atoms, catalog.scale(market.quote)) if atoms else None


def market_data_routes(gateway: Gateway) -> APIRouter:
    """Return the public reads."""
    data = MarketData(gateway)
    router = APIRouter(prefix=PREFIX, tags=["market data"])
    market = query("market", "For example TATA_INR.", required=True)
    levels = query("levels", "Per side.", kind="integer", minimum=1, maximum=LEVELS_MAX)
    grouping = query("grouping", "The step between prices, as decimal text: price_tick or n times.")
    of_read = ("REDIS_UNAVAILABLE", "SEQUENCE_NOT_REACHED")
    of_market = ("UNKNOWN_MARKET", "INVALID_PARAMETER", *of_read)
    state = (MIN_SEQUENCE,)
    routes = (
        ("/markets", data.markets, Markets, state, of_read),
        ("/markets/{market}", data.market, MarketView, state, of_market),
        ("/assets", data.assets, Assets, state, of_read),
        ("/assets/{asset}", data.asset, AssetView, (), ("UNKNOWN_ASSET", "REDIS_UNAVAILABLE")),
        ("/depth", data.depth, Depth, (market, levels, grouping, MIN_SEQUENCE), of_market),
        ("/time", data.time, Time, (), ()),
    )
    for path, handler, kind, parameters, errors in routes:
        extra = describe(answers={200: kind}, parameters=parameters, errors=errors, secured=False)
        router.add_api_route(path, handler, methods=["GET"], openapi_extra=extra)
    return router

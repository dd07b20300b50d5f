"""What everybody may see: markets, assets, depth, recent trades, the time.

The rule of this file: no token is asked for, and the levels of a depth and its sequence are of one
instant, so that a subscriber can join them with the stream.
"""

import time

from fastapi import APIRouter, Request, Response

from api.edge.answers import answer
from api.edge.docs import MIN_SEQUENCE, describe, query
from api.edge.params import integer, query_of, required
from api.gateway import Gateway
from api.paths import PREFIX
from api.reads.catalog import Catalog
from shared.markets import format_price, format_quantity
from shared.messages import Asset, Market, MarketState, Side
from shared.money import format_decimal
from shared.rest.market_data import (
    Assets,
    AssetView,
    Depth,
    FeeTierView,
    Markets,
    MarketView,
    Time,
    Trades,
    TradeView,
)
from shared.rest.texts import Level
from shared.wire import TradeRow, decode

LEVELS_DEFAULT = 100
LEVELS_MAX = 5_000  # About 150 kB of text; the broadcaster is for those who need more, often.
TRADES_DEFAULT = 100
TRADES_MAX = 1_000


class MarketData:
    """The handlers."""

    def __init__(self, gateway: Gateway) -> None:
        self._store = gateway.store
        self._catalog = gateway.catalog

    async def markets(self, request: Request) -> Response:
        """List the markets, their grids and rules, and whether they are open."""
        query_of(request)
        _, (rows,) = await self._store.read(("HGETALL", self._store.keys.market_states))
        states = [decode(row, MarketState) for row in rows.values()]
        await self._catalog.refresh()
        status = {state.market: state for state in states}
        views = [
            market_view(market, status.get(name) or MarketState(name, 0, 0, 0), self._catalog)
            for name, market in self._catalog.markets.items()
        ]
        return answer(Markets(views))

    async def assets(self, request: Request) -> Response:
        """List the assets."""
        query_of(request)
        await self._catalog.refresh()
        assets: list[Asset] = list(self._catalog.assets.values())
        return answer(Assets([AssetView(asset.asset, asset.scale) for asset in assets]))

    async def depth(self, request: Request) -> Response:
        """Show the book of a market."""
        given = query_of(request, "market", "levels", "min_sequence")
        levels = integer(given, "levels", LEVELS_DEFAULT, least=1, most=LEVELS_MAX)
        minimum = integer(given, "min_sequence", 0)
        market = await self._catalog.market(required(given, "market"))
        keys = self._store.keys
        _, (rows, state) = await self._store.read(
            ("HGETALL", keys.depth(market.market)),
            ("HGET", keys.market_states, market.market),
            min_sequence=minimum,
        )
        sequence = decode(state, MarketState).depth_sequence if state is not None else 0
        bids = _levels(rows, b"b", levels, market, self._catalog)
        asks = _levels(rows, b"a", levels, market, self._catalog)
        return answer(Depth(market.market, sequence, bids, asks))

    async def trades(self, request: Request) -> Response:
        """Show the recent trades of a market."""
        given = query_of(request, "market", "limit", "min_sequence")
        limit = integer(given, "limit", TRADES_DEFAULT, least=1, most=TRADES_MAX)
        minimum = integer(given, "min_sequence", 0)
        market = await self._catalog.market(required(given, "market"))
        _, (rows,) = await self._store.read(
            ("LRANGE", self._store.keys.trades(market.market), 0, limit - 1), min_sequence=minimum
        )
        views = [_trade_view(decode(row, TradeRow), market, self._catalog) for row in rows]
        return answer(Trades(market.market, views))

    async def time(self, request: Request) -> Response:
        """Tell the time, in Unix milliseconds."""
        query_of(request)
        return answer(Time(time.time_ns() // 1_000_000))


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


def _levels(
    rows: dict[bytes, bytes], side: bytes, count: int, market: Market, catalog: Catalog
) -> list[Level]:
    levels = sorted(
        ((int(field[1:]), int(lots)) for field, lots in rows.items() if field[:1] == side),
        reverse=side == b"b",
    )
    scale = catalog.scale(market.base)
    return [
        (format_price(market, ticks), format_quantity(market, scale, lots))
        for ticks, lots in levels[:count]
    ]


def _trade_view(row: TradeRow, market: Market, catalog: Catalog) -> TradeView:
    return TradeView(
        row.trade_id,
        format_price(market, row.price_ticks),
        format_quantity(market, catalog.scale(market.base), row.quantity_lots),
        row.taker_side.value,
        row.taker_side is Side.SELL,
        row.at_ns,
    )


def market_data_routes(gateway: Gateway) -> APIRouter:
    """Return the public reads."""
    data = MarketData(gateway)
    router = APIRouter(prefix=PREFIX, tags=["market data"])
    market = query("market", "For example TATA_INR.", required=True)
    levels = query("levels", "Per side.", kind="integer", minimum=1, maximum=LEVELS_MAX)
    limit = query("limit", "At most.", kind="integer", minimum=1, maximum=TRADES_MAX)
    of_read = ("REDIS_UNAVAILABLE", "SEQUENCE_NOT_REACHED")
    of_market = ("UNKNOWN_MARKET", "INVALID_PARAMETER", *of_read)
    routes = (
        ("/markets", data.markets, Markets, (), of_read),
        ("/assets", data.assets, Assets, (), of_read),
        ("/depth", data.depth, Depth, (market, levels, MIN_SEQUENCE), of_market),
        ("/trades", data.trades, Trades, (market, limit, MIN_SEQUENCE), of_market),
        ("/time", data.time, Time, (), ()),
    )
    for path, handler, kind, parameters, errors in routes:
        extra = describe(answers={200: kind}, parameters=parameters, errors=errors, secured=False)
        router.add_api_route(path, handler, methods=["GET"], openapi_extra=extra)
    return router

"""A market's rules, from what an operator writes to what the engine counts, and back. Pure.

The rule of this file: text in, ticks, lots and atoms out, exactly, or an ApiError that names the
field. Which rules were named is told beside the rules.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from msgspec import UNSET
from msgspec.structs import asdict

from api.edge.errors import ApiError
from api.orders.fields import amount_of, choice, lots, ticks
from api.reads.catalog import Catalog
from api.reads.market_data import market_view
from shared.markets import format_price
from shared.messages import (
    CreateMarket,
    FeeAsset,
    FeeTier,
    Market,
    MarketRules,
    MarketState,
    SelfTrade,
)
from shared.money import SCALE_MAX, parse_decimal
from shared.rest.operating import AdminMarketView, CreateMarketBody, RulesBody

# The rules that have another name outside, and the grid; the rest is the same in both.
NAMES: Mapping[str, str] = MappingProxyType(
    {
        "tiers": "fee_tiers",
        "price_step_ticks": "price_step",
        "quantity_step_lots": "quantity_step",
        "quantity_min_lots": "min_quantity",
        "quantity_max_lots": "max_quantity",
        "notional_min_atoms": "min_notional",
        "reference_price_ticks": "reference_price",
        "lot_atoms": "quantity_lot",
        "price_scale": "price_tick",
    }
)


def outer_name(field: str) -> str:
    """Return the name that operators know a field of a market command by."""
    name = field.removeprefix("rules.")
    return NAMES.get(name, name)


def rules_of(
    body: RulesBody, market: Market, base_scale: int, quote_scale: int
) -> dict[str, object]:
    """Return the rules that the body names, by their names in MarketRules; raises ApiError.

    `market` has the grid; its own rules are not looked at.
    """

    def price(field: str) -> Callable[[str], int]:
        return lambda text: ticks(field, text, market)

    def quantity(field: str) -> Callable[[str], int]:
        return lambda text: lots(field, text, market, base_scale)

    def notional(text: str) -> int:
        return amount_of("min_notional", lambda: parse_decimal(text, quote_scale))

    read: dict[str, Callable[[str], object]] = {
        "price_step_ticks": price("price_step"),
        "quantity_step_lots": quantity("quantity_step"),
        "quantity_min_lots": quantity("min_quantity"),
        "quantity_max_lots": quantity("max_quantity"),
        "notional_min_atoms": notional,
        "reference_price_ticks": price("reference_price"),
        "self_trade": lambda text: choice(SelfTrade, text, "self_trade"),
    }
    named: dict[str, object] = {}
    for name in MarketRules.__struct_fields__:
        value = getattr(body, outer_name(name))
        if value is UNSET:
            continue
        if value is None:
            named[name] = 0
        elif name == "tiers":
            named[name] = tuple(FeeTier(one.maker_fee_ppm, one.taker_fee_ppm) for one in value)
        else:
            named[name] = read[name](value) if name in read else value
    return named


def market_to_create(body: CreateMarketBody, catalog: Catalog, key: str) -> CreateMarket:
    """Return the command; its two assets are in the catalog. Raises ApiError."""
    base_scale, quote_scale = catalog.scale(body.base), catalog.scale(body.quote)
    price_scale = _decimals("price_tick", body.price_tick)
    price_tick = _above_zero("price_tick", body.price_tick, price_scale)
    lot_atoms = _above_zero("quantity_lot", body.quantity_lot, base_scale)
    fee_asset = choice(FeeAsset, body.fee_asset, "fee_asset")
    name = f"{body.base}_{body.quote}"
    grid = Market(name, body.base, body.quote, price_scale, price_tick, lot_atoms, 1, fee_asset)
    rules = MarketRules(**rules_of(body, grid, base_scale, quote_scale))  # type: ignore[arg-type]
    return CreateMarket(
        idempotency_key=key,
        market=name,
        base=body.base,
        quote=body.quote,
        price_scale=price_scale,
        price_tick=price_tick,
        lot_atoms=lot_atoms,
        fee_asset=fee_asset,
        rules=rules,
    )


def _decimals(field: str, text: str) -> int:
    """Return how many decimals it takes to write the number: the scale that prices get."""
    amount_of(field, lambda: parse_decimal(text, SCALE_MAX))
    return len(text.partition(".")[2].rstrip("0"))


def _above_zero(field: str, text: str, scale: int) -> int:
    value = amount_of(field, lambda: parse_decimal(text, scale))
    if value == 0:
        raise ApiError("INVALID_AMOUNT", f"{field} must be above zero.", field=field)
    return value


def admin_market_view(
    market: Market, state: MarketState | None, catalog: Catalog
) -> AdminMarketView:
    """Return the market with all its rules; its assets are in the catalog."""
    state = state or MarketState(market.market, 0, 0, 0)
    rules = market.rules

    def price(price_ticks: int) -> str | None:
        return format_price(market, price_ticks) if price_ticks else None

    return AdminMarketView(
        **asdict(market_view(market, state, catalog)),
        last_price=price(state.last_price_ticks),
        reference_price=price(rules.reference_price_ticks),
        halt_move_ppm=rules.halt_move_ppm or None,
        halt_window_ns=rules.halt_window_ns,
        halt_ns=rules.halt_ns,
        reopen_ns=rules.reopen_ns,
    )

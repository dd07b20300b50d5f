"""Orders and a market for the tests of the rules.

The rule of this file: an order that is asked for without words is a good one, in any market here.
"""

from typing import Any

from engine.core.markets import LiveMarket
from shared.messages import (
    FeeAsset,
    Market,
    MarketRules,
    Order,
    OrderStatus,
    OrderType,
    PlaceOrder,
    Side,
    TimeInForce,
)

NOW_NS = 1_000
FEES = (100_000, 200_000)  # 10 % and 20 %, so that a fee is seen in small numbers.


def market(
    *, fee_asset: FeeAsset = FeeAsset.RECEIVED, last: int = 0, lot_atoms: int = 1, **rules: Any
) -> LiveMarket:
    live = LiveMarket(
        Market(
            "BTC_USD",
            "BTC",
            "USD",
            price_scale=0,
            price_tick=1,
            lot_atoms=lot_atoms,
            atoms_per_tick_lot=1,
            fee_asset=fee_asset,
            rules=MarketRules(**rules),
        )
    )
    live.last_price_ticks = last
    return live


def _place(defaults: dict[str, Any], fields: dict[str, Any]) -> PlaceOrder:
    names: dict[str, Any] = {"account_id": 1, "market": "BTC_USD", "side": Side.BUY}
    return PlaceOrder(**(names | {"quantity_lots": 10} | defaults | fields))


def limit(**fields: Any) -> PlaceOrder:
    return _place({"price_ticks": 100}, fields)


def at_market(**fields: Any) -> PlaceOrder:
    return _place({"type": OrderType.MARKET}, fields)


def stop(**fields: Any) -> PlaceOrder:
    return _place({"type": OrderType.STOP, "stop_price_ticks": 100}, fields)


def stop_limit(**fields: Any) -> PlaceOrder:
    prices = {"stop_price_ticks": 100, "price_ticks": 100}
    return _place({"type": OrderType.STOP_LIMIT} | prices, fields)


def trailing(**fields: Any) -> PlaceOrder:
    return _place({"type": OrderType.TRAILING_STOP, "trail_ticks": 10}, fields)


def trailing_ppm(**fields: Any) -> PlaceOrder:
    return trailing(trail_ticks=0, **({"trail_ppm": 100_000} | fields))


def resting(order_id: int, side: Side, price_ticks: int, **fields: Any) -> Order:
    """Return an order that stands in the book, or (`status`) waits."""
    defaults: dict[str, Any] = {
        "order_id": order_id,
        "account_id": 1,
        "client_order_id": "",
        "market": "BTC_USD",
        "side": side,
        "type": OrderType.LIMIT,
        "time_in_force": TimeInForce.GTC,
        "price_ticks": price_ticks,
        "quantity_lots": 10,
        "budget_atoms": 0,
        "filled_lots": 0,
        "filled_quote_atoms": 0,
        "fee_atoms": 0,
        "held_atoms": 10,
        "status": OrderStatus.OPEN,
        "rank": order_id,
        "placed_at_ns": 0,
        "updated_at_ns": 0,
        "open_lots": 10,
    }
    return Order(**(defaults | fields))

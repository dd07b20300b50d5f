"""Every call, by name, as `Client` and `AsyncClient` offer it.

The rule of this room: a call is built from plain arguments and checked by the gateway; amounts are
text or Decimals; a command without an `idempotency_key` gets one, and keeps it when it is sent
again.
"""

from rialto.client.calls.account import balances
from rialto.client.calls.identity import log_in, register
from rialto.client.calls.market_data import assets, depth, markets, time, trades
from rialto.client.calls.orders import (
    amend_order,
    cancel_all_orders,
    cancel_order,
    open_orders,
    order,
    place_order,
)

__all__ = [
    "amend_order",
    "assets",
    "balances",
    "cancel_all_orders",
    "cancel_order",
    "depth",
    "log_in",
    "markets",
    "open_orders",
    "order",
    "place_order",
    "register",
    "time",
    "trades",
]

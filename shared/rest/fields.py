"""What the parts of a request are called outside, of what the engine calls them.

The rule of this file: one table, for an answer that says no as for a list of those that were.
"""

from collections.abc import Mapping
from types import MappingProxyType

_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "price_ticks": "price",
        "quantity_lots": "quantity",
        "budget_atoms": "quote_quantity",
        "amount_atoms": "amount",
        "idempotency_key": "Idempotency-Key",
        "stop_price_ticks": "stop_price",
        "trail_ticks": "trail",
        "display_lots": "display_quantity",
        "timeout_ns": "timeout_s",
    }
)


def public_field(name: str) -> str:
    """Return the name that whoever sent a request knows a field by; "" for "".

    A field of one order of a pair has that order before it, and a point between.
    """
    of_pair, dot, own = name.rpartition(".")
    return of_pair + dot + _NAMES.get(own, own)

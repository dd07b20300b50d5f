"""Examples for the OpenAPI document, made from the structs that the handlers use. Pure.

The rule of this file: a field of one name means one thing everywhere, so its example is written
down once. A field that has none is an error, which the test of the document finds.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from msgspec import inspect

from api.edge.errors import ERRORS

REQUEST_ID = "5f0c1c7e2a5d4b0f9a3e8d6c7b1a2f30"
AT_NS = 1_924_992_000_123_456_789

EXAMPLES: Mapping[str, object] = MappingProxyType(
    {
        # Who and where.
        "username": "alice",
        "password": "correct horse battery",
        "user_id": 1,
        "account_id": 4_177_093_562_817_409,
        "account": 4_177_093_562_817_409,
        "role": "trader",
        "access_token": "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "token_type": "Bearer",
        "expires_in_s": 900,
        "request_id": REQUEST_ID,
        # What is traded.
        "asset": "INR",
        "market": "TATA_INR",
        "base": "TATA",
        "quote": "INR",
        "scale": 2,
        "price_tick": "0.05",
        "quantity_lot": "1",
        "price_step": "0.05",
        "quantity_step": "1",
        "min_quantity": "1",
        "max_quantity": "10000",
        "min_notional": "100",
        "buy_band_ppm": 100_000,
        "sell_band_ppm": 100_000,
        "open_orders_max": 500,
        "self_trade": "expire_taker",
        "maker_fee_ppm": 100,
        "taker_fee_ppm": 200,
        "status_reason": "operator",
        "status_until_ns": None,
        # Orders.
        "order_id": 42,
        "client_order_id": "grid-7",
        "side": "buy",
        "type": "limit",
        "time_in_force": "gtc",
        "status": "open",
        "price": "101.5",
        "quantity": "10",
        "quote_quantity": None,
        "filled_quantity": "4",
        "remaining_quantity": "6",
        "filled_quote": "406",
        "fee": "0.0008",
        "fee_asset": "TATA",
        "placed_at_ns": AT_NS,
        "updated_at_ns": AT_NS,
        "stop_price": None,
        "trail": None,
        "trail_ppm": None,
        "display_quantity": None,
        "expires_at_ns": None,
        "post_only": False,
        "reject_if_met": False,
        "peer_order_id": None,
        "parent_order_id": None,
        "child_order_id": None,
        "reason": "",
        "trade_id": 7,
        "buyer_is_maker": False,
        "at_ns": AT_NS,
        "idempotency_key": "grid-7-first",
        "n": 118,
        "sequence": 431,
        "replayed": False,
        "code": "ACCEPTED",
        "status_url": "/api/v1/order?idempotency_key=grid-7-first&n=118&fp=9f2c3a4b5d6e7f80",
        "count": 3,
        # Money.
        "available": "99594",
        "held": "406",
        "total": "100000",
        "amount": "100000",
        "reference": "bank-2031-05-01-17",
        "time_ms": AT_NS // 1_000_000,
    }
)


# Where a field means something else than usually, and bodies in which some fields shut out others.
OF_STRUCT: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {
        "MarketView": {"fee_asset": "received"},
        "PlaceOrderBody": {"market": "TATA_INR", "side": "buy", "price": "101.5", "quantity": "10"},
        "CancelOrderBody": {"order_id": 42},
        "AmendOrderBody": {"order_id": 42, "quantity": "4"},
        "DepositBody": {
            "username": "alice",
            "asset": "INR",
            "amount": "100000",
            "reference": "bank-2031-05-01-17",
        },
    }
)


class NoExampleError(LookupError):
    """A field of a struct has no example; the message names both."""


def example_of(kind: type) -> object:
    """Return an example of a struct, as JSON would hold it; raises NoExampleError."""
    return _of_type(inspect.type_info(kind), "")


def error_example(code: str) -> dict[str, object]:
    """Return what the answer with this code looks like."""
    body = {"code": code, "message": ERRORS[code].sentence, "field": "", "request_id": REQUEST_ID}
    return {"summary": code, "value": body}


def _of_type(info: inspect.Type, name: str) -> Any:
    match info:
        case inspect.Metadata(type=inner, extra_json_schema=extra):
            # What the struct says itself goes before what the name usually means.
            given = (extra or {}).get("examples")
            return given[0] if given and not _is_nested(inner) else _of_type(inner, name)
        case inspect.StructType():
            return _of_struct(info)
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return [_of_type(item, name)]
        case inspect.DictType(value_type=value):
            return {str(EXAMPLES["asset"]): _of_type(value, name)}
        case inspect.UnionType(types=types):
            return _of_union(types, name)
        case _:
            return _named(name)


def _of_struct(info: inspect.StructType) -> dict[str, Any]:
    own = dict(OF_STRUCT.get(info.cls.__name__, {}))
    if info.forbid_unknown_fields and own:  # A body: the fields that go together, and no other.
        return own
    fields = [field for field in info.fields if field.required or not info.forbid_unknown_fields]
    names = {field.encode_name: field.type for field in fields}
    return {
        name: own[name] if name in own else _of_type(kind, name) for name, kind in names.items()
    }


def _of_union(types: tuple[inspect.Type, ...], name: str) -> Any:
    nested = [kind for kind in types if _is_nested(kind)]
    return _of_type(nested[0], name) if nested else _named(name)


def _is_nested(info: inspect.Type) -> bool:
    match info:
        case inspect.Metadata(type=inner):
            return _is_nested(inner)
        case inspect.ListType() | inspect.VarTupleType():
            return _is_nested(info.item_type)
        case _:
            return isinstance(info, inspect.StructType | inspect.DictType)


def _named(name: str) -> Any:
    try:
        return EXAMPLES[name]
    except KeyError:
        raise NoExampleError(f"There is no example for the field {name}.") from None

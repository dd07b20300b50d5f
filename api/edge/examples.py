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
AT_S = AT_NS // 1_000_000_000

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
        # What was.
        "interval": "1m",
        "open_at_ns": AT_NS - AT_NS % 60_000_000_000,
        "close_at_ns": AT_NS - AT_NS % 60_000_000_000 + 60_000_000_000,
        "open": "101",
        "high": "102",
        "low": "100.5",
        "close": "101.5",
        "quote_volume": "4060",
        "taker_buy_volume": "25",
        "taker_buy_quote_volume": "2540",
        "first_trade_id": 7,
        "last_trade_id": 18,
        "is_closed": True,
        "open_price": "101",
        "high_price": "102",
        "low_price": "100.5",
        "last_quantity": "4",
        "previous_close": "101",
        "change": "0.5",
        "change_ppm": 4950,
        "average_price": "101.5",
        "leg": 1,
        "cause": "trade",
        "available_change": "0",
        "held_change": "-406",
        "counterparty_account_id": None,
        "field": "price",
        # Logins, keys and limits.
        "refresh_token": "bWVyZWx5LWFuLWV4YW1wbGU.dGhlLXNlY3JldC1wYXJ0LW9mLWEtcmVmcmVzaC10b2tlbg",
        "refresh_expires_in_s": 2_592_000,
        "session_id": "b7c1de90f3",
        "main_account_id": 4_177_093_562_817_409,
        "totp_enabled": False,
        "totp_code": "123456",
        "is_current": True,
        "is_main": True,
        "is_disabled": False,
        "door": "public",
        "created_at_s": AT_S,
        "last_used_at_s": AT_S + 60,
        "expires_at_s": AT_S + 2_592_000,
        "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
        "otpauth_uri": "otpauth://totp/Rialto:alice?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
        "label": "grid bot",
        "key_id": "k7Qm2xN4vB8sL1dF",
        "kind": "hmac_sha256",
        "scopes": "trade",
        "ip_allow": "203.0.113.7",
        "public_key": None,
        "at_s": AT_S,
        "until_s": AT_S + 240,
        "orders_per_10s": 50,
        "orders_per_day": None,
        # Money on its way.
        "withdrawal_id": 118,
        "destination": "IBAN DE89 3704 0044 0532 0130 00",
        "external_reference": "SEPA-2031-05-0117",
        "requested_at_ns": AT_NS,
        "state": "done",
        "answer_code": "",
        "decision": "",
        "decided_by": "",
        "from_account_id": 4_177_093_562_817_409,
        "to_account_id": 381_580_437_626_449,
        "next_at_s": AT_S + 86_400,
        "valid": True,
        "hold": "1015",
        "time_ns": AT_NS,
        "next": None,
        # What operators see.
        "last_price": "101.5",
        "reference_price": None,
        "halt_move_ppm": 100_000,
        "halt_window_ns": 60_000_000_000,
        "halt_ns": 60_000_000_000,
        "reopen_ns": 60_000_000_000,
        "outcome": "done",
        "position": 117,
        "waiting": 0,
        "engine_is_alive": True,
        "halt": None,
        "halted_n": None,
        "changed": True,
        "tier": 1,
        "is_suspended": False,
        "cancel_orders": True,
        "cancel_at_ns": None,
        "open_orders": 2,
        "fees": "5.5",
        "fees_left": "5.5",
        "deposits": "100005.5",
        "withdrawals": "0",
        "difference": "0",
        "adds_up": True,
        "balances": 7,
        "from_at_ns": AT_NS - 300_000_000_000,
        "to_at_ns": AT_NS,
        "commands": 117,
        "is_complete": True,
        "trades": 12,
        "volume": "40",
        "turnover": "4060",
        "rejects": 2,
        "band_hits": 2,
        "volatility_halts": 0,
        "rejects_elsewhere": 1,
        "value": "100000",
        "held_value": "406",
        "unpriced": "JIO",
        "buy_notional": "406",
        "sell_notional": "0",
        "action_id": 31,
        "address": "127.0.0.1",
        "action": "market.status",
        "target": "market:TATA_INR",
        "before": {"status": "open", "status_reason": "operator"},
        "after": {"status": "closed"},
        "started": 0,
        "ended_at_ns": AT_NS,
        "hash": "0b1f6a5c5d7e4d8f9a3b2c1d0e9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f",
        "ended_hash": "9c02d5b8e1f4a7c0d3e6f9a2b5c8d1e4f7a0b3c6d9e2f5a8b1c4d7e0f3a6b9c2",
        "next_cursor": "31",
        "ok": True,
        "records": 32,
        "fault": "",
    }
)


_WHY = "Ticket 1742: the issuer asked for it."

# Where a field means something else than usually, and bodies in which some fields shut out others.
OF_STRUCT: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {
        "MarketView": {"fee_asset": "received"},
        "AdminMarketView": {"fee_asset": "received"},
        "UpdateMarketBody": {"taker_fee_ppm": 700, "max_quantity": None, "reason": _WHY},
        "CreateMarketBody": {
            "base": "TATA",
            "quote": "INR",
            "price_tick": "0.05",
            "quantity_lot": "1",
            "taker_fee_ppm": 200,
            "reason": _WHY,
        },
        "ReopenBody": {"markets": ["TATA_INR"], "status": "post_only", "reason": _WHY},
        "AssetCreatedAnswer": {"asset": {"asset": "INR", "scale": 2}},
        "SuspensionBody": {"is_suspended": True, "reason": _WHY},
        "MarketRisk": {"rejects": {"PRICE_OUT_OF_BAND": 2}},
        "RiskView": {"rejects_elsewhere": {"UNKNOWN_ORDER": 1}},
        "PlaceOrderBody": {"market": "TATA_INR", "side": "buy", "price": "101.5", "quantity": "10"},
        "CancelOrderBody": {"order_id": 42},
        "BatchBody": {
            "commands": [
                {
                    "op": "place",
                    "market": "TATA_INR",
                    "side": "buy",
                    "price": "101.5",
                    "quantity": "1",
                },
                {"op": "cancel", "order_id": 42},
            ]
        },
        "BatchResult": {"status": 200, "body": {"order_id": 42, "status": "cancelled"}},
        "CancelTimerBody": {"timeout_s": 60},
        "LoginBody": {"username": "alice", "password": "correct horse battery"},
        "RefreshBody": {"refresh_token": EXAMPLES["refresh_token"]},
        "MakeKeyBody": {"label": "grid bot", "scopes": ["read", "trade"]},
        "ChangeKeyBody": {"label": "another bot"},
        "AccountLimitsBody": {
            "orders_per_10s": 50,
            "orders_per_day": None,
            "reason": "a noisy bot",
        },
        "TickerView": {"open_at_ns": AT_NS - 86_400_000_000_000, "close_at_ns": AT_NS},
        "OrderRecord": {"status": "partially_filled"},
        "OrderChangeView": {
            "change": "filled",
            "status": "partially_filled",
            "quantity": "4",
            "role": "taker",
        },
        "FillRecord": {"quote_quantity": "406", "role": "taker"},
        "LedgerLine": {"reference": None, "withdrawal_id": None, "fee": "0"},
        "RejectionView": {"code": "PRICE_OUT_OF_BAND", "order_id": None},
        "AdminAction": {"before": {"status": "open"}, "after": {"status": "halted"}},
        "BanList": {"total": 1},
        "WithdrawalView": {"status": "pending"},
        "WithdrawalAnswer": {"status": "pending"},
        "OperatorsWithdrawalView": {"status": "pending"},
        "DecisionAnswer": {"status": "settled"},
        "UserPatch": {"is_disabled": True, "reason": "ticket 17"},
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

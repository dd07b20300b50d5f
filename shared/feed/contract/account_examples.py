"""The examples of the account channel: a day of one account.

The rule of this file: data only, as in `examples`; each `balances` is what the account has after
everything above it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from shared.feed.account import (
    Accepted,
    AccountSnapshot,
    AccountUpdated,
    Amended,
    Cancelled,
    CancelTimerSet,
    Deposited,
    Expired,
    FeesPaidOut,
    Filled,
    OrdersCancelled,
    PartiallyFilled,
    Rejected,
    Transferred,
    Triggered,
    WithdrawalRequested,
    WithdrawalReturned,
    WithdrawalSettled,
    Withdrawn,
)

ACCOUNT_EXAMPLES: Mapping[type[Struct], Mapping[str, dict[str, Any]]] = MappingProxyType(
    {
        AccountSnapshot: {
            "first": {
                "type": "snapshot",
                "channel": "account",
                "account_id": 381580437626449,
                "sequence": 20,
                "balances": [
                    {"asset": "GOLD", "available": "0", "held": "0.2"},
                    {"asset": "INR", "available": "900.05", "held": "99.95"},
                    {"asset": "TATA", "available": "10", "held": "0"},
                ],
                "open_orders": [
                    {
                        "order_id": 5,
                        "client_order_id": "mine-5",
                        "market": "TATA_INR",
                        "side": "buy",
                        "type": "limit",
                        "time_in_force": "gtc",
                        "status": "open",
                        "price": "99.95",
                        "quantity": "1",
                        "quote_quantity": None,
                        "filled_quantity": "0",
                        "remaining_quantity": "1",
                        "filled_quote": "0",
                        "fee": "0",
                        "fee_asset": "TATA",
                        "placed_at_ns": 1767225599000000000,
                        "updated_at_ns": 1767225599000000000,
                        "stop_price": None,
                        "trail": None,
                        "trail_ppm": None,
                        "display_quantity": None,
                        "expires_at_ns": None,
                        "post_only": False,
                        "self_trade": "expire_taker",
                        "peer_order_id": None,
                        "parent_order_id": None,
                        "child_order_id": None,
                    }
                ],
                "pending_withdrawals": [
                    {
                        "withdrawal_id": 4700,
                        "asset": "GOLD",
                        "amount": "0.2",
                        "reference": "to my vault",
                        "requested_at_ns": 1767225599000000000,
                    }
                ],
            },
        },
        Accepted: {
            "a limit order": {
                "type": "accepted",
                "channel": "account",
                "sequence": 21,
                "at_ns": 1767225599998000000,
                "balances": [{"asset": "INR", "available": "600.05", "held": "399.95"}],
                "order_id": 6,
                "client_order_id": "",
                "market": "TATA_INR",
                "side": "buy",
                "order_type": "limit",
                "time_in_force": "gtc",
                "price": "100",
                "quantity": "3",
                "quote_quantity": None,
                "self_trade": "expire_taker",
                "fee_asset": "TATA",
            },
            "a stop that waits": {
                "type": "accepted",
                "channel": "account",
                "sequence": 22,
                "at_ns": 1767225599999000000,
                "balances": [{"asset": "TATA", "available": "8", "held": "2"}],
                "order_id": 9,
                "client_order_id": "",
                "market": "TATA_INR",
                "side": "sell",
                "order_type": "stop",
                "time_in_force": "gtc",
                "price": None,
                "quantity": "2",
                "quote_quantity": None,
                "status": "pending",
                "stop_price": "95",
                "self_trade": "expire_taker",
                "fee_asset": "INR",
            },
        },
        PartiallyFilled: {
            "one of three": {
                "type": "partially_filled",
                "channel": "account",
                "sequence": 23,
                "at_ns": 1767225600001000000,
                "balances": [
                    {"asset": "TATA", "available": "8.99", "held": "2"},
                    {"asset": "INR", "available": "600.05", "held": "299.95"},
                ],
                "order_id": 6,
                "client_order_id": "",
                "market": "TATA_INR",
                "trade_id": 13,
                "side": "buy",
                "role": "maker",
                "last_price": "100",
                "last_quantity": "1",
                "filled_quantity": "1",
                "remaining_quantity": "2",
                "fee": "0.01",
                "fee_asset": "TATA",
            }
        },
        Filled: {
            "the rest": {
                "type": "filled",
                "channel": "account",
                "sequence": 24,
                "at_ns": 1767225600001000000,
                "balances": [
                    {"asset": "TATA", "available": "10.97", "held": "2"},
                    {"asset": "INR", "available": "600.05", "held": "99.95"},
                ],
                "order_id": 6,
                "client_order_id": "",
                "market": "TATA_INR",
                "trade_id": 14,
                "side": "buy",
                "role": "maker",
                "last_price": "100",
                "last_quantity": "2",
                "filled_quantity": "3",
                "remaining_quantity": "0",
                "fee": "0.02",
                "fee_asset": "TATA",
            }
        },
        Triggered: {
            "by its stop price": {
                "type": "triggered",
                "channel": "account",
                "sequence": 25,
                "at_ns": 1767225600002000000,
                "balances": [{"asset": "TATA", "available": "10.97", "held": "2"}],
                "order_id": 9,
                "client_order_id": "",
                "market": "TATA_INR",
                "stop_price": "95",
            }
        },
        Expired: {
            "nobody to sell to": {
                "type": "expired",
                "channel": "account",
                "sequence": 26,
                "at_ns": 1767225600002000000,
                "balances": [{"asset": "TATA", "available": "12.97", "held": "0"}],
                "order_id": 9,
                "client_order_id": "",
                "market": "TATA_INR",
                "filled_quantity": "0",
                "remaining_quantity": "2",
                "reason": "market_remainder",
            }
        },
        Amended: {
            "another price": {
                "type": "amended",
                "channel": "account",
                "sequence": 27,
                "at_ns": 1767225600003000000,
                "balances": [{"asset": "INR", "available": "650", "held": "50"}],
                "order_id": 5,
                "client_order_id": "mine-5",
                "market": "TATA_INR",
                "filled_quantity": "0",
                "remaining_quantity": "1",
                "quantity": "1",
                "reason": "requested",
                "price": "50",
            }
        },
        OrdersCancelled: {
            "one is to follow": {
                "type": "orders_cancelled",
                "channel": "account",
                "sequence": 28,
                "at_ns": 1767225600004000000,
                "balances": [],
                "count": 1,
                "reason": "requested",
                "market": "TATA_INR",
                "side": "buy",
            }
        },
        Cancelled: {
            "that one": {
                "type": "cancelled",
                "channel": "account",
                "sequence": 29,
                "at_ns": 1767225600004000000,
                "balances": [{"asset": "INR", "available": "700", "held": "0"}],
                "order_id": 5,
                "client_order_id": "mine-5",
                "market": "TATA_INR",
                "filled_quantity": "0",
                "remaining_quantity": "1",
                "reason": "requested",
            }
        },
        Rejected: {
            "too little money": {
                "type": "rejected",
                "channel": "account",
                "sequence": 30,
                "at_ns": 1767225600005000000,
                "balances": [],
                "code": "INSUFFICIENT_FUNDS",
                "field": "quantity",
                "market": "TATA_INR",
            }
        },
        Deposited: {
            "by wire": {
                "type": "deposited",
                "channel": "account",
                "sequence": 31,
                "at_ns": 1767225600006000000,
                "balances": [{"asset": "INR", "available": "1700", "held": "0"}],
                "asset": "INR",
                "amount": "1000",
                "reference": "wire-1",
            }
        },
        Withdrawn: {
            "at once": {
                "type": "withdrawn",
                "channel": "account",
                "sequence": 32,
                "at_ns": 1767225600007000000,
                "balances": [{"asset": "INR", "available": "1600", "held": "0"}],
                "asset": "INR",
                "amount": "100",
                "reference": "wire-2",
            }
        },
        Transferred: {
            "to another account": {
                "type": "transferred",
                "channel": "account",
                "sequence": 33,
                "at_ns": 1767225600008000000,
                "balances": [{"asset": "INR", "available": "1590", "held": "0"}],
                "asset": "INR",
                "amount": "10",
                "reference": "lunch",
                "direction": "out",
                "counterparty_account_id": 5173686521387344,
            }
        },
        FeesPaidOut: {
            "to this account": {
                "type": "fees_paid_out",
                "channel": "account",
                "sequence": 34,
                "at_ns": 1767225600009000000,
                "balances": [{"asset": "INR", "available": "1595", "held": "0"}],
                "asset": "INR",
                "amount": "5",
                "reference": "July",
            }
        },
        WithdrawalRequested: {
            "the first": {
                "type": "withdrawal_requested",
                "channel": "account",
                "sequence": 35,
                "at_ns": 1767225600010000000,
                "balances": [{"asset": "INR", "available": "1395", "held": "200"}],
                "asset": "INR",
                "amount": "200",
                "reference": "to my bank",
                "withdrawal_id": 4711,
            },
            "the second": {
                "type": "withdrawal_requested",
                "channel": "account",
                "sequence": 36,
                "at_ns": 1767225600011000000,
                "balances": [{"asset": "INR", "available": "1345", "held": "250"}],
                "asset": "INR",
                "amount": "50",
                "reference": "to my bank",
                "withdrawal_id": 4712,
            },
        },
        WithdrawalSettled: {
            "the first": {
                "type": "withdrawal_settled",
                "channel": "account",
                "sequence": 37,
                "at_ns": 1767225600012000000,
                "balances": [{"asset": "INR", "available": "1345", "held": "50"}],
                "asset": "INR",
                "amount": "200",
                "reference": "to my bank",
                "withdrawal_id": 4711,
            }
        },
        WithdrawalReturned: {
            "the second": {
                "type": "withdrawal_returned",
                "channel": "account",
                "sequence": 38,
                "at_ns": 1767225600013000000,
                "balances": [{"asset": "INR", "available": "1395", "held": "0"}],
                "asset": "INR",
                "amount": "50",
                "reference": "to my bank",
                "withdrawal_id": 4712,
                "reason": "refused",
            }
        },
        CancelTimerSet: {
            "in a minute": {
                "type": "cancel_timer_set",
                "channel": "account",
                "sequence": 39,
                "at_ns": 1767225600014000000,
                "balances": [],
                "cancel_at_ns": 1767225660014000000,
            }
        },
        AccountUpdated: {
            "a better tier": {
                "type": "account_updated",
                "channel": "account",
                "sequence": 40,
                "at_ns": 1767225600015000000,
                "balances": [],
                "tier": 1,
                "is_suspended": False,
            }
        },
    }
)

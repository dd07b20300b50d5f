"""What each field of a message means.

The rule of this file: a field of one name means one thing everywhere, so it is described once; the
few that do not are named with their type. A test finds a field that is missing here, or one too
many.
"""

from collections.abc import Mapping
from types import MappingProxyType

DECIMAL = r"^-?[0-9]+(\.[0-9]+)?$"  # Amounts are text, so no reader rounds them by accident.
DECIMAL_FIELDS = frozenset(
    {
        "amount",
        "ask_price",
        "ask_quantity",
        "bid_price",
        "bid_quantity",
        "display_quantity",
        "fee",
        "filled_quantity",
        "filled_quote",
        "held",
        "last_price",
        "last_quantity",
        "price",
        "quantity",
        "quote_quantity",
        "remaining_quantity",
        "stop_price",
        "trail",
        "Balance.available",
    }
)

FIELDS: Mapping[str, str] = MappingProxyType(
    {
        # Asking and answers.
        "id": "Any scalar of yours, echoed in the answer.",
        "channels": "Names of channels.",
        "Subscribe.channels": "Names of channels, or objects where a channel has its own wishes.",
        "token": "An access token of POST /api/v1/auth/login.",
        "subscribed": "What this connection has subscribed.",
        "resumed": "Those that go on after the sequence that was asked; the others begin anew.",
        "Listed.available": "What there is to subscribe.",
        "expires_at_s": "Unix seconds.",
        "Error.code": "Stable; for programs.",
        "message": "For people.",
        "Error.field": "What was at fault, or empty.",
        "Closing.code": "The close code that follows.",
        "Closing.reason": "For people.",
        "reconnect_after_ms": "Wait for so long before connecting again.",
        "SubscribeOrderbook": "The name of a market.",
        "UnsubscribeOrderbook": "The name of a market.",
        # What is common to the updates.
        "channel": "The channel that this is of.",
        "market": "The name of the market.",
        "sequence": "The number of this message in its channel.",
        "at_ns": "Unix nanoseconds, by the clock of the journal or of the producer.",
        "reason": "Why this comes unasked: lagged or resync.",
        "lagged": "This client read too slowly, and what was queued for it is gone.",
        # Books.
        "DepthSnapshot.sequence": "The sequence of the venue's state, as in GET /api/v1/depth.",
        "Bbo.sequence": "The sequence of the book that this is of.",
        "levels": "How many of each side this book shows; left out for the full book.",
        "first_sequence": "The last sequence that is known, plus 1.",
        "last_sequence": "The sequence of the book afterwards.",
        "bids": "Levels of price and quantity, highest price first.",
        "asks": "Levels of price and quantity, lowest price first.",
        "crc32": "The CRC-32 of the best 25 bids, then asks, as text.",
        "bid_price": "Of the best bid.",
        "bid_quantity": "At the best bid.",
        "ask_price": "Of the best ask.",
        "ask_quantity": "At the best ask.",
        "info": "JSON of the producer about the book.",
        # Trades, values and logs.
        "trade_id": "Counts 1, 2, 3 in each market.",
        "last_trade_id": "The next trade has this plus 1.",
        "trades": "Newest first.",
        "entries": "Newest first.",
        "data": "JSON of the producer.",
        "side": "Of the order.",
        "Trade.side": "Of the taker.",
        "RecentTrade.side": "Of the taker.",
        # Accounts.
        "account_id": "A number below 2^53.",
        "balances": "As they are after this.",
        "open_orders": "Open and pending ones.",
        "pending_withdrawals": "Asked for and not decided yet.",
        "requested_at_ns": "When it was asked for, in Unix nanoseconds.",
        "tier": "The fee tier.",
        "is_suspended": "A suspended account cannot place orders.",
        "cancel_at_ns": "When the cancel timer runs out; 0 when it is off.",
        "asset": "The name of the asset.",
        "Balance.available": "What can be spent.",
        "held": "What orders and withdrawals hold.",
        "amount": "How much.",
        "reference": "The text that came with the request.",
        "direction": "Whether the money came or went.",
        "counterparty_account_id": "The account at the other end.",
        "withdrawal_id": "The name of the withdrawal.",
        "WithdrawalReturned.reason": "requested (by the owner) or refused.",
        "count": "How many cancellations follow.",
        "code": "Of the refusal; docs/errors.md lists them.",
        "field": "What was at fault, or left out.",
        # Orders.
        "order_id": "Given by the engine.",
        "client_order_id": "Given by the client, or empty.",
        "order_type": "limit, market, stop, stop_limit or trailing_stop.",
        "type": "limit, market, stop, stop_limit or trailing_stop.",
        "time_in_force": "gtc, ioc, fok or gtd.",
        "status": "pending, open or partially_filled.",
        "price": "Decimal text.",
        "quantity": "Decimal text, in the base asset.",
        "quote_quantity": "The budget of an order that has no quantity.",
        "stop_price": "The last price at which it begins to work.",
        "trail": "How far a trailing stop follows, as a difference of prices.",
        "trail_ppm": "How far a trailing stop follows, in parts per million.",
        "display_quantity": "How much of it is shown at a time.",
        "expires_at_ns": "Unix nanoseconds, of a gtd order.",
        "post_only": "Whether it is refused rather than take.",
        "self_trade": "What happens rather than a trade with oneself.",
        "peer_order_id": "The other order of its pair.",
        "parent_order_id": "The order that it waits for.",
        "child_order_id": "The order that waits for it.",
        "placed_at_ns": "Unix nanoseconds.",
        "updated_at_ns": "Unix nanoseconds.",
        "Cancelled.reason": "requested, linked, cancel_timer, account_suspended or market_closed.",
        "OrdersCancelled.reason": "As in the cancellations that follow.",
        "Expired.reason": "ioc_remainder, fok_not_fillable, market_remainder, self_trade or time; "
        "of an order that was triggered, insufficient_funds, post_only or market_not_open, too.",
        "Amended.reason": "requested or self_trade.",
        "role": "Of this order in the trade.",
        "last_price": "Of this trade.",
        "last_quantity": "Of this trade.",
        "filled_quantity": "Of all trades of the order.",
        "filled_quote": "Paid or received in all trades of the order.",
        "remaining_quantity": "What is left of the order.",
        "fee": "Of this trade; negative when it is a rebate.",
        "OpenOrder.fee": "Of all trades of the order.",
        "fee_asset": "The asset that the fee is in.",
    }
)


def described(kind: str, name: str) -> str:
    """Return what a field of this type means; raises KeyError when nobody has said."""
    own = FIELDS.get(f"{kind}.{name}")
    return FIELDS[name] if own is None else own


def is_decimal(kind: str, name: str) -> bool:
    """Whether a field of this type is an amount in decimal text."""
    return name in DECIMAL_FIELDS or f"{kind}.{name}" in DECIMAL_FIELDS

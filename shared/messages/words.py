"""The closed sets of words that messages use; the names are part of the public contract.

The rule of this file: enumerations only, each word with its meaning where the word is not enough.
"""

from enum import StrEnum


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class OrderType(StrEnum):
    LIMIT = "limit"
    MARKET = "market"
    STOP = "stop"  # A market order once the price has reached its stop price.
    STOP_LIMIT = "stop_limit"  # A limit order once the price has reached its stop price.
    TRAILING_STOP = "trailing_stop"  # A stop whose stop price follows the best price seen.


class TimeInForce(StrEnum):
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    GTD = "gtd"  # Until `expires_at_ns` of journal time.


class OrderStatus(StrEnum):
    PENDING = "pending"  # Waits for its trigger, outside the book.
    OPEN = "open"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class FeeAsset(StrEnum):
    RECEIVED = "received"  # The buyer pays in base, the seller in quote.
    QUOTE = "quote"  # Both pay in quote, the buyer on top of the price.


class SelfTrade(StrEnum):
    """What happens instead of a trade of an account with itself; the taker's word decides."""

    ALLOW = "allow"  # It is a trade like any other.
    EXPIRE_TAKER = "expire_taker"
    EXPIRE_MAKER = "expire_maker"
    EXPIRE_BOTH = "expire_both"
    DECREMENT = "decrement"  # Both lose the smaller quantity; who has nothing left expires.


class MarketStatus(StrEnum):
    OPEN = "open"
    POST_ONLY = "post_only"  # Orders may rest, none may take.
    CANCEL_ONLY = "cancel_only"
    HALTED = "halted"  # The book stands still: no order, no amend, no cancel.
    CLOSED = "closed"  # What rested was cancelled; nothing is accepted.


class StatusReason(StrEnum):
    OPERATOR = "operator"
    VOLATILITY = "volatility"
    REOPENING = "reopening"


class CancelReason(StrEnum):
    REQUESTED = "requested"  # By the owner: one order, or all of them.
    LINKED = "linked"  # The other order of its pair has ended or traded.
    CANCEL_TIMER = "cancel_timer"  # The owner's timer ran out.
    ACCOUNT_SUSPENDED = "account_suspended"
    MARKET_CLOSED = "market_closed"


class ExpiryReason(StrEnum):
    IOC_REMAINDER = "ioc_remainder"
    FOK_NOT_FILLABLE = "fok_not_fillable"
    MARKET_REMAINDER = "market_remainder"
    SELF_TRADE = "self_trade"
    TIME = "time"  # A GTD order's time is over.
    INSUFFICIENT_FUNDS = "insufficient_funds"  # When its trigger came.
    POST_ONLY = "post_only"  # When its trigger came it would have taken.
    MARKET_NOT_OPEN = "market_not_open"  # When its trigger came.


class AmendReason(StrEnum):
    REQUESTED = "requested"
    SELF_TRADE = "self_trade"  # Decremented instead of trading with its own account.


class ReturnReason(StrEnum):
    """Why the money of a pending withdrawal is available again."""

    REQUESTED = "requested"  # By the owner.
    REFUSED = "refused"  # By the operator.


class Reject(StrEnum):
    """Every rule that the engine can say no by."""

    IDEMPOTENCY_MISMATCH = "IDEMPOTENCY_MISMATCH"
    INVALID_COMMAND = "INVALID_COMMAND"
    INVALID_ACCOUNT = "INVALID_ACCOUNT"
    INVALID_ASSET = "INVALID_ASSET"
    INVALID_MARKET = "INVALID_MARKET"
    ASSET_EXISTS = "ASSET_EXISTS"
    MARKET_EXISTS = "MARKET_EXISTS"
    UNKNOWN_ASSET = "UNKNOWN_ASSET"
    UNKNOWN_MARKET = "UNKNOWN_MARKET"
    UNKNOWN_ORDER = "UNKNOWN_ORDER"
    UNKNOWN_WITHDRAWAL = "UNKNOWN_WITHDRAWAL"
    INVALID_AMOUNT = "INVALID_AMOUNT"
    INVALID_PRICE = "INVALID_PRICE"
    INVALID_STOP_PRICE = "INVALID_STOP_PRICE"
    INVALID_TRAIL = "INVALID_TRAIL"
    INVALID_QUANTITY = "INVALID_QUANTITY"
    INVALID_DISPLAY_QUANTITY = "INVALID_DISPLAY_QUANTITY"
    INVALID_BUDGET = "INVALID_BUDGET"
    INVALID_TIME_IN_FORCE = "INVALID_TIME_IN_FORCE"
    INVALID_EXPIRY = "INVALID_EXPIRY"
    INVALID_POST_ONLY = "INVALID_POST_ONLY"
    INVALID_ORDER_PAIR = "INVALID_ORDER_PAIR"
    INVALID_TIMEOUT = "INVALID_TIMEOUT"
    INVALID_CLIENT_ORDER_ID = "INVALID_CLIENT_ORDER_ID"
    INVALID_TICK = "INVALID_TICK"
    INVALID_LOT = "INVALID_LOT"
    QUANTITY_TOO_SMALL = "QUANTITY_TOO_SMALL"
    QUANTITY_TOO_LARGE = "QUANTITY_TOO_LARGE"
    NOTIONAL_TOO_SMALL = "NOTIONAL_TOO_SMALL"
    AMOUNT_LIMIT = "AMOUNT_LIMIT"
    PRICE_OUT_OF_BAND = "PRICE_OUT_OF_BAND"
    NO_PRICE_YET = "NO_PRICE_YET"
    DUPLICATE_CLIENT_ORDER_ID = "DUPLICATE_CLIENT_ORDER_ID"
    TOO_MANY_OPEN_ORDERS = "TOO_MANY_OPEN_ORDERS"
    TOO_MANY_WITHDRAWALS = "TOO_MANY_WITHDRAWALS"
    ACCOUNT_SUSPENDED = "ACCOUNT_SUSPENDED"
    MARKET_POST_ONLY = "MARKET_POST_ONLY"
    MARKET_CANCEL_ONLY = "MARKET_CANCEL_ONLY"
    MARKET_HALTED = "MARKET_HALTED"
    MARKET_CLOSED = "MARKET_CLOSED"
    POST_ONLY_WOULD_TAKE = "POST_ONLY_WOULD_TAKE"
    STOP_ALREADY_MET = "STOP_ALREADY_MET"
    LINKED_ORDER = "LINKED_ORDER"
    NOTHING_TO_AMEND = "NOTHING_TO_AMEND"
    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
    COMMAND_SKIPPED = "COMMAND_SKIPPED"

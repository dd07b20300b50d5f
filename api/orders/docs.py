"""What the OpenAPI document says of the routes under /order.

The rule of this file: descriptions only; what they describe is in `api.orders.routes`.
"""

from api.edge.docs import IDEMPOTENCY_KEY, MIN_SEQUENCE, describe, query
from shared.rest.orders import (
    AcceptedBody,
    AmendOrderBody,
    CancelledAnswer,
    CancelOrderBody,
    OpenOrders,
    OrderAnswer,
    OrderView,
    PlaceOrderBody,
)

OF_ENGINE = ("HALTED", "ENGINE_UNAVAILABLE", "REDIS_UNAVAILABLE", "UNKNOWN_OUTCOME")


_OF_ORDER = ("UNKNOWN_ORDER", "IDEMPOTENCY_MISMATCH", "INVALID_IDEMPOTENCY_KEY", *OF_ENGINE)
_OF_RULES = (
    "QUANTITY_TOO_SMALL",
    "QUANTITY_TOO_LARGE",
    "NOTIONAL_TOO_SMALL",
    "PRICE_OUT_OF_BAND",
    "POST_ONLY_WOULD_TAKE",
    "STOP_ALREADY_MET",
    "TOO_MANY_OPEN_ORDERS",
    "ACCOUNT_SUSPENDED",
    "MARKET_HALTED",
)
_OF_READ = ("REDIS_UNAVAILABLE", "SEQUENCE_NOT_REACHED")
_CHANGED = {200: OrderAnswer, 202: AcceptedBody}
_NAMES = (
    query("order_id", "The number the exchange gave.", kind="integer"),
    query("client_order_id", "Your own name for it."),
)

PLACE = describe(
    answers={201: OrderAnswer, 202: AcceptedBody},
    body=PlaceOrderBody,
    parameters=(IDEMPOTENCY_KEY,),
    errors=(
        "UNKNOWN_MARKET",
        "INVALID_DECIMAL",
        "INVALID_TICK",
        "INVALID_LOT",
        *_OF_RULES,
        "INSUFFICIENT_FUNDS",
        "DUPLICATE_CLIENT_ORDER_ID",
        "IDEMPOTENCY_MISMATCH",
        *OF_ENGINE,
    ),
)
CANCEL = describe(
    answers=_CHANGED,
    body=CancelOrderBody,
    body_required=False,
    parameters=(IDEMPOTENCY_KEY, *_NAMES),
    errors=_OF_ORDER,
)
CANCEL_BY_PATH = describe(answers=_CHANGED, parameters=(IDEMPOTENCY_KEY,), errors=_OF_ORDER)
AMEND = describe(
    answers=_CHANGED,
    body=AmendOrderBody,
    parameters=(IDEMPOTENCY_KEY,),
    errors=("NOTHING_TO_AMEND", "LINKED_ORDER", *_OF_RULES, *_OF_ORDER),
)
CANCEL_ALL = describe(
    answers={200: CancelledAnswer, 202: AcceptedBody},
    parameters=(
        IDEMPOTENCY_KEY,
        query("market", "Only of this market."),
        query("side", "Only buy, or only sell."),
    ),
    errors=("UNKNOWN_MARKET", "IDEMPOTENCY_MISMATCH", "INVALID_IDEMPOTENCY_KEY", *OF_ENGINE),
)
STATUS = describe(
    answers={200: OrderAnswer, 202: AcceptedBody},
    parameters=(
        query("idempotency_key", "The key of the request."),
        query("n", "Its journal number, if known.", kind="integer"),
        query("fp", "Its fingerprint, as a status_url has it."),
        *_NAMES,
    ),
    errors=(
        "UNKNOWN_IDEMPOTENCY_KEY",
        "UNKNOWN_ORDER",
        "IDEMPOTENCY_MISMATCH",
        "INSUFFICIENT_FUNDS",
        *_OF_READ,
    ),
)
OPEN = describe(
    answers={200: OpenOrders},
    parameters=(query("market", "Only of this market."), MIN_SEQUENCE),
    errors=("UNKNOWN_MARKET", *_OF_READ),
)
ONE = describe(
    answers={200: OrderView}, parameters=(MIN_SEQUENCE,), errors=("UNKNOWN_ORDER", *_OF_READ)
)

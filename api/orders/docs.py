"""What the OpenAPI document says of the routes under /order.

The rule of this file: descriptions only; what they describe is in `api.orders.routes`.
"""

from api.edge.docs import BY_KEY, IDEMPOTENCY_KEY, MIN_SEQUENCE, describe, query
from api.orders.open_orders import PAGE_MAX
from shared.rest.orders import (
    AcceptedBody,
    AmendOrderBody,
    BatchAnswer,
    BatchBody,
    CancelledAnswer,
    CancelOrderBody,
    CancelTimerAnswer,
    CancelTimerBody,
    CancelTimerView,
    DoneAnswer,
    OcoAck,
    OcoAnswer,
    OpenOrders,
    OrderAck,
    OrderAnswer,
    OrderResult,
    OrderView,
    OtoAck,
    OtoAnswer,
    PlaceOcoBody,
    PlaceOrderBody,
    PlaceOtoBody,
    TestAnswer,
)

OF_ENGINE = ("HALTED", "ENGINE_UNAVAILABLE", "REDIS_UNAVAILABLE", "UNKNOWN_OUTCOME")


_OF_ORDER = (
    "TOO_MANY_ORDERS",
    "UNKNOWN_ORDER",
    "INVALID_CLIENT_ORDER_ID",
    "MARKET_HALTED",
    *OF_ENGINE,
)
_OF_RULES = (
    "TOO_MANY_ORDERS",
    "INVALID_DECIMAL",
    "TOO_MANY_DECIMALS",
    "AMOUNT_LIMIT",
    "INVALID_TICK",
    "INVALID_LOT",
    "INVALID_PRICE",
    "INVALID_STOP_PRICE",
    "INVALID_TRAIL",
    "INVALID_QUANTITY",
    "INVALID_DISPLAY_QUANTITY",
    "INVALID_BUDGET",
    "INVALID_TIME_IN_FORCE",
    "INVALID_EXPIRY",
    "INVALID_POST_ONLY",
    "INVALID_CLIENT_ORDER_ID",
    "QUANTITY_TOO_SMALL",
    "QUANTITY_TOO_LARGE",
    "NOTIONAL_TOO_SMALL",
    "PRICE_OUT_OF_BAND",
    "POST_ONLY_WOULD_TAKE",
    "STOP_ALREADY_MET",
    "TOO_MANY_OPEN_ORDERS",
    "ACCOUNT_SUSPENDED",
    "NO_PRICE_YET",
    "MARKET_POST_ONLY",
    "MARKET_CANCEL_ONLY",
    "MARKET_HALTED",
    "MARKET_CLOSED",
)
_OF_READ = ("REDIS_UNAVAILABLE", "SEQUENCE_NOT_REACHED")
_FORMS = (OrderAnswer, OrderResult, OrderAck)
_CHANGED = {200: _FORMS, 202: AcceptedBody}
_RESPONSE = query("response", "How much to answer.", enum=["ack", "result", "full"])
_NAMES = (
    query("order_id", "The number the exchange gave.", kind="integer"),
    query("client_order_id", "Your own name for it."),
)

_OF_PLACING = (
    "UNKNOWN_MARKET",
    "INVALID_DECIMAL",
    "INVALID_TICK",
    "INVALID_LOT",
    *_OF_RULES,
    "INSUFFICIENT_FUNDS",
    "DUPLICATE_CLIENT_ORDER_ID",
    "IDEMPOTENCY_MISMATCH",
    "INVALID_IDEMPOTENCY_KEY",
    *OF_ENGINE,
)

PLACE = describe(
    answers={201: _FORMS, 202: AcceptedBody},
    body=PlaceOrderBody,
    parameters=(IDEMPOTENCY_KEY,),
    errors=_OF_PLACING,
)
TEST = describe(
    answers={200: TestAnswer, 202: AcceptedBody},
    body=PlaceOrderBody,
    parameters=(IDEMPOTENCY_KEY,),
    errors=_OF_PLACING,
)
OCO = describe(
    answers={201: (OcoAnswer, OcoAck), 202: AcceptedBody},
    body=PlaceOcoBody,
    parameters=(IDEMPOTENCY_KEY,),
    errors=("INVALID_ORDER_PAIR", *_OF_PLACING),
)
OTO = describe(
    answers={201: (OtoAnswer, OtoAck), 202: AcceptedBody},
    body=PlaceOtoBody,
    parameters=(IDEMPOTENCY_KEY,),
    errors=("INVALID_ORDER_PAIR", *_OF_PLACING),
)
BATCH = describe(
    answers={200: BatchAnswer},
    body=BatchBody,
    parameters=(IDEMPOTENCY_KEY,),
    errors=(
        "UNKNOWN_MARKET",
        "UNKNOWN_ORDER",
        "INVALID_DECIMAL",
        "INVALID_TICK",
        "INVALID_LOT",
        "INVALID_IDEMPOTENCY_KEY",
        *OF_ENGINE,
    ),
)
CANCEL_TIMER = describe(
    answers={200: CancelTimerAnswer, 202: AcceptedBody},
    body=CancelTimerBody,
    parameters=(IDEMPOTENCY_KEY,),
    errors=("INVALID_TIMEOUT", "IDEMPOTENCY_MISMATCH", "INVALID_IDEMPOTENCY_KEY", *OF_ENGINE),
)
CANCEL = describe(
    answers=_CHANGED,
    body=CancelOrderBody,
    body_required=False,
    parameters=(IDEMPOTENCY_KEY, *_NAMES, _RESPONSE),
    errors=_OF_ORDER,
)
CANCEL_BY_PATH = describe(
    answers=_CHANGED, parameters=(IDEMPOTENCY_KEY, _RESPONSE), errors=_OF_ORDER
)
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
    errors=(
        "TOO_MANY_ORDERS",
        "UNKNOWN_MARKET",
        "IDEMPOTENCY_MISMATCH",
        "INVALID_IDEMPOTENCY_KEY",
        *OF_ENGINE,
    ),
)
TIMER = describe(answers={200: CancelTimerView}, parameters=(MIN_SEQUENCE,), errors=_OF_READ)
STATUS = describe(
    answers={
        200: (
            OrderAnswer,
            OrderView,
            OcoAnswer,
            OtoAnswer,
            CancelledAnswer,
            TestAnswer,
            DoneAnswer,
        ),
        202: AcceptedBody,
    },
    parameters=(
        query("idempotency_key", "The key of the request."),
        *BY_KEY[1:],
        *_NAMES,
        MIN_SEQUENCE,
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
    parameters=(
        query("market", "Only of this market."),
        query("after", "Only those above this order_id.", kind="integer", minimum=0),
        query("limit", "At most.", kind="integer", minimum=1, maximum=PAGE_MAX),
        MIN_SEQUENCE,
    ),
    errors=("UNKNOWN_MARKET", *_OF_READ),
)
ONE = describe(
    answers={200: OrderView}, parameters=(MIN_SEQUENCE,), errors=("UNKNOWN_ORDER", *_OF_READ)
)

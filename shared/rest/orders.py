"""What is asked of orders, and what is said of them.

The rule of this file: shapes only; amounts are decimal text, and null is what an order has not.
"""

from typing import Annotated, Any

from msgspec import Meta, Struct

from shared.rest.bodies import Body
from shared.rest.texts import BATCH_SIZE_MAX, Amount, ClientOrderId, OrderId, Ppm, TimeNs

Response = Annotated[
    str | None,
    Meta(
        description="How much to answer: ack (names and numbers), result (the order as it is, too) "
        "or full (the fills, too; default). It is no part of what is asked.",
        examples=["result"],
    ),
]


class NewOrder(Body, frozen=True, kw_only=True):
    """`{market, side, price, quantity}` is a limit order, good till cancelled.

    Other types: `market`; `stop` and `stop_limit`, with a `stop_price`; `trailing_stop`, with a
    `trail` (a distance of prices) or `trail_ppm`. Orders without a `price` name `quantity`, or
    `quote_quantity`: how much of the quote asset to spend, the fee included, or, for a market
    order to sell, to receive before fees. Words may be in any case.
    """

    market: Annotated[str, Meta(examples=["TATA_INR"])]
    side: Annotated[str, Meta(description="buy or sell", examples=["buy"])]
    type: Annotated[
        str | None,
        Meta(description="limit (default), market, stop, stop_limit or trailing_stop"),
    ] = None
    time_in_force: Annotated[str | None, Meta(description="gtc, ioc, fok or gtd")] = None
    price: Annotated[Amount | None, Meta(examples=["101.5"])] = None
    quantity: Annotated[Amount | None, Meta(examples=["10"])] = None
    quote_quantity: Amount | None = None
    client_order_id: ClientOrderId | None = None
    stop_price: Amount | None = None
    trail: Amount | None = None
    trail_ppm: Ppm | None = None
    display_quantity: Annotated[
        Amount | None, Meta(description="How much of it the book shows at a time.")
    ] = None
    post_only: Annotated[bool, Meta(description="Refuse it if it would take.")] = False
    self_trade: Annotated[
        str | None,
        Meta(description="allow, expire_taker, expire_maker, expire_both or decrement"),
    ] = None
    expires_at_ns: Annotated[TimeNs | None, Meta(description="The end of a gtd order.")] = None
    reject_if_met: Annotated[bool, Meta(description="Refuse a stop that would fire at once.")] = (
        False
    )


class PlaceOrderBody(NewOrder, frozen=True, kw_only=True):
    __doc__ = NewOrder.__doc__
    response: Response = None


class PlaceOcoBody(Body, frozen=True, kw_only=True):
    """One cancels the other: a `limit` order, and a `stop` or stop_limit order of the same market,
    side and quantity.
    """

    limit: NewOrder
    stop: NewOrder
    response: Response = None


class PlaceOtoBody(Body, frozen=True, kw_only=True):
    """One triggers the other: `child`, any order, is placed when `parent`, a limit order of the
    same market, is fully filled.
    """

    parent: NewOrder
    child: NewOrder
    response: Response = None


class CancelOrderBody(Body, frozen=True, kw_only=True):
    """One of the two names the order."""

    order_id: OrderId | None = None
    client_order_id: ClientOrderId | None = None
    response: Response = None


class AmendOrderBody(Body, frozen=True, kw_only=True):
    """At least one of: `quantity`, the new total; `price`; `stop_price`, of a stop that waits."""

    order_id: OrderId | None = None
    client_order_id: ClientOrderId | None = None
    quantity: Annotated[Amount | None, Meta(examples=["4"])] = None
    price: Amount | None = None
    stop_price: Amount | None = None
    response: Response = None


Key = Annotated[
    str | None,
    Meta(
        description="Its own Idempotency-Key; without one it is the batch's key, a colon, and the "
        "place of the command in the list, from 0.",
        examples=["quote-7"],
    ),
]


class BatchPlace(
    PlaceOrderBody,
    frozen=True,
    tag_field="op",
    tag="place",
    kw_only=True,
):
    """Place an order."""

    idempotency_key: Key = None


class BatchCancel(
    CancelOrderBody,
    frozen=True,
    tag_field="op",
    tag="cancel",
    kw_only=True,
):
    """Cancel an order."""

    idempotency_key: Key = None


class BatchAmend(
    AmendOrderBody,
    frozen=True,
    tag_field="op",
    tag="amend",
    kw_only=True,
):
    """Amend an order."""

    idempotency_key: Key = None


class BatchBody(Body, frozen=True, kw_only=True):
    """Commands that are put on the journal together, in this order, or not at all."""

    commands: Annotated[
        list[BatchPlace | BatchCancel | BatchAmend], Meta(min_length=1, max_length=BATCH_SIZE_MAX)
    ]


class CancelTimerBody(Body, frozen=True, kw_only=True):
    """All orders are cancelled after `timeout_s` seconds, unless it is set anew before; 0 takes it
    away.
    """

    timeout_s: Annotated[
        int,
        Meta(
            description="0, or whole seconds from 1 to 86400.",
            examples=[60],
            extra_json_schema={"minimum": 0, "maximum": 86_400},
        ),
    ]


class OrderIds(Struct, frozen=True, kw_only=True):
    """What an order is called: by the exchange, and by its owner ("" if by nothing)."""

    order_id: int
    client_order_id: str


class OrderView(Struct, frozen=True, kw_only=True):
    """An order as it stood at one sequence.

    What an order does not have is null: a `price`, where it has none of its own; `quantity` and
    `remaining_quantity` by quote_quantity, and that for all others; a stop price, a trail, a
    display quantity, an end, a linked order. `stop_price` of a trailing stop is where it is now.
    `fee` is the sum so far, negative for rebates.
    """

    order_id: int
    client_order_id: str
    market: str
    side: str
    type: str
    time_in_force: str
    status: str
    price: str | None
    quantity: str | None
    quote_quantity: str | None
    filled_quantity: str
    remaining_quantity: str | None
    filled_quote: str
    fee: str
    fee_asset: str
    placed_at_ns: int
    updated_at_ns: int
    stop_price: str | None
    trail: str | None
    trail_ppm: int | None
    display_quantity: str | None
    expires_at_ns: int | None
    post_only: bool
    self_trade: str
    peer_order_id: int | None
    parent_order_id: int | None
    child_order_id: int | None


class FillView(Struct, frozen=True, kw_only=True):
    """One fill of the order that was placed, at the maker's price."""

    trade_id: int
    price: str
    quantity: str
    fee: str
    fee_asset: str


class OrderAck(OrderIds, frozen=True, kw_only=True):
    """The final answer to an order request that asked for the response `ack`."""

    n: int
    sequence: int
    replayed: bool
    idempotency_key: str


class OrderResult(OrderView, frozen=True, kw_only=True):
    """The final answer to an order request that asked for the response `result`."""

    reason: str
    n: int
    sequence: int
    replayed: bool
    idempotency_key: str


class OrderAnswer(OrderView, frozen=True, kw_only=True):
    """The final answer to an order request, and the order as it stood right after it.

    `reason` says why an order expired. `fills` are the first 1,000. `replayed`: an earlier request
    with the same Idempotency-Key got this answer, and nothing was done again.
    """

    reason: str
    fills: list[FillView]
    n: int
    sequence: int
    replayed: bool
    idempotency_key: str


class OcoAnswer(Struct, frozen=True, kw_only=True):
    """Both orders of a pair, as they stood right after it was placed; `ack` names them only."""

    limit: OrderView
    stop: OrderView
    n: int
    sequence: int
    replayed: bool
    idempotency_key: str


class OtoAnswer(Struct, frozen=True, kw_only=True):
    """Both orders of a pair, as they stood right after it was placed; `ack` names them only.

    `reason` and `fills` are the parent's; `fills` are left out of a `result`, both of an `ack`.
    """

    parent: OrderView
    child: OrderView
    reason: str
    fills: list[FillView]
    n: int
    sequence: int
    replayed: bool
    idempotency_key: str


class OcoAck(Struct, frozen=True, kw_only=True):
    """The answer to an OCO pair that asked for the response `ack`."""

    limit: OrderIds
    stop: OrderIds
    n: int
    sequence: int
    replayed: bool
    idempotency_key: str


class OtoAck(Struct, frozen=True, kw_only=True):
    """The answer to an OTO pair that asked for the response `ack`."""

    parent: OrderIds
    child: OrderIds
    n: int
    sequence: int
    replayed: bool
    idempotency_key: str


class BatchResult(Struct, frozen=True, kw_only=True):
    """The answer to one command: the status and the body that it had got on its own."""

    status: int
    body: dict[str, Any]


class BatchAnswer(Struct, frozen=True, kw_only=True):
    """The answers, in the order of the commands. Each was carried out, or refused, on its own."""

    results: list[BatchResult]
    idempotency_key: str


class CancelTimerAnswer(Struct, frozen=True, kw_only=True):
    """`cancel_at_ns` is when all orders are cancelled, in journal time; null: the timer is off."""

    cancel_at_ns: int | None
    n: int
    sequence: int
    replayed: bool
    idempotency_key: str


class CancelTimerView(Struct, frozen=True, kw_only=True):
    """When all orders are cancelled, as it stood at `sequence`; null: never."""

    cancel_at_ns: int | None
    sequence: int


class TestAnswer(Struct, frozen=True, kw_only=True):
    """The order would be accepted now, and hold this much of that asset; nothing was placed."""

    __test__ = False  # It is no test case, whatever a test runner makes of its name.

    valid: bool
    hold: str
    asset: str
    n: int
    sequence: int
    replayed: bool
    idempotency_key: str


class DoneAnswer(Struct, frozen=True, kw_only=True):
    """A request without an order in its answer was carried out, at `at_ns` of journal time."""

    at_ns: int
    n: int
    sequence: int
    replayed: bool
    idempotency_key: str


class AcceptedBody(Struct, frozen=True):
    """The request is on the journal, will be carried out once, and answered at status_url."""

    code: str
    n: int
    idempotency_key: str
    status_url: str


class CancelledAnswer(Struct, frozen=True):
    """How many orders were cancelled; `replayed` as for one order."""

    count: int
    n: int
    sequence: int
    replayed: bool
    idempotency_key: str


class OpenOrders(Struct, frozen=True):
    """The open and pending orders of the account, oldest first, as they stood at `sequence`.

    `next` is the `after` of the next page, null on the last one.
    """

    orders: list[OrderView]
    sequence: int
    next: int | None

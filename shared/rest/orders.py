"""What is asked of orders, and what is said of them.

The rule of this file: shapes only; amounts are decimal text, and null is what an order has not.
"""

from typing import Annotated

from msgspec import Meta, Struct

from shared.rest.texts import Amount, ClientOrderId, OrderId, Ppm, TimeNs


class PlaceOrderBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
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


class CancelOrderBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One of the two names the order."""

    order_id: OrderId | None = None
    client_order_id: ClientOrderId | None = None


class AmendOrderBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """At least one of: `quantity`, the new total; `price`; `stop_price`, of a stop that waits."""

    order_id: OrderId | None = None
    client_order_id: ClientOrderId | None = None
    quantity: Annotated[Amount | None, Meta(examples=["4"])] = None
    price: Amount | None = None
    stop_price: Amount | None = None


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
    """All open and pending orders of the account, oldest first, as they stood at `sequence`."""

    orders: list[OrderView]
    sequence: int

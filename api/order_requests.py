"""What a client may ask of an order, and the command that it becomes. Pure.

The rule of this file: text and choices in, ticks and lots out; the account comes from the caller,
who has it from the token. The engine checks everything again.
"""

import hashlib
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, TypeVar

from msgspec import Meta, Struct

from api.errors import ApiError
from api.params import client_order_id_of, order_id_of
from shared.markets import parse_price, parse_quantity
from shared.messages import (
    NO_ORDER_ID,
    AmendOrder,
    CancelOrder,
    Market,
    Order,
    OrderType,
    PlaceOrder,
    Side,
    TimeInForce,
)
from shared.money import AmountError, parse_decimal

E = TypeVar("E", bound=StrEnum)

Amount = Annotated[str, Meta(description="Decimal text.", examples=["12.5"])]
OrderId = Annotated[int | str, Meta(description="The number the exchange gave.", examples=[42])]
ClientOrderId = Annotated[
    str, Meta(description="Your own name, unique among your open orders.", examples=["grid-7"])
]


class PlaceOrderBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`{market, side, price, quantity}` is a limit order, good till cancelled.

    A market order names `quantity`, or, to buy, `quote_quantity`: how much of the quote asset to
    spend, the fee included. `side`, `type` and `time_in_force` may be in any case.
    """

    market: Annotated[str, Meta(examples=["TATA_INR"])]
    side: Annotated[str, Meta(description="buy or sell", examples=["buy"])]
    type: Annotated[str | None, Meta(description="limit (default) or market")] = None
    time_in_force: Annotated[str | None, Meta(description="gtc, ioc or fok")] = None
    price: Annotated[Amount | None, Meta(examples=["101.5"])] = None
    quantity: Annotated[Amount | None, Meta(examples=["10"])] = None
    quote_quantity: Amount | None = None
    client_order_id: ClientOrderId | None = None


class CancelOrderBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One of the two names the order."""

    order_id: OrderId | None = None
    client_order_id: ClientOrderId | None = None


class AmendOrderBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`quantity` is the new total, lower than now; the order keeps its place."""

    quantity: Annotated[Amount, Meta(examples=["4"])]
    order_id: OrderId | None = None
    client_order_id: ClientOrderId | None = None


def amount_of(field: str, parse: Callable[[], int]) -> int:
    """Return what `parse` reads, its AmountError become an ApiError about `field`."""
    try:
        return parse()
    except AmountError as error:
        raise ApiError(error.code, str(error), field=field) from None


def place_order(
    body: PlaceOrderBody, market: Market, scales: tuple[int, int], account_id: int, key: str
) -> PlaceOrder:
    """Return the command; `scales` are those of the base and the quote asset. Raises ApiError."""
    side = _choice(Side, body.side, "side")
    order_type = _choice(OrderType, body.type or OrderType.LIMIT, "type")
    is_market = order_type is OrderType.MARKET
    default = TimeInForce.IOC if is_market else TimeInForce.GTC
    time_in_force = _choice(TimeInForce, body.time_in_force or default, "time_in_force")
    _check_shape(body, side, is_market=is_market)
    return PlaceOrder(
        account_id=account_id,
        idempotency_key=key,
        market=market.market,
        side=side,
        type=order_type,
        time_in_force=time_in_force,
        price_ticks=_ticks(body.price, market),
        quantity_lots=_lots(body.quantity, market, scales[0]),
        budget_atoms=_budget(body.quote_quantity, scales[1]),
        client_order_id=client_order_id_of(body.client_order_id),
    )


def _check_shape(body: PlaceOrderBody, side: Side, *, is_market: bool) -> None:
    if not is_market:
        _require(body.price, "price")
        _require(body.quantity, "quantity")
        if body.quote_quantity is not None:
            raise ApiError("INVALID_BUDGET", field="quote_quantity")
        return
    if body.price is not None:
        raise ApiError("INVALID_PRICE", "A market order has no price; leave it out.", field="price")
    if body.quote_quantity is None:
        _require(body.quantity, "quantity")
    elif side is not Side.BUY or body.quantity is not None:
        sentence = "Give quantity, or, to buy, quote_quantity; not both."
        raise ApiError("INVALID_BUDGET", sentence, field="quote_quantity")


def _require(value: str | None, field: str) -> None:
    if value is None:
        raise ApiError("MISSING_FIELD", f"The field {field} is missing.", field=field)


def _choice(kind: type[E], text: str, field: str) -> E:
    try:
        if not text.isascii():  # Some letters become ASCII ones in lower case.
            raise ValueError
        return kind(text.lower())
    except ValueError:
        choices = " or ".join(kind)
        raise ApiError("INVALID_FIELD", f"{field} is {choices}.", field=field) from None


def _ticks(text: str | None, market: Market) -> int:
    return 0 if text is None else amount_of("price", lambda: parse_price(market, text))


def _lots(text: str | None, market: Market, base_scale: int) -> int:
    if text is None:
        return 0
    return amount_of("quantity", lambda: parse_quantity(market, base_scale, text))


def _budget(text: str | None, quote_scale: int) -> int:
    if text is None:
        return 0
    atoms = amount_of("quote_quantity", lambda: parse_decimal(text, quote_scale))
    if atoms == 0:
        raise ApiError("INVALID_BUDGET", field="quote_quantity")
    return atoms


def cancel_order(body: CancelOrderBody, account_id: int, key: str) -> CancelOrder:
    """Return the command; raises ApiError."""
    order_id, client_order_id = named_order(body.order_id, body.client_order_id)
    return CancelOrder(
        account_id=account_id,
        idempotency_key=key,
        order_id=order_id,
        client_order_id=client_order_id,
    )


def amend_order(
    body: AmendOrderBody, order: Order, market: Market, base_scale: int, key: str
) -> AmendOrder:
    """Return the command for `order`, which is in `market`; raises ApiError.

    It names the order by its number: by the client's name the engine could find a later order, in a
    market with another lot.
    """
    return AmendOrder(
        account_id=order.account_id,
        idempotency_key=key,
        order_id=order.order_id,
        quantity_lots=_lots(body.quantity, market, base_scale),
    )


def amend_no_order(body: AmendOrderBody, account_id: int, key: str) -> AmendOrder:
    """Return a command that the engine refuses as UNKNOWN_ORDER, and remembers under its key.

    Without it a repeat could find a later order of that name and amend it after all. Its quantity
    stands for the whole request, so that other parameters under the key are seen as such.
    """
    wanted_id, wanted_name = named_order(body.order_id, body.client_order_id)
    request = f"{wanted_id} {wanted_name} {body.quantity}".encode()
    return AmendOrder(
        account_id=account_id,
        idempotency_key=key,
        order_id=NO_ORDER_ID,
        client_order_id=wanted_name,
        quantity_lots=int.from_bytes(hashlib.blake2b(request, digest_size=6).digest()),
    )


def named_order(order_id: int | str | None, client_order_id: str | None) -> tuple[int, str]:
    """Return the order's id, or 0 and the client's own; exactly one must be given."""
    if (order_id is None) == (client_order_id is None):
        sentence = "Name the order by order_id or by client_order_id, one of them."
        code = "MISSING_FIELD" if order_id is None else "INVALID_FIELD"
        raise ApiError(code, sentence, field="order_id")
    if order_id is None:
        return 0, client_order_id_of(client_order_id)
    return order_id_of(order_id), ""

"""The rules for new terms of an order that lives.

The rule of this file: what is not new is not checked again, because rules change under orders that
rest. A quantity that only falls has to keep to the lower limits; the upper ones cannot hinder it.
"""

from engine.core.markets import LiveMarket
from engine.core.rules.orders import size_fault, unpriced_size_fault
from engine.core.rules.refusals import Refusal
from shared.messages import AmendOrder, Order, OrderStatus, OrderType, Reject
from shared.money import AMOUNT_LIMIT

_WITH_STOP_PRICE = (OrderType.STOP, OrderType.STOP_LIMIT)


def amend_shape_fault(command: AmendOrder) -> Refusal | None:
    """Check what is wrong whatever the order is."""
    if command.quantity_lots is not None and command.quantity_lots < 0:
        return Refusal(Reject.INVALID_QUANTITY, "quantity_lots")
    if command.price_ticks < 0:
        return Refusal(Reject.INVALID_PRICE, "price_ticks")
    if command.stop_price_ticks < 0:
        return Refusal(Reject.INVALID_STOP_PRICE, "stop_price_ticks")
    return None


def closes(command: AmendOrder, order: Order) -> bool:
    """Say whether the new total leaves nothing to trade, so that the order is cancelled."""
    return command.quantity_lots is not None and command.quantity_lots <= order.filled_lots


def only_lowers(command: AmendOrder, order: Order) -> bool:
    """Say whether the order keeps its place: nothing is new but a smaller quantity."""
    quantity_lots = command.quantity_lots
    return (
        quantity_lots is not None
        and quantity_lots < order.quantity_lots
        and command.price_ticks in (0, order.price_ticks)
        and command.stop_price_ticks in (0, _stop_price_of(order))
    )


def amend_fault(command: AmendOrder, order: Order, live: LiveMarket) -> Refusal | None:
    """Check new terms, of the right shape, against the order and steps 2 to 6; None if it closes.

    The order is open or waits, and no pair forbids to amend it.
    """
    if command.quantity_lots is not None and order.budget_atoms:
        return Refusal(Reject.INVALID_QUANTITY, "quantity_lots")
    if closes(command, order):
        return None
    if command.price_ticks and not order.price_ticks:
        return Refusal(Reject.INVALID_PRICE, "price_ticks")
    if command.stop_price_ticks and not _waits_for_its_stop_price(order):
        return Refusal(Reject.INVALID_STOP_PRICE, "stop_price_ticks")
    price_ticks = command.price_ticks or order.price_ticks
    stop_price_ticks = command.stop_price_ticks or _stop_price_of(order)
    quantity_lots = command.quantity_lots
    if quantity_lots is None:
        quantity_lots = order.quantity_lots
    new_terms = price_ticks, stop_price_ticks, quantity_lots
    if new_terms == (order.price_ticks, _stop_price_of(order), order.quantity_lots):
        return Refusal(Reject.NOTHING_TO_AMEND)
    return _grid_fault(command, order, live) or _size_fault(order, live, *new_terms)


def _grid_fault(command: AmendOrder, order: Order, live: LiveMarket) -> Refusal | None:
    price_ticks, stop_price_ticks = command.price_ticks, command.stop_price_ticks
    if price_ticks != order.price_ticks and price_ticks % live.price_step_ticks:
        return Refusal(Reject.INVALID_TICK, "price_ticks")
    if stop_price_ticks != _stop_price_of(order) and stop_price_ticks % live.price_step_ticks:
        return Refusal(Reject.INVALID_TICK, "stop_price_ticks")
    quantity_lots = command.quantity_lots
    if quantity_lots is None or quantity_lots == order.quantity_lots:
        return None
    if quantity_lots % live.quantity_step_lots:
        return Refusal(Reject.INVALID_LOT, "quantity_lots")
    if quantity_lots < live.quantity_min_lots:
        return Refusal(Reject.QUANTITY_TOO_SMALL, "quantity_lots")
    if quantity_lots > order.quantity_lots and 0 < live.quantity_max_lots < quantity_lots:
        return Refusal(Reject.QUANTITY_TOO_LARGE, "quantity_lots")
    return None


def _size_fault(
    order: Order, live: LiveMarket, price_ticks: int, stop_price_ticks: int, quantity_lots: int
) -> Refusal | None:
    if stop_price_ticks >= AMOUNT_LIMIT:
        return Refusal(Reject.AMOUNT_LIMIT, "stop_price_ticks")
    if not quantity_lots:
        return None  # It is by budget, which an amend does not change.
    fees = order.maker_fee_ppm, order.taker_fee_ppm
    if price_ticks:
        return size_fault(live, price_ticks, quantity_lots, fees)
    if order.type is OrderType.TRAILING_STOP:
        return unpriced_size_fault(live, stop_price_ticks, quantity_lots, fees)
    return size_fault(live, stop_price_ticks, quantity_lots, fees, "stop_price_ticks")


def _stop_price_of(order: Order) -> int:
    return order.terms.stop_price_ticks if order.terms is not None else 0


def _waits_for_its_stop_price(order: Order) -> bool:
    return order.status is OrderStatus.PENDING and order.type in _WITH_STOP_PRICE

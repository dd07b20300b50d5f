"""Amends: an order's new terms, in its place or anew.

The rule of this file: an amend that is refused has changed nothing.
"""

from msgspec import structs

from shared.messages import (
    AmendOrder,
    AmendReason,
    CancelReason,
    MarketStatus,
    OrderType,
    PlaceOrder,
    Reject,
    TimeInForce,
)
from tests.support.naive import ends, money, rules
from tests.support.naive.placing import Fault
from tests.support.naive.rules import AnyOf
from tests.support.naive.stops import is_met, wait, work
from tests.support.naive.taking import lower, tell_amended
from tests.support.naive.world import BOOK, CHILD, TRIGGER, WORKING, NaiveMarket, NaiveOrder, World


def amend(world: World, command: AmendOrder) -> Fault:
    order = world.named(command.account_id, command.order_id, command.client_order_id)
    negative = _negative(command)
    if order is None:
        return AnyOf([Reject.UNKNOWN_ORDER, *negative])
    quantity, market = command.quantity_lots, world.market_of(order)
    linked = order.peer is not None or order.place == CHILD
    faults = [Reject.LINKED_ORDER if linked else None, *negative]
    suspended = rules.suspension_fault(world, order.account)
    if quantity is not None and order.quantity and quantity <= order.filled:
        halted = market.status is MarketStatus.HALTED
        faults += [Reject.MARKET_HALTED if halted else None]
        if any(faults):
            return AnyOf(faults)
        ends.cancel(world, order, CancelReason.REQUESTED)
        return None
    faults += _amend_shape_faults(order, command)
    asked = structs.replace(
        order.asked,
        price_ticks=command.price_ticks or order.price,
        stop_price_ticks=command.stop_price_ticks or (0 if order.trails else order.stop_price),
        quantity_lots=order.quantity if quantity is None else quantity,
    )
    if not any(faults):
        faults += [_new_terms_fault(world, market, order, asked)]
    else:
        faults += [suspended, rules.CLOSED_BY.get(market.status)]
    if any(faults):
        return AnyOf(faults)
    _carry_out(world, order, asked)
    return None


def _negative(command: AmendOrder) -> list[Reject]:
    faults = []
    if command.quantity_lots is not None and command.quantity_lots < 0:
        faults.append(Reject.INVALID_QUANTITY)
    if command.price_ticks < 0:
        faults.append(Reject.INVALID_PRICE)
    if command.stop_price_ticks < 0:
        faults.append(Reject.INVALID_STOP_PRICE)
    return faults


def _amend_shape_faults(order: NaiveOrder, command: AmendOrder) -> list[Reject | None]:
    faults: list[Reject | None] = []
    if command.price_ticks and not order.has_price:
        faults.append(Reject.INVALID_PRICE)
    may_move = order.has_stop and not order.trails and not order.has_fired
    if command.stop_price_ticks and not may_move:
        faults.append(Reject.INVALID_STOP_PRICE)
    if command.quantity_lots is not None and order.budget:
        faults.append(Reject.INVALID_QUANTITY)
    if (
        command.quantity_lots in (None, order.quantity)
        and command.price_ticks in (0, order.price)
        and command.stop_price_ticks in (0, order.stop_price)
    ):
        faults.append(Reject.NOTHING_TO_AMEND)
    return faults


def _is_lower_only(order: NaiveOrder, asked: PlaceOrder) -> bool:
    stop = order.stop_price if not order.trails else 0
    same = asked.price_ticks == order.price and asked.stop_price_ticks == stop
    return same and asked.quantity_lots < order.quantity


def _new_terms_fault(
    world: World, market: NaiveMarket, order: NaiveOrder, asked: PlaceOrder
) -> Reject | None:
    fault = _size_fault(market, order, asked) or rules.suspension_fault(world, order.account)
    if fault or _is_lower_only(order, asked):
        return fault or rules.CLOSED_BY.get(market.status)
    if order.has_fired:
        asked = structs.replace(
            asked, type=OrderType.LIMIT, time_in_force=TimeInForce.GTC, stop_price_ticks=0
        )
    out_of_band = asked.price_ticks != order.price and rules.band_fault(market, asked)
    fault = rules.status_fault(world, market, asked) or out_of_band or None
    if fault:
        return fault
    trial = _like(order, asked)
    if not order.trails:  # Its watermark is there, whatever became of the anchor.
        may_take = not asked.post_only
        fault = rules.touch_fault(world, market, trial, may_take=may_take, may_be_met=True)
    there = world.available(order.account, world.held_asset(order)) + order.held
    short = _amended_hold(world, trial) > there
    return fault or (Reject.INSUFFICIENT_FUNDS if short else None)


def _size_fault(market: NaiveMarket, order: NaiveOrder, asked: PlaceOrder) -> Reject | None:
    """Return the first of the rules 2 to 6 that something new breaks."""
    now = market.rules
    stop_price = 0 if order.trails else order.stop_price
    for new, old in ((asked.price_ticks, order.price), (asked.stop_price_ticks, stop_price)):
        if new != old and new % now.price_step_ticks:
            return Reject.INVALID_TICK
    lots = asked.quantity_lots
    if lots != order.quantity and lots % now.quantity_step_lots:
        return Reject.INVALID_LOT
    if lots != order.quantity and lots < now.quantity_min_lots:
        return Reject.QUANTITY_TOO_SMALL
    if lots > order.quantity and now.quantity_max_lots and lots > now.quantity_max_lots:
        return Reject.QUANTITY_TOO_LARGE
    return rules.notional_fault(market, asked)


def _like(order: NaiveOrder, asked: PlaceOrder) -> NaiveOrder:
    return NaiveOrder(
        order.order_id,
        order.account,
        order.asked,
        order.maker_ppm,
        order.taker_ppm,
        order.self_trade,
        asked.quantity_lots,
        asked.price_ticks,
        order.stop_price if order.trails else asked.stop_price_ticks,
        place=order.place,
        filled=order.filled,
        held=order.held,
        has_fired=order.has_fired,
    )


def _amended_hold(world: World, order: NaiveOrder) -> int:
    if order.place == TRIGGER:
        return money.pending_hold(world, order)
    return money.limit_hold(world, order, order.price)


def _carry_out(world: World, order: NaiveOrder, asked: PlaceOrder) -> None:
    before = order.held
    if order.place == BOOK and _is_lower_only(order, asked):
        lower(world, order, order.quantity - asked.quantity_lots)
        tell_amended(world, order, order.held - before, AmendReason.REQUESTED)
        return
    moves = bool(asked.stop_price_ticks) and asked.stop_price_ticks != order.stop_price
    order.price, order.quantity = asked.price_ticks, asked.quantity_lots
    if moves:
        order.stop_price = asked.stop_price_ticks
        order.rank = world.next_rank()
    order.held = _amended_hold(world, order)
    if order.place == BOOK:
        order.place = WORKING
    tell_amended(world, order, order.held - before, AmendReason.REQUESTED)
    if order.place == WORKING:
        work(world, order)
    elif is_met(order, world.market_of(order).last):
        wait(world, order)

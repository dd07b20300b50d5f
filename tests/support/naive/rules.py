"""What a command may be refused for, in the order of the table in docs/ORDERS.md.

The rule of this file: it answers and changes nothing. Where the page gives no order to two faults,
the answer is `AnyOf` both: the core may name either.
"""

import re
from collections.abc import Iterable

from shared.messages import (
    MarketStatus,
    OrderType,
    PlaceOrder,
    Reject,
    Side,
    TimeInForce,
)
from shared.money import AMOUNT_LIMIT
from tests.support.naive.money import PPM, fee
from tests.support.naive.stops import is_met
from tests.support.naive.world import NaiveMarket, NaiveOrder, World

CLIENT_TEXT = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
RESTS = (TimeInForce.GTC, TimeInForce.GTD)
CLOSED_BY = {
    MarketStatus.CANCEL_ONLY: Reject.MARKET_CANCEL_ONLY,
    MarketStatus.HALTED: Reject.MARKET_HALTED,
    MarketStatus.CLOSED: Reject.MARKET_CLOSED,
}


class AnyOf:
    """Equal to every one of its codes; it is false without any."""

    def __init__(self, codes: Iterable[Reject | None]) -> None:
        self.codes = [str(code) for code in codes if code is not None]

    def __bool__(self) -> bool:
        return bool(self.codes)

    def __eq__(self, other: object) -> bool:
        return other in self.codes

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "|".join(self.codes)


# ---- one order, without the state ----


def shape_faults(asked: PlaceOrder, now: int) -> list[Reject]:
    return [
        *_price_faults(asked),
        *_size_shape_faults(asked),
        *_time_faults(asked, now),
        *_iceberg_faults(asked),
    ]


def _price_faults(asked: PlaceOrder) -> list[Reject]:
    faults = []
    if _is_wrong(asked.price_ticks, asked.type in (OrderType.LIMIT, OrderType.STOP_LIMIT)):
        faults.append(Reject.INVALID_PRICE)
    if _is_wrong(asked.stop_price_ticks, asked.type in (OrderType.STOP, OrderType.STOP_LIMIT)):
        faults.append(Reject.INVALID_STOP_PRICE)
    if asked.reject_if_met and asked.type not in (OrderType.STOP, OrderType.STOP_LIMIT):
        faults.append(Reject.INVALID_STOP_PRICE)
    trails = asked.trail_ticks, asked.trail_ppm
    if asked.type is OrderType.TRAILING_STOP:
        if min(trails) < 0 or (trails[0] > 0) == (trails[1] > 0) or trails[1] > PPM:
            faults.append(Reject.INVALID_TRAIL)
    elif trails != (0, 0):
        faults.append(Reject.INVALID_TRAIL)
    return faults


def _is_wrong(value: int, is_named: bool) -> bool:
    return value <= 0 if is_named else value != 0


def _size_shape_faults(asked: PlaceOrder) -> list[Reject]:
    if not asked.budget_atoms:
        return [Reject.INVALID_QUANTITY] if asked.quantity_lots <= 0 else []
    faults = []
    if asked.quantity_lots:
        faults.append(Reject.INVALID_QUANTITY)
    may_sell = asked.type is OrderType.MARKET
    has_price = asked.type in (OrderType.LIMIT, OrderType.STOP_LIMIT)
    if asked.budget_atoms < 0 or has_price or (asked.side is Side.SELL and not may_sell):
        faults += [Reject.INVALID_BUDGET, Reject.INVALID_QUANTITY]
    if asked.time_in_force is TimeInForce.FOK:
        faults.append(Reject.INVALID_TIME_IN_FORCE)
    return faults


def _time_faults(asked: PlaceOrder, now: int) -> list[Reject]:
    faults = []
    if asked.time_in_force is TimeInForce.GTD:
        if asked.type is OrderType.MARKET:
            faults.append(Reject.INVALID_TIME_IN_FORCE)
        if asked.expires_at_ns <= now:
            faults.append(Reject.INVALID_EXPIRY)
    elif asked.expires_at_ns:
        faults.append(Reject.INVALID_EXPIRY)
    return faults


def _iceberg_faults(asked: PlaceOrder) -> list[Reject]:
    faults = []
    may_rest = asked.type is OrderType.LIMIT and asked.time_in_force in RESTS
    if asked.display_lots and not (may_rest and 0 < asked.display_lots < asked.quantity_lots):
        faults.append(Reject.INVALID_DISPLAY_QUANTITY)
    if asked.post_only and not may_rest:
        faults.append(Reject.INVALID_POST_ONLY)
    if asked.client_order_id and not CLIENT_TEXT.fullmatch(asked.client_order_id):
        faults.append(Reject.INVALID_CLIENT_ORDER_ID)
    return faults


def size_fault(market: NaiveMarket, asked: PlaceOrder) -> Reject | None:
    """Return the first of the rules 2 to 6 that is broken."""
    rules = market.rules
    if asked.price_ticks % rules.price_step_ticks or (
        asked.stop_price_ticks % rules.price_step_ticks
    ):
        return Reject.INVALID_TICK
    if asked.quantity_lots % rules.quantity_step_lots or (
        asked.display_lots % rules.quantity_step_lots
    ):
        return Reject.INVALID_LOT
    if not asked.budget_atoms and asked.quantity_lots < rules.quantity_min_lots:
        return Reject.QUANTITY_TOO_SMALL
    if rules.quantity_max_lots and asked.quantity_lots > rules.quantity_max_lots:
        return Reject.QUANTITY_TOO_LARGE
    return notional_fault(market, asked)


def notional_fault(market: NaiveMarket, asked: PlaceOrder) -> Reject | None:
    """Return the first of the rules 5 and 6 that is broken."""
    notional = _notional(market, asked)
    if notional is not None and notional < market.rules.notional_min_atoms:
        return Reject.NOTIONAL_TOO_SMALL
    return Reject.AMOUNT_LIMIT if _is_too_large(market, asked) else None


def _notional(market: NaiveMarket, asked: PlaceOrder) -> int | None:
    if asked.budget_atoms:
        return asked.budget_atoms
    price = asked.price_ticks or asked.stop_price_ticks or market.anchor
    return price * asked.quantity_lots * market.rate if price else None


def _is_too_large(market: NaiveMarket, asked: PlaceOrder) -> bool:
    price = asked.price_ticks or asked.stop_price_ticks
    if asked.type is OrderType.TRAILING_STOP:
        distance = asked.trail_ticks or max(1, -(-market.anchor * asked.trail_ppm // PPM))
        away = distance if asked.side is Side.BUY else -distance
        price = max(0, market.anchor + away)
    cost = price * asked.quantity_lots * market.rate
    if market.fees_in_quote and asked.side is Side.BUY:
        cost += fee(cost, market.rules.taker_fee_ppm)
    return max(cost, asked.quantity_lots * market.lot_atoms, asked.budget_atoms) >= AMOUNT_LIMIT


# ---- the state ----


def status_fault(world: World, market: NaiveMarket, asked: PlaceOrder) -> Reject | None:
    if market.status is not MarketStatus.POST_ONLY:
        return CLOSED_BY.get(market.status)
    if asked.type is OrderType.MARKET:
        return Reject.MARKET_POST_ONLY
    if asked.type is not OrderType.LIMIT:
        return None
    takes = world.would_take(market.name, asked.price_ticks, buy=asked.side is Side.BUY)
    return Reject.MARKET_POST_ONLY if takes or asked.time_in_force not in RESTS else None


def band_fault(market: NaiveMarket, asked: PlaceOrder) -> Reject | None:
    band = market.band(buy=asked.side is Side.BUY)
    if band is None or not asked.price_ticks or band[0] <= asked.price_ticks <= band[1]:
        return None
    return Reject.PRICE_OUT_OF_BAND


def name_fault(world: World, account: int, legs: list[PlaceOrder]) -> Reject | None:
    used = [order.asked.client_order_id for order in world.own_orders(account)]
    for asked in legs:
        if asked.client_order_id and asked.client_order_id in used:
            return Reject.DUPLICATE_CLIENT_ORDER_ID
        used.append(asked.client_order_id)
    return None


def count_fault(
    world: World, market: NaiveMarket, account: int, legs: list[PlaceOrder]
) -> Reject | None:
    most = market.rules.open_orders_max
    asked = legs[0]
    waits = asked.type in (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)
    rests = asked.type is OrderType.LIMIT and asked.time_in_force in RESTS
    if not most or not (waits or rests or len(legs) > 1):
        return None
    there = len(world.own_orders(account, market.name))
    return Reject.TOO_MANY_OPEN_ORDERS if there + len(legs) > most else None


def touch_fault(
    world: World, market: NaiveMarket, order: NaiveOrder, *, may_take: bool, may_be_met: bool
) -> Reject | None:
    """Return the first broken of what rule 12 says of an order and the market's price."""
    if order.trails and not market.anchor:
        return Reject.NO_PRICE_YET
    is_limit = order.asked.type is OrderType.LIMIT
    if is_limit and not may_take and world.would_take(market.name, order.price, buy=order.buy):
        return Reject.POST_ONLY_WOULD_TAKE
    if order.has_stop and not order.trails and not may_be_met and is_met(order, market.last):
        return Reject.STOP_ALREADY_MET
    return None


def suspension_fault(world: World, account: int) -> Reject | None:
    return Reject.ACCOUNT_SUSPENDED if world.account(account).is_suspended else None

"""What an order must hold, what it would trade, and what a trade costs its two sides.

The rule of this file: fees are exact fractions rounded at the end; what an order would trade is
found by playing its makers through on copies, part by part.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from shared.messages import OrderType, SelfTrade
from tests.support.naive.world import NaiveMarket, NaiveOrder, World

PPM = 1_000_000


def fee(amount: int, ppm: int) -> int:
    return ceil(Fraction(amount * ppm, PPM))


def limit_hold(world: World, order: NaiveOrder, price: int) -> int:
    """Return what the order's remainder holds at a limit price."""
    market = world.market_of(order)
    if not order.buy:
        return order.remaining * market.lot_atoms
    cost = price * order.remaining * market.rate
    return cost + fee(cost, hold_ppm(market, order))


def hold_ppm(market: NaiveMarket, order: NaiveOrder) -> int:
    return max(order.maker_ppm, order.taker_ppm, 0) if market.fees_in_quote and order.buy else 0


def taker_ppm(market: NaiveMarket, order: NaiveOrder) -> int:
    return order.taker_ppm if market.fees_in_quote and order.buy else 0


def pending_hold(world: World, order: NaiveOrder) -> int:
    """Return what a stop holds while it waits."""
    if order.asked.type is OrderType.STOP_LIMIT or not order.buy:
        return limit_hold(world, order, order.price)
    if order.budget:
        return order.budget
    market = world.market_of(order)
    cost = order.stop_price * order.quantity * market.rate
    return cost + fee(cost, hold_ppm(market, order))


def edge(market: NaiveMarket, order: NaiveOrder) -> int | None:
    """Return the worst price that a taker accepts, None for any."""
    if order.has_price:
        return order.price
    band = market.band(buy=order.buy)
    if band is None:
        return None
    return band[1] if order.buy else band[0]


def within(order: NaiveOrder, price: int, edge: int | None) -> bool:
    return edge is None or (price <= edge if order.buy else price >= edge)


def self_trade_mode(order: NaiveOrder) -> SelfTrade:
    """Return the taker's mode; who has no quantity has none to decrement."""
    if order.budget and order.self_trade is SelfTrade.DECREMENT:
        return SelfTrade.EXPIRE_MAKER
    return order.self_trade


def would_trade(world: World, order: NaiveOrder, edge: int | None) -> list[int]:
    """Return the price of every single lot that the order would trade, in their order."""
    mode = self_trade_mode(order)
    prices: list[int] = []
    wanted, shrinks = order.remaining, order.quantity and not (order.has_price or order.is_fok)
    makers = [
        (maker, maker.shown, maker.remaining)
        for maker in world.resting(order.market, buy=not order.buy)
        if within(order, maker.price, edge)
    ]
    while makers:
        maker, shown, remaining = makers.pop(0)
        if maker.account == order.account and mode is not SelfTrade.ALLOW:
            if mode is SelfTrade.EXPIRE_MAKER:
                continue
            if not (mode is SelfTrade.DECREMENT and shrinks):
                break
            wanted -= min(remaining, wanted - min(wanted, len(prices)))
            continue
        prices += [maker.price] * shown
        remaining -= shown
        if remaining:
            same = [place for place, (other, *_) in enumerate(makers) if other.price == maker.price]
            part = min(maker.asked.display_lots, remaining)
            makers.insert(same[-1] + 1 if same else 0, (maker, part, remaining))
    return prices[:wanted] if order.quantity else prices


@dataclass
class Plan:
    """What a market order is to do: so many lots, and what it needs for them.

    `is_whole`: that is all it wants, so the book's end is not what stops it.
    """

    lots: int
    needs: int
    fee_room: int
    is_whole: bool


def market_plan(world: World, order: NaiveOrder) -> Plan:
    market = world.market_of(order)
    prices = would_trade(world, order, edge(market, order))
    if order.budget:
        return _budget_plan(market, order, prices)
    lots = min(order.quantity, len(prices))
    if order.is_fok and lots < order.quantity:
        lots = 0
    if not order.buy:
        needs = order.quantity * market.lot_atoms
        return Plan(lots, needs, 0, lots == order.quantity)
    cost = sum(prices[:lots]) * market.rate
    room = fee(cost, taker_ppm(market, order))
    return Plan(lots, cost + room, room, lots == order.quantity)


def _budget_plan(market: NaiveMarket, order: NaiveOrder, prices: list[int]) -> Plan:
    ppm = taker_ppm(market, order)
    lots = cost = 0
    for price in prices:
        more = cost + price * market.rate
        if more + fee(more, ppm) > order.budget:
            break
        lots, cost = lots + 1, more
    needs = order.budget if order.buy else lots * market.lot_atoms
    is_spent = cost + 1 + fee(cost + 1, ppm) > order.budget
    return Plan(lots, needs, fee(cost, ppm), lots < len(prices) or is_spent)


def trade_fees(
    market: NaiveMarket, maker: NaiveOrder, taker: NaiveOrder, lots: int
) -> tuple[int, int]:
    """Return what maker and taker pay for a trade, each in the asset the market says."""
    cost = maker.price * lots * market.rate
    if not market.fees_in_quote:
        got = lots * market.lot_atoms
        return (
            fee(got if maker.buy else cost, maker.maker_ppm),
            fee(got if taker.buy else cost, taker.taker_ppm),
        )
    taker_fee = fee(cost, taker.taker_ppm)
    if taker.buy:
        taker_fee = min(taker_fee, room_for_fees(market, taker))
    if maker.maker_ppm < 0:
        return -min(floor(Fraction(cost * -maker.maker_ppm, PPM)), taker_fee), taker_fee
    maker_fee = fee(cost, maker.maker_ppm)
    if maker.buy:
        maker_fee = min(maker_fee, room_for_fees(market, maker))
    return maker_fee, taker_fee


def room_for_fees(market: NaiveMarket, order: NaiveOrder) -> int:
    """Return how much of a buy's hold is there for fees in quote."""
    if not order.has_price:
        return order.fee_room
    return order.held - order.price * order.remaining * market.rate

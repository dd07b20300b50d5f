"""A taker's way through the book: trades, meetings with its own account, and its end.

The rule of this file: one maker at a time, found anew in the whole book each time. What a taker
triggers is only queued here; `stops` works the queue off.
"""

from shared.messages import AmendReason, CancelReason, ExpiryReason, SelfTrade, TimeInForce
from tests.support.naive import ends, money
from tests.support.naive.money import Plan
from tests.support.naive.world import BOOK, GONE, WORKING, NaiveMarket, NaiveOrder, World

Prices = list[int]


def take(world: World, order: NaiveOrder, plan: Plan | None = None) -> Prices:
    """Take as a limit order does, or (with a plan) as a market order; return its trades' prices."""
    order.place = WORKING
    worst = money.edge(world.market_of(order), order)
    if order.is_fok and not _fills_whole(world, order, worst, plan):
        ends.expire(world, order, ExpiryReason.FOK_NOT_FILLABLE)
        return []
    prices = _trade_on(world, order, worst, plan)
    if order.place != GONE:
        _finish(world, order, plan)
    return prices


def _fills_whole(world: World, order: NaiveOrder, worst: int | None, plan: Plan | None) -> bool:
    if plan is not None:
        return plan.is_whole
    return len(money.would_trade(world, order, worst)) >= order.remaining


def _trade_on(world: World, order: NaiveOrder, worst: int | None, plan: Plan | None) -> Prices:
    prices: Prices = []
    planned = plan.lots if plan else 0
    while order.budget or order.remaining:
        wanted = planned if plan else order.remaining
        if plan and not wanted and (plan.is_whole or _passes_over_own(order)):
            break
        makers = world.resting(order.market, buy=not order.buy)
        if not makers or not money.within(order, makers[0].price, worst):
            break
        maker = makers[0]
        if maker.account == order.account and order.self_trade is not SelfTrade.ALLOW:
            _meet_own(world, order, maker)
            if order.place == GONE:
                break
            continue
        if not wanted:
            break
        lots = min(wanted, maker.shown)
        _trade(world, maker, order, lots)
        prices += [maker.price]
        planned -= lots
    return prices


def _passes_over_own(order: NaiveOrder) -> bool:
    """Say whether own orders behind all that a budget can pay are left alone."""
    return bool(order.budget) and money.self_trade_mode(order) is SelfTrade.EXPIRE_MAKER


def _finish(world: World, order: NaiveOrder, plan: Plan | None) -> None:
    if order.budget:
        is_done = plan is not None and plan.is_whole and order.filled > 0
    else:
        is_done = not order.remaining
    if is_done:
        ends.fill(world, order)
    elif plan is not None:
        ends.expire(world, order, ExpiryReason.MARKET_REMAINDER)
    elif order.asked.time_in_force is TimeInForce.IOC:
        ends.expire(world, order, ExpiryReason.IOC_REMAINDER)
    else:
        order.place = BOOK
        order.rank = world.next_rank()
        order.shown = order.next_part()


# ---- a trade ----


def _trade(world: World, maker: NaiveOrder, taker: NaiveOrder, lots: int) -> None:
    part(world, maker)
    market = world.market_of(maker)
    fees = money.trade_fees(market, maker, taker, lots)
    cost = maker.price * lots * market.rate
    _pay(world, market, cost, lots, [(maker, fees[0]), (taker, fees[1])])
    for order, fee in ((maker, fees[0]), (taker, fees[1])):
        _lower_hold(market, order, lots, cost, fee if market.fees_in_quote else 0)
    world.tell("trade", market.name, maker.price, lots, maker.order_id, taker.order_id, *fees)
    maker.shown -= lots
    if not maker.remaining:
        ends.fill(world, maker)
    elif not maker.shown:
        maker.shown = maker.next_part()
        maker.rank = world.next_rank()


def part(world: World, maker: NaiveOrder) -> None:
    """Cancel the stop leg of a maker that is about to trade, or to lose quantity."""
    stop = maker.peer
    if stop is None:
        return
    released = maker.held - money.limit_hold(world, maker, maker.price)
    maker.held -= released
    ends.unlink(maker)
    ends.cancel(world, stop, CancelReason.LINKED, released)


def _pay(
    world: World, market: NaiveMarket, cost: int, lots: int, sides: list[tuple[NaiveOrder, int]]
) -> None:
    for order, fee in sides:
        sign = 1 if order.buy else -1
        fee_asset = market.quote if market.fees_in_quote or not order.buy else market.base
        world.add(order.account, market.base, sign * lots * market.lot_atoms)
        world.add(order.account, market.quote, -sign * cost)
        world.add(order.account, fee_asset, -fee)
        world.earn(fee_asset, fee)


def _lower_hold(market: NaiveMarket, order: NaiveOrder, lots: int, cost: int, fee: int) -> None:
    room = money.room_for_fees(market, order) - max(fee, 0)
    order.filled += lots
    if not order.buy:
        order.held -= lots * market.lot_atoms
    elif order.has_price:
        rest = order.price * order.remaining * market.rate
        order.held = rest + min(room, money.fee(rest, money.hold_ppm(market, order)))
    else:
        order.fee_room = room
        order.held -= cost + fee


# ---- an own order in the way ----


def _meet_own(world: World, taker: NaiveOrder, maker: NaiveOrder) -> None:
    mode = money.self_trade_mode(taker)
    if mode is SelfTrade.DECREMENT:
        _decrement(world, maker, taker)
        return
    if mode in (SelfTrade.EXPIRE_MAKER, SelfTrade.EXPIRE_BOTH):
        ends.expire(world, maker, ExpiryReason.SELF_TRADE)
    if mode in (SelfTrade.EXPIRE_TAKER, SelfTrade.EXPIRE_BOTH):
        ends.expire(world, taker, ExpiryReason.SELF_TRADE)


def _decrement(world: World, maker: NaiveOrder, taker: NaiveOrder) -> None:
    lots = min(maker.remaining, taker.remaining)
    for order in (maker, taker):
        if order.remaining == lots:
            ends.expire(world, order, ExpiryReason.SELF_TRADE)
        else:
            part(world, order)
            before = order.held
            lower(world, order, lots)
            tell_amended(world, order, order.held - before, AmendReason.SELF_TRADE)


def lower(world: World, order: NaiveOrder, lots: int) -> None:
    """Take lots away from an order at work, and from what it holds."""
    market = world.market_of(order)
    room = money.room_for_fees(market, order) if order.buy else 0
    order.quantity -= lots
    order.shown = min(order.shown, order.remaining)
    if not order.buy:
        order.held -= lots * market.lot_atoms
    elif order.has_price:
        rest = order.price * order.remaining * market.rate
        order.held = rest + min(room, money.fee(rest, money.hold_ppm(market, order)))


def tell_amended(world: World, order: NaiveOrder, held: int, reason: AmendReason) -> None:
    lots = order.quantity, order.filled, order.remaining
    world.tell("amended", order.order_id, *lots, held, order.price, order.stop_price, str(reason))

"""What waits outside the book: stops, and children of orders that are not filled yet.

The rule of this file: after every taker the trigger book is searched as a whole, and the queue is
worked off from its front until nothing is left.
"""

from shared.messages import CancelReason, ExpiryReason, MarketStatus, OrderType, StatusReason
from tests.support.naive import ends, money
from tests.support.naive.money import PPM, Plan
from tests.support.naive.taking import Prices, take
from tests.support.naive.world import (
    GONE,
    QUEUE,
    TRIGGER,
    WORKING,
    NaiveMarket,
    NaiveOrder,
    World,
)


def is_met(order: NaiveOrder, price: int) -> bool:
    if not price or not order.stop_price:
        return False
    return price >= order.stop_price if order.buy else price <= order.stop_price


def trail(order: NaiveOrder, watermark: int) -> None:
    """Set the watermark, and the stop price at its distance."""
    order.watermark = watermark
    distance = order.asked.trail_ticks
    if order.asked.trail_ppm:
        distance = max(1, -(-watermark * order.asked.trail_ppm // PPM))
    order.stop_price = watermark + distance if order.buy else max(0, watermark - distance)


# ---- after a taker ----


def work(world: World, order: NaiveOrder, plan: Plan | None = None) -> None:
    """Let a taker take, and queue up what its trades mean for the others."""
    market = world.market_of(order)
    prices = take(world, order, plan)
    if not prices:
        return
    market.last = prices[-1]
    for price in dict.fromkeys((prices[0], prices[-1])):
        elect(world, market, price)
    _halt_if_wild(world, market, prices)


def _move(world: World, market: NaiveMarket, price: int) -> None:
    for order in _waiting(world, market):
        if order.trails:
            if order.buy and price < order.watermark:
                trail(order, price)
            if not order.buy and price > order.watermark:
                trail(order, price)


def elect(world: World, market: NaiveMarket, price: int) -> None:
    _move(world, market, price)
    met = [order for order in _waiting(world, market) if is_met(order, price)]
    buys = [order for order in met if order.buy]
    sells = [order for order in met if not order.buy]
    buys.sort(key=lambda order: (order.stop_price, order.rank))
    sells.sort(key=lambda order: (-order.stop_price, order.rank))
    for order in buys + sells:
        order.place = QUEUE
        world.queue.append(order)


def _waiting(world: World, market: NaiveMarket) -> list[NaiveOrder]:
    return [o for o in world.orders if o.place == TRIGGER and o.market == market.name]


def _halt_if_wild(world: World, market: NaiveMarket, prices: Prices) -> None:
    rules = market.rules
    if not rules.halt_move_ppm:
        return
    length = max(1, rules.halt_window_ns // 16)
    began = max(world.now - world.now % length, *market.slices, 0)
    market.slices.setdefault(began, []).extend(prices)
    after = world.now - rules.halt_window_ns
    market.slices = {at: seen for at, seen in market.slices.items() if at > after}
    seen = [price for prices in market.slices.values() for price in prices]
    if (max(seen) - min(seen)) * PPM > rules.halt_move_ppm * min(seen):
        set_status(
            world,
            market,
            MarketStatus.HALTED,
            StatusReason.VOLATILITY,
            world.now + rules.halt_ns,
        )


def set_status(
    world: World, market: NaiveMarket, status: MarketStatus, reason: StatusReason, until: int
) -> None:
    market.status, market.until, market.slices = status, until, {}
    world.tell("status", market.name, str(status), str(reason), until)


# ---- the queue ----


def drain(world: World) -> None:
    """Trigger what is queued, and what that queues, until nothing is left."""
    while world.queue:
        order = world.queue.pop(0)
        if order.place == GONE:
            continue
        if order.parent_id:
            order.parent_id = 0
            _trigger_child(world, order)
        elif world.market_of(order).status is not MarketStatus.OPEN:
            order.place = TRIGGER
        else:
            fire(world, order)


def fire(world: World, order: NaiveOrder) -> None:
    """Let a stop do what it waited for, if its account can pay for it."""
    order.place = WORKING
    if order.peer is not None:
        limit = order.peer
        ends.unlink(order)
        ends.cancel(world, limit, CancelReason.LINKED)
    plan = None if order.has_price else money.market_plan(world, order)
    needs = plan.needs if plan else money.limit_hold(world, order, order.price)
    before = order.held
    if not _hold(world, order, needs):
        return
    world.tell("triggered", order.order_id, order.stop_price, order.held - before)
    order.has_fired = True
    order.fee_room = plan.fee_room if plan else 0
    work(world, order, plan)


def _hold(world: World, order: NaiveOrder, needs: int) -> bool:
    """Let the order hold what it needs, or expire it."""
    there = world.available(order.account, world.held_asset(order)) + order.held
    if needs > there:
        ends.expire(world, order, ExpiryReason.INSUFFICIENT_FUNDS)
        return False
    order.held = needs
    return True


def _trigger_child(world: World, order: NaiveOrder) -> None:
    reason = _child_fault(world, order)
    if reason is not None:
        ends.expire(world, order, reason)
        return
    market, plan = world.market_of(order), None
    if order.trails:
        trail(order, market.anchor)
    if order.has_stop:
        needs = money.pending_hold(world, order)
    elif order.has_price:
        needs = money.limit_hold(world, order, order.price)
    else:
        plan = money.market_plan(world, order)
        needs, order.fee_room = plan.needs, plan.fee_room
    if not _hold(world, order, needs):
        return
    world.tell("triggered", order.order_id, 0, order.held)
    order.rank = world.next_rank()
    if order.has_stop:
        wait(world, order)
    else:
        work(world, order, plan)


def wait(world: World, order: NaiveOrder) -> None:
    """Put a stop into the trigger book; one that is met fires at once."""
    market = world.market_of(order)
    order.place = TRIGGER
    if market.status is MarketStatus.OPEN and is_met(order, market.last):
        fire(world, order)


def _child_fault(world: World, order: NaiveOrder) -> ExpiryReason | None:
    market = world.market_of(order)
    takes = order.asked.type is OrderType.MARKET
    if order.asked.type is OrderType.LIMIT:
        takes = world.would_take(market.name, order.price, buy=order.buy)
    quiet = market.status is MarketStatus.POST_ONLY and not takes
    if market.status is not MarketStatus.OPEN and not quiet:
        return ExpiryReason.MARKET_NOT_OPEN
    if order.asked.post_only and takes:
        return ExpiryReason.POST_ONLY
    return None

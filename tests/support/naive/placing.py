"""New orders, and pairs of them.

The rule of this file: each function answers with what the command is refused for, or carries it out
and answers None.
"""

from shared.messages import (
    FeeTier,
    OrderType,
    PlaceOco,
    PlaceOrder,
    PlaceOto,
    Reject,
)
from tests.support.naive import money, rules
from tests.support.naive.rules import AnyOf
from tests.support.naive.stops import trail, wait, work
from tests.support.naive.world import (
    CHILD,
    TRIGGER,
    NaiveMarket,
    NaiveOrder,
    World,
)

Fault = Reject | AnyOf | None


def place(world: World, account: int, asked: PlaceOrder) -> Fault:
    market = world.markets.get(asked.market)
    if market is None:
        return Reject.UNKNOWN_MARKET
    shape = AnyOf(rules.shape_faults(asked, world.now))
    fault = (
        shape or rules.size_fault(market, asked) or _state_fault(world, account, [asked], [asked])
    )
    if fault:
        return fault
    order = _new(world, account, asked)
    may_be_met = not asked.reject_if_met
    fault = rules.touch_fault(
        world, market, order, may_take=not asked.post_only, may_be_met=may_be_met
    )
    if fault:
        return fault
    fault = _hold_at_entry(world, order)
    if fault:
        return fault
    _accept(world, order)
    _begin(world, order)
    return None


def place_oco(world: World, account: int, command: PlaceOco) -> Fault:
    legs = [command.limit, command.stop]
    fault = _pair_fault(world, legs, is_pair=_is_oco(*legs)) or _state_fault(
        world, account, legs, legs
    )
    if fault:
        return fault
    market = world.markets[command.limit.market]
    limit, stop = (_new(world, account, asked) for asked in legs)
    fault = rules.touch_fault(
        world, market, limit, may_take=False, may_be_met=False
    ) or rules.touch_fault(world, market, stop, may_take=False, may_be_met=False)
    if fault:
        return fault
    needs = max(money.limit_hold(world, limit, limit.price), money.pending_hold(world, stop))
    if needs > world.available(account, world.held_asset(limit)):
        return Reject.INSUFFICIENT_FUNDS
    limit.held = needs
    limit.peer, stop.peer = stop, limit
    limit.order_id, stop.order_id = world.next_id, world.next_id + 1
    _accept(world, limit)
    _accept(world, stop)
    stop.place = TRIGGER
    work(world, limit)
    return None


def place_oto(world: World, account: int, command: PlaceOto) -> Fault:
    legs = [command.parent, command.child]
    is_pair = command.parent.type is OrderType.LIMIT and command.child.market == legs[0].market
    fault = _pair_fault(world, legs, is_pair=is_pair) or _state_fault(
        world, account, legs, legs[:1]
    )
    if fault:
        return fault
    market = world.markets[command.parent.market]
    parent, child = (_new(world, account, asked) for asked in legs)
    fault = rules.touch_fault(
        world, market, parent, may_take=not command.parent.post_only, may_be_met=True
    ) or _hold_at_entry(world, parent)
    if fault:
        return fault
    parent.child = child
    child.parent_id = world.next_id
    _accept(world, parent)
    child.place = CHILD
    _accept(world, child)
    work(world, parent)
    return None


def _is_oco(limit: PlaceOrder, stop: PlaceOrder) -> bool:
    types = limit.type is OrderType.LIMIT and stop.type in (OrderType.STOP, OrderType.STOP_LIMIT)
    same = (limit.market, limit.side, limit.quantity_lots) == (
        stop.market,
        stop.side,
        stop.quantity_lots,
    )
    return types and same and limit.time_in_force in rules.RESTS


def _pair_fault(world: World, legs: list[PlaceOrder], *, is_pair: bool) -> Fault:
    """Return what is wrong with the two by themselves; no order is given to it."""
    codes: list[Reject | None] = [None if is_pair else Reject.INVALID_ORDER_PAIR]
    for asked in legs:
        market = world.markets.get(asked.market)
        codes += rules.shape_faults(asked, world.now)
        codes.append(Reject.UNKNOWN_MARKET if market is None else None)
        if market is not None and not rules.shape_faults(asked, world.now):
            codes.append(rules.size_fault(market, asked))
    return AnyOf(codes) or None


def _state_fault(
    world: World, account: int, legs: list[PlaceOrder], checked: list[PlaceOrder]
) -> Fault:
    """Return the first broken of the rules 7 to 11; a child is looked at when it is triggered."""
    first = legs[0]
    market = world.markets[first.market]
    return (
        rules.suspension_fault(world, account)
        or rules.status_fault(world, market, first)
        or next(filter(None, (rules.band_fault(market, asked) for asked in checked)), None)
        or rules.name_fault(world, account, legs)
        or rules.count_fault(world, market, account, legs)
    )


def _new(world: World, account: int, asked: PlaceOrder) -> NaiveOrder:
    market = world.markets[asked.market]
    fees = tier_fees(market, world.account(account).tier)
    return NaiveOrder(
        order_id=0,
        account=account,
        asked=asked,
        maker_ppm=fees.maker_fee_ppm,
        taker_ppm=fees.taker_fee_ppm,
        self_trade=asked.self_trade or market.rules.self_trade,
        quantity=asked.quantity_lots,
        price=asked.price_ticks,
        stop_price=asked.stop_price_ticks,
    )


def tier_fees(market: NaiveMarket, tier: int) -> FeeTier:
    own = FeeTier(market.rules.maker_fee_ppm, market.rules.taker_fee_ppm)
    tiers = [own, *market.rules.tiers]
    return tiers[min(tier, len(tiers) - 1)]


def _hold_at_entry(world: World, order: NaiveOrder) -> Fault:
    """Find out what the order needs now; it holds that as soon as it is accepted."""
    if order.trails:
        trail(order, world.market_of(order).anchor)
    if order.has_stop:
        needs = money.pending_hold(world, order)
    elif order.has_price:
        needs = money.limit_hold(world, order, order.price)
    else:
        needs = money.market_plan(world, order).needs
    if needs > world.available(order.account, world.held_asset(order)):
        return Reject.INSUFFICIENT_FUNDS
    order.held = needs
    return None


def _accept(world: World, order: NaiveOrder) -> None:
    order.order_id = world.next_id
    order.rank = world.next_rank()
    world.next_id += 1
    world.orders.append(order)
    waits = order.has_stop or order.place == CHILD
    peer = order.peer.order_id if order.peer else 0
    world.tell(
        "accepted",
        order.order_id,
        order.account,
        "pending" if waits else "open",
        order.held,
        peer,
        order.parent_id,
    )


def _begin(world: World, order: NaiveOrder) -> None:
    if order.has_stop:
        wait(world, order)
    elif order.has_price:
        work(world, order)
    else:
        plan = money.market_plan(world, order)
        order.fee_room = plan.fee_room
        work(world, order, plan)

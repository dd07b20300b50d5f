"""What an order is to do when it comes to the book: how much it may take, and what it holds.

The rule of this file: it looks at the book and changes nothing, so an order that must be filled
whole, or be paid whole, is decided before the first trade. It walks the book exactly as the match
will, own orders and hidden quantities included.
"""

from collections import deque
from collections.abc import Iterator

from msgspec import Struct

from engine.core import fees
from engine.core.book import Ladder, Level
from engine.core.markets import LiveMarket
from engine.core.orders import AT_A_LIMIT
from shared.messages import Order, OrderType, SelfTrade, Side, TimeInForce

_BUY = Side.BUY
_FOK = TimeInForce.FOK
_LIMIT = OrderType.LIMIT
_ENDS_AT_OWN = (SelfTrade.EXPIRE_TAKER, SelfTrade.EXPIRE_BOTH)


class Plan(Struct, frozen=True, gc=False):
    """`lots` may be taken at once; having taken them all, the order is filled if `fulfils`.

    `limit_ticks` is the worst price it may trade at (0: any), `room_atoms` what a market buy has
    for its fees in quote; a limit order's is in its hold.
    """

    lots: int
    hold_atoms: int
    limit_ticks: int
    fulfils: bool = True
    room_atoms: int = 0


class Offer(Struct, frozen=True, gc=False):
    """What the book offers next: `lots` at a price, or an own order of so many lots."""

    price_ticks: int
    lots: int
    is_own: bool


def plan_order(live: LiveMarket, order: Order, *, may_meet_own: bool) -> Plan:
    """Return what an order does against the book as it is, with all that remains of it.

    `may_meet_own` is False if its account has no other order in this market.
    """
    if order.type is _LIMIT and order.time_in_force is not _FOK:
        lots = order.quantity_lots - order.filled_lots
        return Plan(lots, fees.limit_hold(live, order, lots), order.price_ticks)
    limit_ticks = _limit_of(live, order)
    ladder = live.other_side(order.side)
    own_id = order.account_id if may_meet_own and _minds_own(order) else None
    if order.budget_atoms:
        offers = _offers(ladder, limit_ticks, own_id, has_hidden=live.icebergs > 0)
        return _plan_budget(live, order, offers, limit_ticks)
    lots = order.quantity_lots - order.filled_lots
    is_market_buy = order.side is _BUY and order.type not in AT_A_LIMIT
    if not is_market_buy and order.time_in_force is not _FOK:
        return Plan(lots, fees.limit_hold(live, order, lots), limit_ticks)
    offers = _offers(ladder, limit_ticks, own_id, has_hidden=live.icebergs > 0)
    found, cost_ticks = _reach(order, offers, lots)
    if order.time_in_force is _FOK and found < lots:
        lots = found = cost_ticks = 0
    if not is_market_buy:
        return Plan(lots, fees.limit_hold(live, order, order.quantity_lots), limit_ticks)
    cost_atoms = cost_ticks * live.rate
    fee = fees.market_fee(live, order, cost_atoms)
    return Plan(lots, cost_atoms + fee, limit_ticks, room_atoms=fee)


def _limit_of(live: LiveMarket, order: Order) -> int:
    if order.type in AT_A_LIMIT:
        return order.price_ticks
    band = live.band(order.side)
    if band is None:
        return 0
    return band[1] if order.side is _BUY else band[0]


def _minds_own(order: Order) -> bool:
    return order.self_trade is not SelfTrade.ALLOW


def _reach(order: Order, offers: Iterator[Offer], lots: int) -> tuple[int, int]:
    """Return how many of `lots` would be traded, and the sum of price x lots over them."""
    found = cost_ticks = 0
    for offer in offers:
        if offer.is_own:
            if order.self_trade is SelfTrade.EXPIRE_MAKER:
                continue
            if order.self_trade in _ENDS_AT_OWN or order.time_in_force is _FOK:
                break
            lots -= min(offer.lots, lots - found)  # Decremented: it has that much less to take.
        else:
            taken = min(offer.lots, lots - found)
            found += taken
            cost_ticks += taken * offer.price_ticks
        if found == lots:
            break
    return found, cost_ticks


def _plan_budget(live: LiveMarket, order: Order, offers: Iterator[Offer], limit_ticks: int) -> Plan:
    buys = order.side is _BUY
    cost_max = fees.spendable(live, order) if buys else order.budget_atoms
    lots = cost_atoms = 0
    is_spent = meets_own = False
    for offer in offers:
        if offer.is_own:
            if order.self_trade in _ENDS_AT_OWN:
                meets_own = True
                break
            continue
        unit = offer.price_ticks * live.rate
        taken = min(offer.lots, (cost_max - cost_atoms) // unit)
        lots += taken
        cost_atoms += taken * unit
        is_spent = taken < offer.lots or cost_atoms == cost_max
        if is_spent:
            break
    hold_atoms = order.budget_atoms if buys else lots * live.lot_atoms
    room_atoms = fees.market_fee(live, order, cost_atoms) if buys else 0
    # One lot more leads the match to the own order, which then ends it.
    return Plan(lots + meets_own, hold_atoms, limit_ticks, is_spent, room_atoms)


def _offers(
    ladder: Ladder[Order], limit_ticks: int, own_id: int | None, *, has_hidden: bool
) -> Iterator[Offer]:
    """Walk the book in the order of the match, in steps as large as can be."""
    worst_key = ladder.worst_key(limit_ticks)
    for level in ladder.best_first():
        if level.price_ticks * ladder.sign < worst_key:
            return
        if own_id is not None:
            yield from _offers_one_by_one(level, own_id)
        elif has_hidden:
            for order in level.orders():  # One by one: it mostly needs but the first.
                lots = order.quantity_lots - order.filled_lots
                yield Offer(level.price_ticks, lots, is_own=False)
        else:
            yield Offer(level.price_ticks, level.lots, is_own=False)


def _offers_one_by_one(level: Level[Order], own_id: int) -> Iterator[Offer]:
    """Walk one level's queue; the next part of an iceberg queues up behind the others."""
    orders = level.orders()
    again: deque[tuple[Order, int]] = deque()
    for order in orders:
        remaining = order.quantity_lots - order.filled_lots
        if order.account_id == own_id:
            yield Offer(level.price_ticks, remaining, is_own=True)
            continue
        yield Offer(level.price_ticks, order.open_lots, is_own=False)
        if remaining > order.open_lots:
            again.append((order, remaining - order.open_lots))
    while again:
        order, remaining = again.popleft()
        assert order.terms is not None, "Only an iceberg hides quantity."
        shown = min(order.terms.display_lots, remaining)
        yield Offer(level.price_ticks, shown, is_own=False)
        if remaining > shown:
            again.append((order, remaining - shown))

"""What an order is to do when it arrives: how much it may take, and what it holds for that.

The rule of this file: it looks at the book and changes nothing, so an order that must be filled
whole, or be paid whole, is decided before the first trade.
"""

from typing import NamedTuple

from engine.core import fees
from engine.core.markets import LiveMarket
from engine.core.matching import affordable, cost_of_lots, reachable_lots
from shared.messages import OrderType, PlaceOrder, Side, TimeInForce
from shared.money import fee_atoms


class Plan(NamedTuple):
    """`lots` may be taken at once; taking them all fills the order if `fulfils`.

    `room_atoms` is what a market buy has for its fees in quote; a limit order's is in its hold.
    """

    lots: int
    hold_atoms: int
    fulfils: bool
    room_atoms: int = 0


def plan_order(live: LiveMarket, command: PlaceOrder) -> Plan:
    """Return what an order whose fields are in range does against the book as it is."""
    if command.budget_atoms:
        return _plan_budget(live, command.budget_atoms)
    lots = quantity = command.quantity_lots
    ladder = live.other_side(command.side)
    market_buy = command.type is OrderType.MARKET and command.side is Side.BUY
    if market_buy or command.time_in_force is TimeInForce.FOK:
        lots = reachable_lots(ladder, command.price_ticks, quantity)
        if lots < quantity and command.time_in_force is TimeInForce.FOK:
            lots = 0
    if market_buy:
        cost = cost_of_lots(ladder, live.rate, lots)
        fee = fee_atoms(cost, live.buy_taker_ppm)
        return Plan(lots, cost + fee, lots == quantity, fee)
    return Plan(lots, _limit_hold(live, command), lots == quantity)


def _limit_hold(live: LiveMarket, command: PlaceOrder) -> int:
    if command.side is Side.SELL:
        return command.quantity_lots * live.lot_atoms
    return fees.buy_hold(live, command.price_ticks * command.quantity_lots * live.rate)


def _plan_budget(live: LiveMarket, budget_atoms: int) -> Plan:
    cost_max = fees.spendable(live, budget_atoms)
    lots, cost, more = affordable(live.asks, live.rate, cost_max)
    return Plan(lots, budget_atoms, more, fee_atoms(cost, live.buy_taker_ppm))

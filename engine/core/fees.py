"""What an order holds, and what a trade costs its two sides.

The rule of this file: pure arithmetic on integers, nothing is changed.

Fees are parts per million, rounded up against the payer for each trade; a rebate is rounded down.
Markets differ in where fees are taken (`Market.fee_asset`):
- received: the buyer pays in base and the seller in quote, out of what they receive. A buy holds
  exactly price x quantity.
- quote: both pay in quote. A buy holds the fee on top, at the higher of the two rates, and its fee
  for a trade is the rounded one or what is left of that, whichever is less: split into many trades,
  an order never pays more than the fee on its whole, rounded up. After every trade it holds no more
  than a new order for its remainder would, and the rest is released at once.
A rebate is never more than what the taker of the same trade really paid, so every trade pays for
itself. A sell always holds the base atoms that remain to be sold.
"""

from engine.core.markets import LiveMarket
from shared.messages import Order, OrderType, Side
from shared.money import PPM, fee_atoms


def buy_hold(live: LiveMarket, cost_atoms: int) -> int:
    """Return what a buy that may cost so much holds."""
    return cost_atoms + fee_atoms(cost_atoms, live.buy_hold_ppm)


def spendable(live: LiveMarket, budget_atoms: int) -> int:
    """Return the highest cost that, with the taker's fee on the whole, fits the budget."""
    return budget_atoms * PPM // (PPM + live.buy_taker_ppm)


def fee_room(live: LiveMarket, order: Order) -> int:
    """Return how much of a limit buy's hold is there for fees."""
    remaining = order.quantity_lots - order.filled_lots
    return order.held_atoms - order.price_ticks * remaining * live.rate


def hold_after(live: LiveMarket, order: Order, lots: int, cost_atoms: int, fee: int) -> int:
    """Return what an order, not yet filled, holds after a trade; `fee` is of quote, or 0."""
    if order.side is Side.SELL:
        return order.held_atoms - lots * live.lot_atoms
    if order.type is OrderType.MARKET:
        return order.held_atoms - cost_atoms - fee
    return reduced_hold(live, order, lots, max(fee, 0))


def reduced_hold(live: LiveMarket, order: Order, lots: int, fee: int = 0) -> int:
    """Return what a limit order holds once `lots` less of it remain and `fee` was paid."""
    remaining = order.quantity_lots - order.filled_lots - lots
    if order.side is Side.SELL:
        return remaining * live.lot_atoms
    cost_atoms = order.price_ticks * remaining * live.rate
    room = fee_room(live, order) - fee
    return cost_atoms + min(room, fee_atoms(cost_atoms, live.buy_hold_ppm))

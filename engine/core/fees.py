"""What an order holds, and what a trade costs its two sides.

The rule of this file: pure arithmetic on integers, nothing is changed.

Fees are parts per million, rounded up against the payer for each trade; a rebate is rounded down.
An order pays the fees of its entry, whatever becomes of the market's or the account's.
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
from engine.core.orders import AT_A_LIMIT
from shared.messages import Order, OrderType, Side
from shared.money import PPM, fee_atoms

_BUY = Side.BUY


def limit_hold(live: LiveMarket, order: Order, lots: int) -> int:
    """Return what a limit order holds for `lots` that remain of it."""
    if order.side is not _BUY:
        return lots * live.lot_atoms
    cost_atoms = order.price_ticks * lots * live.rate
    if not live.fees_in_quote:
        return cost_atoms
    return cost_atoms + fee_atoms(cost_atoms, _hold_ppm(live, order))


def pending_hold(live: LiveMarket, order: Order) -> int:
    """Return what a stop holds until it is triggered; its price is not known yet."""
    if order.type is OrderType.STOP_LIMIT or order.side is not _BUY:
        return limit_hold(live, order, order.quantity_lots)
    if order.budget_atoms:
        return order.budget_atoms
    assert order.terms is not None, "A stop has a stop price."
    cost_atoms = order.terms.stop_price_ticks * order.quantity_lots * live.rate
    return _with_fee(cost_atoms, _hold_ppm(live, order))


def market_fee(live: LiveMarket, order: Order, cost_atoms: int) -> int:
    """Return the fee on top that a buying taker pays for a cost."""
    return fee_atoms(cost_atoms, order.taker_fee_ppm) if live.fees_in_quote else 0


def spendable(live: LiveMarket, order: Order) -> int:
    """Return the highest cost that, with the taker's fee on the whole, fits the order's budget."""
    taker_ppm = order.taker_fee_ppm if live.fees_in_quote else 0
    return order.budget_atoms * PPM // (PPM + taker_ppm)


def fee_room(live: LiveMarket, order: Order) -> int:
    """Return how much of a limit buy's hold is there for fees."""
    remaining = order.quantity_lots - order.filled_lots
    return order.held_atoms - order.price_ticks * remaining * live.rate


def hold_after(live: LiveMarket, order: Order, lots: int, cost_atoms: int, fee: int) -> int:
    """Return what an order, not yet filled, holds after a trade; `fee` is of quote, or 0."""
    if order.side is not _BUY:
        return order.held_atoms - lots * live.lot_atoms
    if order.type in AT_A_LIMIT:
        return reduced_hold(live, order, lots, max(fee, 0))
    return order.held_atoms - cost_atoms - fee


def reduced_hold(live: LiveMarket, order: Order, lots: int, fee: int = 0) -> int:
    """Return what an order at a limit holds once `lots` less of it remain and `fee` was paid."""
    remaining = order.quantity_lots - order.filled_lots - lots
    if order.side is not _BUY:
        return remaining * live.lot_atoms
    cost_atoms = order.price_ticks * remaining * live.rate
    if not live.fees_in_quote:
        return cost_atoms
    room = fee_room(live, order) - fee
    return cost_atoms + min(room, fee_atoms(cost_atoms, _hold_ppm(live, order)))


def trade_fees(
    live: LiveMarket, maker: Order, taker: Order, lots: int, cost_atoms: int, *, taker_room: int
) -> tuple[int, int]:
    """Return (maker's fee, taker's fee); `taker_room` is what a taker without a limit has for it.

    Each is in the asset that its side pays in; where both pay in quote, a rebate is negative.
    """
    buys = taker.side is _BUY
    if not live.fees_in_quote:
        base_atoms = lots * live.lot_atoms
        return (
            fee_atoms(cost_atoms if buys else base_atoms, maker.maker_fee_ppm),
            fee_atoms(base_atoms if buys else cost_atoms, taker.taker_fee_ppm),
        )
    maker_room = cost_atoms if buys else fee_room(live, maker)
    if not buys:
        taker_room = cost_atoms
    elif taker.type in AT_A_LIMIT:
        taker_room = fee_room(live, taker)
    taker_fee = min(fee_atoms(cost_atoms, taker.taker_fee_ppm), taker_room)
    maker_fee = min(fee_atoms(cost_atoms, maker.maker_fee_ppm), maker_room)
    return max(maker_fee, -taker_fee), taker_fee


def _hold_ppm(live: LiveMarket, order: Order) -> int:
    """Return the rate of what a buy holds on top of the price: it may become maker or taker."""
    if not live.fees_in_quote:
        return 0
    return max(order.maker_fee_ppm, order.taker_fee_ppm, 0)


def _with_fee(cost_atoms: int, ppm: int) -> int:
    return cost_atoms + fee_atoms(cost_atoms, ppm) if ppm else cost_atoms

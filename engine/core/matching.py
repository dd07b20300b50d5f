"""Price-time priority: what a taker would get, and the trades it makes.

The rule of this file: a trade is at the maker's price, with the best price first and the earliest
order at a price first; each trade is settled completely before the next one begins.
"""

from engine.core import fees
from engine.core.book import Ladder, Level
from engine.core.changes import Trade
from engine.core.markets import LiveMarket
from engine.core.orders import FILL, FILL_LAST
from engine.core.state import State
from shared.messages import Event, Fill, Order, OrderType, Side, TradeExecuted
from shared.money import fee_atoms

_BUY = Side.BUY


class Taker:
    """An order on its way through the book, and how far it may go.

    `lots` is what it may still take, `fulfils` says that it is filled once it has taken them, and
    `room_atoms` is what is left for its fees where they are paid in quote.
    """

    __slots__ = ("fulfils", "lots", "order", "room_atoms")

    def __init__(self, order: Order, lots: int, room_atoms: int, *, fulfils: bool) -> None:
        self.order = order
        self.lots = lots
        self.room_atoms = room_atoms
        self.fulfils = fulfils


def reachable_lots(ladder: Ladder, limit_ticks: int, lots: int) -> int:
    """Return how many of `lots` a taker with this limit (0: none) would find."""
    found, worst_key = 0, ladder.worst_key(limit_ticks)
    for level in ladder.best_first():
        if found >= lots or level.price_ticks * ladder.sign < worst_key:
            break
        found += level.lots
    return min(found, lots)


def cost_of_lots(ladder: Ladder, rate: int, lots: int) -> int:
    """Return the price of the best `lots`, all of which are there."""
    cost = 0
    for level in ladder.best_first():
        taken = min(lots, level.lots)
        cost += taken * level.price_ticks * rate
        lots -= taken
        if not lots:
            break
    return cost


def affordable(ladder: Ladder, rate: int, cost_max: int) -> tuple[int, int, bool]:
    """Return the lots that `cost_max` buys, their price, and whether the money ended it."""
    lots = cost = 0
    for level in ladder.best_first():
        unit = level.price_ticks * rate
        taken = min(level.lots, (cost_max - cost) // unit)
        lots += taken
        cost += taken * unit
        if taken < level.lots:
            return lots, cost, True
    return lots, cost, cost == cost_max


class Matcher:
    """Trades takers against the books of one exchange."""

    __slots__ = ("state",)

    def __init__(self, state: State) -> None:
        self.state = state

    def match(self, live: LiveMarket, taker: Taker, events: list[Event]) -> None:
        """Trade until the taker has its lots or nobody is left within its limit."""
        ladder = live.other_side(taker.order.side)
        worst_key = ladder.worst_key(taker.order.price_ticks)
        while taker.lots and ladder.keys and ladder.keys[-1] >= worst_key:
            level = ladder.levels[ladder.keys[-1]]
            events.append(self._trade(live, ladder, level, taker))

    def _trade(self, live: LiveMarket, ladder: Ladder, level: Level, taker: Taker) -> TradeExecuted:
        state, order = self.state, taker.order
        maker = next(iter(level.orders.values()))
        maker_lots = maker.quantity_lots - maker.filled_lots
        lots = min(taker.lots, maker_lots)
        cost = level.price_ticks * lots * live.rate
        maker_fee, taker_fee = _trade_fees(live, maker, taker, lots * live.lot_atoms, cost)
        live.last_trade_id += 1
        live.last_price_ticks = level.price_ticks
        state.touch_market(live)
        state.add_trade(
            live,
            Trade(live.last_trade_id, state.at_ns, level.price_ticks, lots, order.side),
        )
        taker.lots -= lots
        maker_fill = self._settle(live, maker, lots, cost, maker_fee, last=lots == maker_lots)
        taker.room_atoms -= taker_fee
        last = taker.fulfils and not taker.lots
        taker_fill = self._settle(live, order, lots, cost, taker_fee, last=last)
        if lots == maker_lots:
            ladder.remove(maker, lots)
            state.close(maker)
        else:
            ladder.reduce(maker, lots)
        return TradeExecuted(
            state.next_event(),
            live.name,
            live.last_trade_id,
            level.price_ticks,
            lots,
            cost,
            order.side,
            maker_fill,
            taker_fill,
        )

    def _settle(
        self, live: LiveMarket, order: Order, lots: int, cost: int, fee: int, *, last: bool
    ) -> Fill:
        state, ledger = self.state, self.state.ledger
        state.touch_order(order)
        account, account_sequence = state.next_private_event(order.account_id)
        base = ledger.balance(account, live.base)
        quote = ledger.balance(account, live.quote)
        quote_fee = fee if live.fees_in_quote else 0
        held_after = 0 if last else fees.hold_after(live, order, lots, cost, quote_fee)
        unheld = order.held_atoms - held_after
        base_atoms = lots * live.lot_atoms
        if order.side is _BUY:
            base_change = ledger.receive(base, base_atoms - fee + quote_fee)
            quote_change = ledger.pay(quote, unheld, cost + quote_fee)
            ledger.earn(live.quote if live.fees_in_quote else live.base, fee)
        else:
            base_change = ledger.pay(base, unheld, base_atoms)
            quote_change = ledger.receive(quote, cost - fee)
            ledger.earn(live.quote, fee)
        order.held_atoms = held_after
        order.filled_lots += lots
        order.filled_quote_atoms += cost
        order.fee_atoms += fee
        order.status = (FILL_LAST if last else FILL)[order.status]
        order.updated_at_ns = state.at_ns
        return Fill(
            order.account_id,
            account_sequence,
            order.order_id,
            order.client_order_id,
            order.filled_lots,
            remaining_lots(order),
            order.status,
            fee,
            base_change,
            quote_change,
        )


def remaining_lots(order: Order) -> int:
    """Return what is left to trade, or 0 for an order by quote budget."""
    return order.quantity_lots - order.filled_lots if order.quantity_lots else 0


def _trade_fees(
    live: LiveMarket, maker: Order, taker: Taker, base_atoms: int, cost: int
) -> tuple[int, int]:
    buys = taker.order.side is _BUY
    if not live.fees_in_quote:
        return (
            fee_atoms(cost if buys else base_atoms, live.maker_ppm),
            fee_atoms(base_atoms if buys else cost, live.taker_ppm),
        )
    maker_room = cost if buys else fees.fee_room(live, maker)
    taker_room = _taker_room(live, taker) if buys else cost
    taker_fee = min(fee_atoms(cost, live.taker_ppm), taker_room)
    maker_fee = min(fee_atoms(cost, live.maker_ppm), maker_room)
    return max(maker_fee, -taker_fee), taker_fee


def _taker_room(live: LiveMarket, taker: Taker) -> int:
    if taker.order.type is OrderType.LIMIT:
        return fees.fee_room(live, taker.order)
    return taker.room_atoms

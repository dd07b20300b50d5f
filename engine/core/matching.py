"""Price-time priority: a taker on its way through the book, and the trades it makes.

The rule of this file: a trade is at the maker's price, with the best price first and the earliest
order at a price first; each trade is settled completely before the next one begins.
"""

from engine.core import ending, fees
from engine.core.book import NOBODY, Ladder
from engine.core.changes import Trade
from engine.core.markets import LiveMarket
from engine.core.orders import FILL, FILL_LAST, remaining_lots
from engine.core.plans import Plan
from engine.core.state import State
from shared.messages import (
    Event,
    ExpiryReason,
    Fill,
    Order,
    SelfTrade,
    Side,
    TradeExecuted,
)

_BUY = Side.BUY


class Taker:
    """An order on its way through the book, how far it may go, and what it has done there.

    `lots` is what it may still take, `fulfils` says that it is filled once it has taken them, and
    `room_atoms` is what is left for the fees of a market buy where they are paid in quote.
    `first_ticks` is the price of its first trade, 0 before; `has_ended` says that self-trade
    prevention has taken it out of the match, `is_filled` that it has ended well.
    """

    __slots__ = ("first_ticks", "fulfils", "has_ended", "is_filled", "lots", "order", "room_atoms")

    def __init__(self, order: Order, plan: Plan) -> None:
        self.order = order
        self.lots = plan.lots
        self.room_atoms = plan.room_atoms
        self.fulfils = plan.fulfils
        self.first_ticks = 0
        self.has_ended = self.is_filled = False


class Matcher:
    """Trades takers against the books of one exchange."""

    __slots__ = ("_state",)

    def __init__(self, state: State) -> None:
        self._state = state

    def match(
        self,
        live: LiveMarket,
        taker: Taker,
        ladder: Ladder[Order],
        worst_key: int,
        events: list[Event],
    ) -> None:
        """Trade until the taker has its lots or nobody is left in the ladder within its limit."""
        order = taker.order
        self._state.touch_book(live)
        own_id = NOBODY if order.self_trade is SelfTrade.ALLOW else order.account_id
        while taker.lots and not taker.has_ended:
            for filled, lots in ladder.sweep(worst_key, taker.lots, own_id):
                self._trade(live, taker, filled, lots, events)
            if not taker.lots:
                return
            maker = ladder.head(worst_key)
            if maker is None:
                return
            if maker.account_id == own_id:
                self._meet_own(live, taker, maker, events)
            else:
                self._meet_special(live, ladder, taker, maker, events)

    def _meet_special(
        self,
        live: LiveMarket,
        ladder: Ladder[Order],
        taker: Taker,
        maker: Order,
        events: list[Event],
    ) -> None:
        """Trade with a maker that has terms: it may leave its pair, or show its next part."""
        ending.part_from_peer(self._state, live, maker, events)
        lots = min(taker.lots, maker.open_lots)
        ladder.fill_head(maker, lots)
        self._trade(live, taker, maker, lots, events)
        if maker.held_atoms and not maker.open_lots:  # An iceberg that is not yet filled.
            show(self._state, live, maker)

    def _meet_own(self, live: LiveMarket, taker: Taker, maker: Order, events: list[Event]) -> None:
        """Prevent a trade of an account with itself, in the way that the taker asks for."""
        state, order, policy = self._state, taker.order, taker.order.self_trade
        if policy is SelfTrade.DECREMENT and order.quantity_lots:
            self._decrement(live, taker, maker, events)
            return
        if policy is not SelfTrade.EXPIRE_TAKER:
            ending.expire(state, maker, ExpiryReason.SELF_TRADE, events)
        taker.has_ended = policy in (SelfTrade.EXPIRE_TAKER, SelfTrade.EXPIRE_BOTH)

    def _decrement(self, live: LiveMarket, taker: Taker, maker: Order, events: list[Event]) -> None:
        state = self._state
        maker_lots, taker_lots = remaining_lots(maker), taker.lots
        if maker_lots <= taker_lots:
            ending.expire(state, maker, ExpiryReason.SELF_TRADE, events)
        else:
            ending.part_from_peer(state, live, maker, events)
            events.append(ending.decrement(state, live, maker, taker_lots))
        if taker_lots <= maker_lots:
            taker.has_ended = True
        else:
            taker.lots -= maker_lots
            events.append(ending.decrement(state, live, taker.order, maker_lots))

    def _trade(
        self, live: LiveMarket, taker: Taker, maker: Order, lots: int, events: list[Event]
    ) -> None:
        """Settle a trade that the book has already made."""
        state, order, price_ticks = self._state, taker.order, maker.price_ticks
        cost_atoms = price_ticks * lots * live.rate
        maker_fee, taker_fee = fees.trade_fees(
            live, maker, order, lots, cost_atoms, taker_room=taker.room_atoms
        )
        live.last_trade_id = trade_id = live.last_trade_id + 1
        live.last_price_ticks = price_ticks
        state.touch_market(live)
        state.add_trade(live, Trade(trade_id, state.at_ns, price_ticks, lots, order.side))
        taker.first_ticks = taker.first_ticks or price_ticks
        taker.lots -= lots
        taker.room_atoms -= taker_fee
        is_maker_filled = maker.filled_lots + lots == maker.quantity_lots
        maker_fill = self._settle(live, maker, lots, cost_atoms, maker_fee, last=is_maker_filled)
        taker.is_filled = taker.fulfils and not taker.lots
        taker_fill = self._settle(live, order, lots, cost_atoms, taker_fee, last=taker.is_filled)
        events.append(
            TradeExecuted(
                state.next_event(),
                live.name,
                trade_id,
                price_ticks,
                lots,
                cost_atoms,
                order.side,
                maker_fill,
                taker_fill,
            )
        )
        if is_maker_filled:
            self._fulfil(maker)
        if taker.is_filled:
            self._fulfil(order)

    def _fulfil(self, order: Order) -> None:
        """Close a filled order; its child is triggered when the taker has ended."""
        state = self._state
        state.close(state.ledger.accounts[order.account_id], order)
        if order.terms is not None and order.terms.child_order_id in state.open.by_id:
            state.trigger(state.open.by_id[order.terms.child_order_id])

    def _settle(
        self, live: LiveMarket, order: Order, lots: int, cost_atoms: int, fee: int, *, last: bool
    ) -> Fill:
        state, ledger = self._state, self._state.ledger
        state.touch_order(order)
        account = ledger.accounts[order.account_id]
        account_sequence = ledger.next_sequence(account)
        balances = account.balances
        base = balances.get(live.base) or ledger.balance(account, live.base)
        quote = balances.get(live.quote) or ledger.balance(account, live.quote)
        quote_fee = fee if live.fees_in_quote else 0
        held_after = 0 if last else fees.hold_after(live, order, lots, cost_atoms, quote_fee)
        unheld = order.held_atoms - held_after
        base_atoms = lots * live.lot_atoms
        if order.side is _BUY:
            base_change = ledger.move(base, base_atoms - fee + quote_fee, 0)
            quote_change = ledger.move(quote, unheld - cost_atoms - quote_fee, -unheld)
            fee_asset = live.quote if live.fees_in_quote else live.base
        else:
            base_change = ledger.move(base, unheld - base_atoms, -unheld)
            quote_change = ledger.move(quote, cost_atoms - fee, 0)
            fee_asset = live.quote
        if fee:
            ledger.earn(fee_asset, fee)
        order.held_atoms = held_after
        order.filled_lots += lots
        order.filled_quote_atoms += cost_atoms
        order.fee_atoms += fee
        order.status = (FILL_LAST if last else FILL)[order.status]
        order.updated_at_ns = state.at_ns
        return Fill(
            order.account_id,
            account_sequence,
            order.order_id,
            order.client_order_id,
            order.filled_lots,
            order.quantity_lots - order.filled_lots if order.quantity_lots else 0,
            order.status,
            fee,
            base_change,
            quote_change,
        )


def show(state: State, live: LiveMarket, order: Order) -> None:
    """Put an order into the book, behind the others of its price, with as much as it shows."""
    remaining = order.quantity_lots - order.filled_lots
    terms = order.terms
    order.open_lots = min(remaining, terms.display_lots or remaining) if terms else remaining
    order.rank = state.sequence
    live.own_side(order.side).add(order)
    state.touch_book(live)

"""Changes of living orders, and their end at their owner's word.

The rule of this file: a change is refused before anything changes or made completely. Less
quantity keeps its place; whatever else is new takes the order out and sends it to the market again.
"""

from msgspec.structs import replace

from engine.core import ending, fees, rules
from engine.core.ledger import Account
from engine.core.markets import LiveMarket
from engine.core.orders import find_own, is_pending, remaining_lots
from engine.core.plans import plan_order
from engine.core.rules import Refusal
from engine.core.state import State
from engine.core.triggering import Triggering
from engine.core.venue import Answer
from shared.messages import (
    AmendOrder,
    AmendReason,
    CancelAll,
    CancelOrder,
    CancelReason,
    Event,
    MarketStatus,
    Order,
    OrdersCancelled,
    Reject,
    Side,
)


class Amending:
    """Amends and cancels the orders of one exchange."""

    __slots__ = ("_state", "_triggering")

    def __init__(self, state: State, triggering: Triggering) -> None:
        self._state = state
        self._triggering = triggering

    # ---- cancels ----

    def cancel(self, command: CancelOrder) -> Answer:
        order = self._named(command)
        if order is None:
            return Refusal(Reject.UNKNOWN_ORDER, _named_by(command))
        return self._cancel(order)

    def _cancel(self, order: Order) -> Answer:
        if self._state.markets[order.market].status is MarketStatus.HALTED:
            return Refusal(Reject.MARKET_HALTED, "market")
        events: list[Event] = []
        ending.cancel(self._state, order, CancelReason.REQUESTED, events)
        return events

    def cancel_all(self, command: CancelAll) -> Answer:
        state = self._state
        live = state.markets.get(command.market)
        if live is None and command.market:
            return Refusal(Reject.UNKNOWN_MARKET, "market")
        if live is not None and live.status is MarketStatus.HALTED:
            return Refusal(Reject.MARKET_HALTED, "market")
        account = state.ledger.account(command.account_id)
        orders = [
            order
            for order in account.orders.values()
            if command.market in ("", order.market)
            and command.side in (None, order.side)
            and state.markets[order.market].status is not MarketStatus.HALTED
        ]
        events: list[Event] = []
        cancel_many(
            state,
            account,
            orders,
            CancelReason.REQUESTED,
            events,
            market=command.market,
            side=command.side,
        )
        return events

    # ---- amends ----

    def amend(self, command: AmendOrder) -> Answer:
        fault = rules.amend_shape_fault(command)
        if fault is not None:
            return fault
        order = self._named(command)
        if order is None:
            return Refusal(Reject.UNKNOWN_ORDER, _named_by(command))
        live = self._state.markets[order.market]
        if ending.living_peer(self._state, order) or ending.is_waiting_child(self._state, order):
            return Refusal(Reject.LINKED_ORDER, _named_by(command))
        fault = self._amend_fault(command, live, order)
        if fault is not None:
            return fault
        if rules.closes(command, order):
            return self._cancel(order)
        quantity_lots = order.quantity_lots
        if command.quantity_lots is not None:
            quantity_lots = command.quantity_lots
        price_ticks = command.price_ticks or order.price_ticks
        if is_pending(order):
            return self._amend_pending(command, live, order, quantity_lots)
        if quantity_lots < order.quantity_lots and price_ticks == order.price_ticks:
            return self._lower(live, order, order.quantity_lots - quantity_lots)
        return self._send_again(live, order, quantity_lots, price_ticks)

    def _amend_fault(self, command: AmendOrder, live: LiveMarket, order: Order) -> Refusal | None:
        fault = rules.amend_fault(command, order, live)
        if fault is not None or rules.closes(command, order):
            return fault
        if self._state.ledger.account(order.account_id).is_suspended:
            return Refusal(Reject.ACCOUNT_SUSPENDED, "account_id")
        price_ticks = 0 if is_pending(order) else command.price_ticks or order.price_ticks
        only_lowers = rules.only_lowers(command, order)
        fault = rules.amend_status_fault(live, order.side, price_ticks, only_lowers=only_lowers)
        if fault is None and command.price_ticks not in (0, order.price_ticks):
            fault = rules.price_band_fault(live, order.side, command.price_ticks)
        return fault

    def _lower(self, live: LiveMarket, order: Order, lots: int) -> Answer:
        """Take `lots` from what remains of an order that rests; it keeps its place."""
        state = self._state
        state.touch_order(order)
        shown = min(order.open_lots, remaining_lots(order) - lots)
        if shown < order.open_lots:
            state.touch_book(live)
            live.own_side(order.side).reduce(order, order.open_lots - shown)
        held_after = fees.reduced_hold(live, order, lots)
        order.quantity_lots -= lots
        return [self._changed(live, order, held_after)]

    def _send_again(
        self, live: LiveMarket, order: Order, quantity_lots: int, price_ticks: int
    ) -> Answer:
        """Take an order out of the book and send it there as a new one, with what remains."""
        state = self._state
        if order.post_only and rules.would_take(live, order.side, price_ticks):
            return Refusal(Reject.POST_ONLY_WOULD_TAKE, "price_ticks")
        asked = replace(order, quantity_lots=quantity_lots, price_ticks=price_ticks)
        held_after = fees.limit_hold(live, asked, remaining_lots(asked))
        if self._is_short(live, order, held_after):
            return Refusal(Reject.INSUFFICIENT_FUNDS, "quantity_lots")
        state.touch_order(order)
        state.touch_book(live)
        live.own_side(order.side).remove(order)
        order.open_lots = 0
        order.quantity_lots, order.price_ticks = quantity_lots, price_ticks
        events: list[Event] = [self._changed(live, order, held_after)]
        account = state.ledger.account(order.account_id)
        may_meet_own = account.open_counts[order.market] > 1
        plan = plan_order(live, order, may_meet_own=may_meet_own)
        self._triggering.send(live, order, plan, events)
        return events

    def _amend_pending(
        self, command: AmendOrder, live: LiveMarket, order: Order, quantity_lots: int
    ) -> Answer:
        """Change a stop that waits; it is triggered at once if its new price is met."""
        state, terms = self._state, order.terms
        assert terms is not None, "A pending order has terms."
        is_new_stop = command.stop_price_ticks not in (0, terms.stop_price_ticks)
        stop_price_ticks = command.stop_price_ticks or terms.stop_price_ticks
        asked = replace(
            order,
            quantity_lots=quantity_lots,
            price_ticks=command.price_ticks or order.price_ticks,
            terms=replace(terms, stop_price_ticks=stop_price_ticks),
        )
        held_after = fees.pending_hold(live, asked)
        if self._is_short(live, order, held_after):
            return Refusal(Reject.INSUFFICIENT_FUNDS, "quantity_lots")
        state.touch_order(order)
        live.triggers.remove(order)
        order.quantity_lots, order.price_ticks = asked.quantity_lots, asked.price_ticks
        terms.stop_price_ticks = stop_price_ticks
        events: list[Event] = [self._changed(live, order, held_after)]
        if is_new_stop:
            order.rank = state.sequence
        self._triggering.start_waiting(live, order)
        self._triggering.trigger_all(events)
        return events

    def _changed(self, live: LiveMarket, order: Order, held_after: int) -> Event:
        state = self._state
        more = held_after - order.held_atoms
        change = state.ledger.move(state.held_balance(live, order), -more, more)
        order.held_atoms = held_after
        order.updated_at_ns = state.at_ns
        return ending.amended(state, order, change, AmendReason.REQUESTED)

    def _is_short(self, live: LiveMarket, order: Order, held_after: int) -> bool:
        balance = self._state.held_balance(live, order)
        return balance.available < held_after - order.held_atoms

    def _named(self, command: CancelOrder | AmendOrder) -> Order | None:
        account = self._state.ledger.account(command.account_id)
        return find_own(account, command.order_id, command.client_order_id)


def cancel_many(
    state: State,
    account: Account,
    orders: list[Order],
    reason: CancelReason,
    events: list[Event],
    *,
    market: str = "",
    side: Side | None = None,
) -> None:
    """Cancel an account's orders, the oldest first, behind one event that counts them."""
    account_sequence, sequence = state.ledger.next_sequence(account), state.next_event()
    cancelled: list[Event] = []
    for order in sorted(orders, key=lambda order: order.order_id):
        if order.order_id in state.open.by_id:  # The other one of its pair may have ended it.
            ending.cancel(state, order, reason, cancelled)
    events.append(
        OrdersCancelled(
            sequence, account.account_id, account_sequence, market, side, reason, len(cancelled)
        )
    )
    events += cancelled


def _named_by(command: CancelOrder | AmendOrder) -> str:
    return "order_id" if command.order_id else "client_order_id"

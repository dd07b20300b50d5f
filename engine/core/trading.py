"""The story of an order: validate, hold, match and settle, rest or release, and say what happened.

The rule of this file: an order is refused before anything changes or carried out completely; each
of its events is made at the step that it tells of.
"""

from engine.core import fees, rules
from engine.core.markets import LiveMarket
from engine.core.matching import Matcher, Taker, remaining_lots
from engine.core.orders import CANCEL, EXPIRE, Step, is_open
from engine.core.plans import plan_order
from engine.core.rules import Refusal
from engine.core.state import State
from engine.core.venue import Answer
from shared.messages import (
    AmendOrder,
    BalanceChange,
    CancelOrder,
    Event,
    ExpiryReason,
    Order,
    OrderAccepted,
    OrderAmended,
    OrderCancelled,
    OrderExpired,
    OrderType,
    PlaceOrder,
    Reject,
    TimeInForce,
)


class Trading:
    """Places, cancels and amends the orders of one exchange."""

    __slots__ = ("_matcher", "state")

    def __init__(self, state: State) -> None:
        self.state = state
        self._matcher = Matcher(state)

    def place(self, command: PlaceOrder) -> Answer:
        state = self.state
        live = state.markets.get(command.market)
        if live is None:
            return Refusal(Reject.UNKNOWN_MARKET, "market")
        fault = rules.order_fault(command, live)
        if fault is not None:
            return fault
        if (command.account_id, command.client_order_id) in state.open.by_client_id:
            return Refusal(Reject.DUPLICATE_CLIENT_ORDER_ID, "client_order_id")
        plan = plan_order(live, command)
        account = state.ledger.account(command.account_id)
        balance = state.ledger.balance(account, live.held_asset(command.side))
        if balance.available < plan.hold_atoms:
            return Refusal(Reject.INSUFFICIENT_FUNDS, _sized_by(command))

        order = state.new_order(command, plan.hold_atoms)
        events: list[Event] = [self._accepted(order, state.ledger.hold(balance, plan.hold_atoms))]
        taker = Taker(order, plan.lots, plan.room_atoms, fulfils=plan.fulfils)
        self._matcher.match(live, taker, events)
        if is_open(order):
            self._rest_or_expire(live, order, events)
        else:
            state.remember_closed(order)
        state.publish_depth(live, events)
        return events

    def _accepted(self, order: Order, hold: BalanceChange) -> OrderAccepted:
        account_sequence = self.state.next_private_event(order.account_id)[1]
        return OrderAccepted(
            self.state.next_event(),
            order.account_id,
            account_sequence,
            order.order_id,
            order.client_order_id,
            order.market,
            order.side,
            order.type,
            order.time_in_force,
            order.price_ticks,
            order.quantity_lots,
            order.budget_atoms,
            hold,
        )

    def _rest_or_expire(self, live: LiveMarket, order: Order, events: list[Event]) -> None:
        reason = _expiry_reason(order)
        if reason is None:
            live.own_side(order.side).add(order)
            self.state.open.add(order)
            return
        release = self._close(live, order, EXPIRE)
        self.state.remember_closed(order)
        account_sequence = self.state.next_private_event(order.account_id)[1]
        events.append(
            OrderExpired(
                self.state.next_event(),
                order.account_id,
                account_sequence,
                order.order_id,
                order.client_order_id,
                order.market,
                order.filled_lots,
                remaining_lots(order),
                release,
                reason,
            )
        )

    def cancel(self, command: CancelOrder) -> Answer:
        order = self._named_order(command)
        return (
            Refusal(Reject.UNKNOWN_ORDER, _named_by(command))
            if order is None
            else self._take_out(order)
        )

    def amend(self, command: AmendOrder) -> Answer:
        if command.quantity_lots < 0:
            return Refusal(Reject.INVALID_QUANTITY, "quantity_lots")
        order = self._named_order(command)
        if order is None:
            return Refusal(Reject.UNKNOWN_ORDER, _named_by(command))
        if command.quantity_lots >= order.quantity_lots:
            return Refusal(Reject.QUANTITY_NOT_LOWER, "quantity_lots")
        if command.quantity_lots <= order.filled_lots:
            return self._take_out(order)
        return self._lower(order, order.quantity_lots - command.quantity_lots)

    def _named_order(self, command: CancelOrder | AmendOrder) -> Order | None:
        return self.state.open.find(command.account_id, command.order_id, command.client_order_id)

    def _take_out(self, order: Order) -> list[Event]:
        state, live = self.state, self.state.markets[order.market]
        live.own_side(order.side).remove(order, remaining_lots(order))
        release = self._close(live, order, CANCEL)
        state.close(order)
        account_sequence = state.next_private_event(order.account_id)[1]
        events: list[Event] = [
            OrderCancelled(
                state.next_event(),
                order.account_id,
                account_sequence,
                order.order_id,
                order.client_order_id,
                order.market,
                order.filled_lots,
                remaining_lots(order),
                release,
            )
        ]
        state.publish_depth(live, events)
        return events

    def _lower(self, order: Order, lots: int) -> list[Event]:
        state, live = self.state, self.state.markets[order.market]
        state.touch_order(order)
        live.own_side(order.side).reduce(order, lots)
        release = self._release(live, order, fees.reduced_hold(live, order, lots))
        order.quantity_lots -= lots
        order.updated_at_ns = state.at_ns
        account_sequence = state.next_private_event(order.account_id)[1]
        events: list[Event] = [
            OrderAmended(
                state.next_event(),
                order.account_id,
                account_sequence,
                order.order_id,
                order.client_order_id,
                order.market,
                order.quantity_lots,
                order.filled_lots,
                remaining_lots(order),
                release,
            )
        ]
        state.publish_depth(live, events)
        return events

    def _close(self, live: LiveMarket, order: Order, step: Step) -> BalanceChange:
        self.state.touch_order(order)
        order.status = step[order.status]
        order.updated_at_ns = self.state.at_ns
        return self._release(live, order, 0)

    def _release(self, live: LiveMarket, order: Order, held_after: int) -> BalanceChange:
        ledger = self.state.ledger
        account = ledger.account(order.account_id)
        balance = ledger.balance(account, live.held_asset(order.side))
        released = order.held_atoms - held_after
        order.held_atoms = held_after
        return ledger.release(balance, released)


def _sized_by(command: PlaceOrder) -> str:
    return "budget_atoms" if command.budget_atoms else "quantity_lots"


def _named_by(command: CancelOrder | AmendOrder) -> str:
    return "order_id" if command.order_id else "client_order_id"


def _expiry_reason(order: Order) -> ExpiryReason | None:
    if order.time_in_force is TimeInForce.FOK:
        return ExpiryReason.FOK_NOT_FILLABLE
    if order.type is OrderType.MARKET:
        return ExpiryReason.MARKET_REMAINDER
    return ExpiryReason.IOC_REMAINDER if order.time_in_force is TimeInForce.IOC else None

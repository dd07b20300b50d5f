"""How orders end, or lose a part, other than by a trade: what is released, and who is told.

The rule of this file: an order that ends leaves the book, the stops, the timers and its hold in one
step; then the order that is linked with it ends, too.
"""

from engine.core import fees
from engine.core.markets import LiveMarket
from engine.core.orders import CANCEL, EXPIRE, Step, is_pending, remaining_lots
from engine.core.state import State
from shared.messages import (
    AmendReason,
    BalanceChange,
    CancelReason,
    Event,
    ExpiryReason,
    Order,
    OrderAmended,
    OrderCancelled,
    OrderExpired,
    Side,
)


def cancel(state: State, order: Order, reason: CancelReason, events: list[Event]) -> None:
    """End an order because somebody wants it."""
    release = _take_out(state, order, CANCEL)
    events.append(_cancelled(state, order, release, reason))
    _cancel_linked(state, order, events)


def expire(state: State, order: Order, reason: ExpiryReason, events: list[Event]) -> None:
    """End an order because its own terms, or the venue's, do not let it go on."""
    release = _take_out(state, order, EXPIRE)
    _, account_sequence = state.next_private_event(order.account_id)
    events.append(
        OrderExpired(
            state.next_event(),
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
    _cancel_linked(state, order, events)


def leave_peer(state: State, order: Order, events: list[Event]) -> None:
    """Cancel the limit leg of an OCO pair, because the stop leg is triggered."""
    peer = living_peer(state, order)
    if peer is not None:
        release = _take_out(state, peer, CANCEL)
        events.append(_cancelled(state, peer, release, CancelReason.LINKED))


def part_from_peer(state: State, live: LiveMarket, order: Order, events: list[Event]) -> None:
    """Let the limit leg of an OCO pair go on alone, for it is about to trade."""
    peer = living_peer(state, order)
    if peer is None:
        return
    _take_out(state, peer, CANCEL)
    state.touch_order(order)
    excess = order.held_atoms - fees.limit_hold(live, order, remaining_lots(order))
    order.held_atoms -= excess
    release = state.ledger.move(state.held_balance(live, order), excess, -excess)
    events.append(_cancelled(state, peer, release, CancelReason.LINKED))


def decrement(state: State, live: LiveMarket, order: Order, lots: int) -> OrderAmended:
    """Take `lots` from what remains of an order that would have traded with its own account."""
    state.touch_order(order)
    held_after = _decremented_hold(live, order, lots)
    released = order.held_atoms - held_after
    release = state.ledger.move(state.held_balance(live, order), released, -released)
    order.held_atoms = held_after
    shown = min(order.open_lots, remaining_lots(order) - lots)
    if shown < order.open_lots:
        state.touch_book(live)
        live.own_side(order.side).reduce(order, order.open_lots - shown)
    order.quantity_lots -= lots
    order.updated_at_ns = state.at_ns
    return amended(state, order, release, AmendReason.SELF_TRADE)


def amended(state: State, order: Order, hold: BalanceChange, reason: AmendReason) -> OrderAmended:
    """Return the event that tells of an order as it is now."""
    _, account_sequence = state.next_private_event(order.account_id)
    return OrderAmended(
        state.next_event(),
        order.account_id,
        account_sequence,
        order.order_id,
        order.client_order_id,
        order.market,
        order.quantity_lots,
        order.filled_lots,
        remaining_lots(order),
        hold,
        order.price_ticks,
        order.terms.stop_price_ticks if order.terms is not None else 0,
        reason,
    )


def living_peer(state: State, order: Order) -> Order | None:
    """Return the other order of a living OCO pair."""
    return None if order.terms is None else state.open.by_id.get(order.terms.peer_order_id)


def is_waiting_child(state: State, order: Order) -> bool:
    """Say whether the order waits for its parent to be filled."""
    terms = order.terms
    if terms is None or not terms.parent_order_id or not is_pending(order):
        return False
    return terms.parent_order_id in state.open.by_id or order.order_id in state.triggered


def _decremented_hold(live: LiveMarket, order: Order, lots: int) -> int:
    if order.price_ticks or order.side is Side.SELL:
        return fees.reduced_hold(live, order, lots)
    return order.held_atoms  # A market buy holds what its trades will cost, and no more.


def _cancelled(
    state: State, order: Order, release: BalanceChange, reason: CancelReason
) -> OrderCancelled:
    ledger = state.ledger
    return OrderCancelled(
        state.next_event(),
        order.account_id,
        ledger.next_sequence(ledger.accounts[order.account_id]),
        order.order_id,
        order.client_order_id,
        order.market,
        order.filled_lots,
        remaining_lots(order),
        release,
        reason,
    )


def _take_out(state: State, order: Order, step: Step) -> BalanceChange:
    live, ledger = state.markets[order.market], state.ledger
    account = ledger.accounts[order.account_id]
    state.touch_order(order)
    if order.open_lots:
        live.own_side(order.side).remove(order)
        order.open_lots = 0
        state.touch_book(live)
    elif order.order_id in live.triggers:
        live.triggers.remove(order)
    order.status = step[order.status]
    order.updated_at_ns = state.at_ns
    state.close(account, order)
    released, order.held_atoms = order.held_atoms, 0
    balance = ledger.balance(account, live.held_asset(order.side))
    return ledger.move(balance, released, -released)


def _cancel_linked(state: State, order: Order, events: list[Event]) -> None:
    terms = order.terms
    if terms is None:
        return
    for order_id in (terms.peer_order_id, terms.child_order_id):
        linked = state.open.by_id.get(order_id)
        if linked is not None:
            cancel(state, linked, CancelReason.LINKED, events)

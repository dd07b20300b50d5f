"""What must be true of an exchange after every command.

The rule of this file: it only looks. A broken invariant is an AssertionError with a sentence, which
stops the engine before the commit; nothing here repairs.
"""

from collections import Counter

from engine.core import fees, standing
from engine.core.changes import Changes
from engine.core.ending import is_waiting_child, living_peer
from engine.core.exchange import Exchange
from engine.core.orders import is_open, is_pending
from engine.core.state import State
from shared.messages import Order, OrderStatus, OrderType, Side
from shared.money import AMOUNT_LIMIT


def check(exchange: Exchange) -> None:
    """Check everything; the time is that of looking at every row once."""
    state = exchange.state
    held: Counter[tuple[int, str]] = Counter()
    for order in state.open.by_id.values():
        _check_order(state, order)
        held[order.account_id, state.markets[order.market].held_asset(order.side)] += (
            order.held_atoms
        )
    for withdrawal in state.withdrawals.values():
        held[withdrawal.account_id, withdrawal.asset] += withdrawal.amount_atoms
    sums: Counter[str] = Counter()
    for account in state.ledger.accounts.values():
        for balance in account.balances.values():
            key = account.account_id, balance.asset
            _check_balance(key, balance.available, balance.held)
            assert balance.held == held[key], (
                f"Account {key} holds {balance.held}, "
                f"but its open orders and pending withdrawals hold {held[key]}."
            )
            sums[balance.asset] += balance.available + balance.held
    for asset, earnings in state.ledger.totals.items():
        assert earnings.fees >= 0, f"The fees of {asset} are negative: {earnings.fees}."
        assert sums[asset] == earnings.net(), (
            f"All accounts have {sums[asset]} {asset}, but {earnings.net()} should be there."
        )
    assert set(sums) <= set(state.ledger.totals), "Somebody has an asset that there is not."
    standing.check(state)


def check_changes(exchange: Exchange, changes: Changes) -> None:
    """Check what a batch changed, in time proportional to that; call it with what was drained."""
    state = exchange.state
    sums: Counter[str] = Counter()
    held: Counter[tuple[int, str]] = Counter()
    for key, (available, held_atoms) in changes.balances.items():
        _check_balance(key, available, held_atoms)
        available_before, held_before = changes.drained_balances[key]
        sums[key[1]] += available + held_atoms - available_before - held_before
        held[key] += held_atoms - held_before
    for asset in set(sums) | set(changes.totals):
        before = changes.drained_nets.get(asset)
        entered = 0 if before is None else state.ledger.totals[asset].net() - before
        assert sums[asset] == entered, (
            f"The batch gave accounts {sums[asset]} {asset}, but {entered} came in."
        )
    for order in [*changes.open_orders.values(), *changes.closed_orders.values()]:
        _check_order(state, order)
        live = state.markets[order.market]
        change = order.held_atoms - changes.drained_held[order.order_id]
        held[order.account_id, live.held_asset(order.side)] -= change
    for withdrawal in changes.withdrawals.values():
        held[withdrawal.account_id, withdrawal.asset] -= withdrawal.amount_atoms
    for withdrawal in changes.ended_withdrawals.values():
        held[withdrawal.account_id, withdrawal.asset] += withdrawal.amount_atoms
    wrong = {key: rest for key, rest in held.items() if rest}
    assert not wrong, f"Held changed otherwise than what holds it: {wrong}."
    for market in changes.depth:
        standing.check_touch(state.markets[market])


def _check_balance(key: tuple[int, str], available: int, held: int) -> None:
    assert available >= 0, f"Account {key} has {available} available."
    assert held >= 0, f"Account {key} has {held} held."
    assert available + held < AMOUNT_LIMIT, f"Account {key} has more than the limit."


def _check_order(state: State, order: Order) -> None:
    quantity, order_id = order.quantity_lots, order.order_id
    if not is_open(order):
        assert order.held_atoms == 0, f"Closed order {order_id} still holds {order.held_atoms}."
        assert order.open_lots == 0, f"Closed order {order_id} still shows {order.open_lots}."
        assert not quantity or order.filled_lots <= quantity, f"Order {order_id} was overfilled."
        return
    held, (least, most) = order.held_atoms, _needed(state, order)
    assert least <= held <= most, f"Order {order_id} holds {held}, not {least} to {most}."
    if is_pending(order):
        assert order.filled_lots == order.open_lots == 0, f"Pending order {order_id} has traded."
        return
    remaining = quantity - order.filled_lots
    assert remaining > 0, f"Open order {order_id} has nothing to trade."
    has_traded = order.status is OrderStatus.PARTIALLY_FILLED
    assert has_traded == (order.filled_lots > 0), f"Order {order_id} miscounts its trades."
    display = order.terms.display_lots if order.terms is not None else 0
    shown = order.open_lots
    is_right = 0 < shown <= min(display, remaining) if display else shown == remaining
    assert is_right, f"Open order {order_id} shows {shown} of {remaining}."


def _needed(state: State, order: Order) -> tuple[int, int]:
    """Return the least and the most that a living order may hold: mostly the same."""
    live, peer = state.markets[order.market], living_peer(state, order)
    if is_pending(order):
        if peer is not None or is_waiting_child(state, order):
            return 0, 0
        most = fees.pending_hold(live, order)
        # A trailing buy's stop price has fallen since, and its hold has not.
        trails = order.type is OrderType.TRAILING_STOP and order.side is Side.BUY
        return most, AMOUNT_LIMIT if trails else most
    remaining = order.quantity_lots - order.filled_lots
    most = fees.limit_hold(live, order, remaining)
    if peer is not None:
        most = max(most, fees.pending_hold(live, peer))
        return most, most
    if order.side is Side.BUY and live.fees_in_quote and order.filled_lots:
        return order.price_ticks * remaining * live.rate, most  # Fees were paid from their room.
    return most, most

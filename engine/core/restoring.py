"""From rows back to a living exchange.

The rule of this file: the order of the rows does not matter. Whatever order matters inside, it is
made here by sorting: queues by rank, memories and withdrawals by journal number.
"""

from msgspec.structs import replace

from engine.core import ending
from engine.core.changes import ClosedOrder, RememberedKey, Rows
from engine.core.idempotency import Memory
from engine.core.ledger import Earnings
from engine.core.markets import LiveMarket
from engine.core.orders import is_pending
from engine.core.state import State
from engine.core.timers import TimerKind
from shared.messages import AccountRow, MarketState, Order, Totals, Withdrawal


def restore(state: State, rows: Rows) -> None:
    """Fill a new state; afterwards it behaves exactly as the one the rows were drained from."""
    state.n, state.sequence = rows.n, rows.sequence
    state.at_ns, state.next_order_id = rows.at_ns, rows.next_order_id
    for asset in rows.assets:
        state.add_asset(asset)
    for market in rows.markets:
        state.add_market(LiveMarket(market))
    for market_state in rows.market_states:
        _restore_market_state(state, market_state)
    for totals in rows.totals:
        _restore_totals(state.ledger.totals[totals.asset], totals)
    for account_id, account_row in rows.accounts.items():
        _restore_account(state, account_id, account_row)
    _restore_balances(state, rows)
    _restore_withdrawals(state, rows.withdrawals)
    _restore_orders(state, rows.open_orders)
    for closed in rows.closed_orders:
        state.closed.add(closed.order_id, closed.updated_at_ns)
    for key in sorted(rows.remembered_keys, key=lambda key: key.n):
        state.window.restore((key.account_id, key.key), Memory(key.n, key.at_ns, key.fingerprint))
    state.drain()  # What was stored already is no change.


def rows_of(state: State) -> Rows:
    """Return all rows of a state."""
    live = state.markets.values()
    accounts = state.ledger.accounts
    return Rows(
        n=state.n,
        sequence=state.sequence,
        at_ns=state.at_ns,
        next_order_id=state.next_order_id,
        assets=list(state.assets.values()),
        markets=[market.market for market in live],
        market_states=[market.state() for market in live],
        accounts={account.account_id: account.row() for account in accounts.values()},
        balances={
            (account.account_id, balance.asset): (balance.available, balance.held)
            for account in accounts.values()
            for balance in account.balances.values()
        },
        totals=[earnings.row() for earnings in state.ledger.totals.values()],
        withdrawals=list(state.withdrawals.values()),
        open_orders=[_copy(order) for order in state.open.by_id.values()],
        closed_orders=[
            ClosedOrder(order_id, at_ns) for at_ns, order_id in state.closed.remembered()
        ],
        remembered_keys=[
            RememberedKey(account_id, key, memory.n, memory.at_ns, memory.fingerprint)
            for (account_id, key), memory in state.window.remembered()
        ],
    )


def _copy(order: Order) -> Order:
    return replace(order, terms=None if order.terms is None else replace(order.terms))


def _restore_market_state(state: State, row: MarketState) -> None:
    state.markets[row.market].restore_state(row)
    if row.status_until_ns:
        state.timers.set(TimerKind.MARKET_STATUS, row.market, row.status_until_ns)


def _restore_account(state: State, account_id: int, row: AccountRow) -> None:
    account = state.ledger.account(account_id)
    account.sequence, account.tier = row.account_sequence, row.tier
    account.is_suspended, account.cancel_at_ns = row.is_suspended, row.cancel_at_ns
    if row.cancel_at_ns:
        state.timers.set(TimerKind.ACCOUNT, account_id, row.cancel_at_ns)


def _restore_totals(earnings: Earnings, row: Totals) -> None:
    earnings.deposits = row.deposits_atoms
    earnings.withdrawals = row.withdrawals_atoms
    earnings.fees = row.fees_atoms
    earnings.drained_net = earnings.net()


def _restore_balances(state: State, rows: Rows) -> None:
    for (account_id, asset), (available, held) in rows.balances.items():
        balance = state.ledger.balance(state.ledger.account(account_id), asset)
        balance.available = balance.drained_available = available
        balance.held = balance.drained_held = held


def _restore_withdrawals(state: State, withdrawals: list[Withdrawal]) -> None:
    for withdrawal in sorted(withdrawals, key=lambda withdrawal: withdrawal.withdrawal_id):
        state.take_up_withdrawal(state.ledger.account(withdrawal.account_id), withdrawal)


def _restore_orders(state: State, orders: list[Order]) -> None:
    orders = sorted(orders, key=lambda order: order.rank)
    for order in orders:
        state.take_up_order(state.ledger.account(order.account_id), order)
    for order in orders:  # Now that it is known whose parent lives.
        live = state.markets[order.market]
        if not is_pending(order):
            live.own_side(order.side).add(order)
        elif not ending.is_waiting_child(state, order):
            live.triggers.add(order)
    for live in state.markets.values():
        live.bids.take_changes()
        live.asks.take_changes()

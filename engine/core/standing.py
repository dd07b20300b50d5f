"""Where every living order must stand: in one book, among the stops, or with its parent; and where
every pending withdrawal must.

The rule of this file: it only looks, and a thing out of place is an AssertionError with a sentence.
What orders, withdrawals and accounts must hold is told by `invariants`.
"""

from collections import Counter

from engine.core.book import Ladder, Level
from engine.core.ending import is_waiting_child
from engine.core.markets import LiveMarket
from engine.core.orders import is_pending
from engine.core.rules import PENDING_WITHDRAWALS_MAX
from engine.core.state import State
from engine.core.timers import TimerKind
from engine.core.triggers import is_met
from shared.messages import MarketStatus, Order, OrderTerms
from shared.money import AMOUNT_LIMIT


def check(state: State) -> None:
    """Check all books, stops, timers, links, withdrawals and accounts between two commands."""
    for live in state.markets.values():
        check_touch(live)
        for ladder in (live.bids, live.asks):
            _check_ladder(live, ladder)
        _check_stops(live)
    _check_places(state)
    _check_links(state)
    _check_timers(state)
    _check_accounts(state)
    _check_withdrawals(state)


def check_touch(live: LiveMarket) -> None:
    bid, ask = live.bids.best_price(), live.asks.best_price()
    assert bid is None or ask is None or bid < ask, f"{live.name} is crossed: {bid} x {ask}."


def _check_ladder(live: LiveMarket, ladder: Ladder[Order]) -> None:
    assert ladder.keys == sorted(ladder.levels), f"A ladder of {live.name} is out of order."
    for level in ladder.levels.values():
        _check_level(live, ladder, level)


def _check_level(live: LiveMarket, ladder: Ladder[Order], level: Level[Order]) -> None:
    orders = list(level.orders())
    lots = sum(order.open_lots for order in orders)
    assert lots == level.lots > 0, f"A level of {live.name} has {level.lots}, not {lots}."
    ranks = [order.rank for order in orders]
    assert ranks == sorted(set(ranks)), f"A queue of {live.name} is out of order."
    for order in orders:
        stands = order.market, order.price_ticks, live.own_side(order.side)
        belongs = stands == (live.name, level.price_ticks, ladder) and not is_pending(order)
        assert belongs, f"Order {order.order_id} stands in the wrong queue."


def _check_stops(live: LiveMarket) -> None:
    live.triggers.check()
    if live.status is not MarketStatus.OPEN or not live.last_price_ticks:
        return
    for order in live.triggers.orders():
        assert order.terms is not None, "A stop has terms."
        met = is_met(order.side, order.terms.stop_price_ticks, live.last_price_ticks)
        assert not met, f"Stop {order.order_id} of {live.name} waits at a price that meets it."


def _check_places(state: State) -> None:
    placed: list[int] = []
    icebergs: Counter[str] = Counter()
    for live in state.markets.values():
        for ladder in (live.bids, live.asks):
            for level in ladder.levels.values():
                placed += [order.order_id for order in level.orders()]
        placed += [order.order_id for order in live.triggers.orders()]
    for order in state.open.by_id.values():
        if is_waiting_child(state, order):
            placed.append(order.order_id)
        if order.terms is not None and order.terms.display_lots:
            icebergs[order.market] += 1
        is_past = order.order_id < state.next_order_id and order.rank <= state.sequence
        assert is_past, f"Order {order.order_id} is from the future."
    assert sorted(placed) == sorted(state.open.by_id), "Books and open orders differ."
    for live in state.markets.values():
        assert live.icebergs == icebergs[live.name], f"{live.name} miscounts its icebergs."
    assert not state.triggered, "An order was triggered and never had its turn."


def _check_links(state: State) -> None:
    """Each link is known at both ends, and no stop leg waits without its limit leg."""
    for order in state.open.by_id.values():
        if order.terms is None:
            continue
        peer_id = order.terms.peer_order_id
        _check_link(state, order, peer_id, "peer_order_id")
        _check_link(state, order, order.terms.child_order_id, "parent_order_id")
        _check_link(state, order, order.terms.parent_order_id, "child_order_id")
        alone = bool(peer_id) and is_pending(order) and peer_id not in state.open.by_id
        assert not alone, f"Stop leg {order.order_id} waits without its limit leg."


def _check_link(state: State, order: Order, other_id: int, back: str) -> None:
    other = state.open.by_id.get(other_id)
    if other is not None:
        back_id = getattr(other.terms or OrderTerms(), back)
        assert back_id == order.order_id, f"Order {other_id} does not know of {order.order_id}."


def _check_timers(state: State) -> None:
    due_ns: dict[tuple[TimerKind, int | str], int] = {}
    for order in state.open.by_id.values():
        if order.expires_at_ns:
            due_ns[TimerKind.ORDER_EXPIRY, order.order_id] = order.expires_at_ns
    for account in state.ledger.accounts.values():
        if account.cancel_at_ns:
            due_ns[TimerKind.ACCOUNT, account.account_id] = account.cancel_at_ns
    for live in state.markets.values():
        if live.status_until_ns:
            due_ns[TimerKind.MARKET_STATUS, live.name] = live.status_until_ns
    assert state.timers.living() == due_ns, "The timers are not those of orders and accounts."


def _check_accounts(state: State) -> None:
    counts: Counter[tuple[int, str]] = Counter()
    for order in state.open.by_id.values():
        counts[order.account_id, order.market] += 1
        account = state.ledger.accounts[order.account_id]
        assert account.orders[order.order_id] is order, f"Order {order.order_id} lost its account."
    owned = 0
    counted = sum(sum(each.open_counts.values()) for each in state.ledger.accounts.values())
    assert counted == len(state.open.by_id), "The accounts count other orders than there are."
    for account in state.ledger.accounts.values():
        owned += len(account.orders)
        for market, count in account.open_counts.items():
            key = account.account_id, market
            assert count == counts[key], f"Account {key} counts {count} open orders."
        named = [order for order in account.orders.values() if order.client_order_id]
        by_name = {order.client_order_id: order for order in named}
        assert by_name == account.client_orders, f"Account {account.account_id} lost a name."
        assert len(by_name) == len(named), f"Account {account.account_id} has a name twice."
    assert owned == len(state.open.by_id), "The accounts and the open orders differ in number."


def _check_withdrawals(state: State) -> None:
    """Each pending withdrawal is known to its account, and an account to no other."""
    owned = 0
    for account in state.ledger.accounts.values():
        owned += len(account.withdrawals)
        too_many = len(account.withdrawals) > PENDING_WITHDRAWALS_MAX
        assert not too_many, f"Account {account.account_id} has too many withdrawals."
    assert owned == len(state.withdrawals), "The accounts and the withdrawals differ in number."
    for withdrawal_id, withdrawal in state.withdrawals.items():
        account = state.ledger.accounts[withdrawal.account_id]
        is_known = account.withdrawals.get(withdrawal.withdrawal_id) is withdrawal
        assert is_known, f"Withdrawal {withdrawal_id} lost its account."
        assert 0 < withdrawal_id <= state.n, f"Withdrawal {withdrawal_id} is from the future."
        is_amount = 0 < withdrawal.amount_atoms < AMOUNT_LIMIT
        is_possible = is_amount and withdrawal.asset in state.assets
        assert is_possible, f"Withdrawal {withdrawal_id} is of what cannot be."

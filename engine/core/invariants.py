"""What must be true of an exchange after every command.

The rule of this file: it only looks. A broken invariant is an AssertionError with a sentence, which
stops the engine before the commit; nothing here repairs.
"""

from collections import Counter

from engine.core.changes import Changes
from engine.core.ending import is_waiting_child
from engine.core.exchange import Exchange
from engine.core.markets import LiveMarket
from engine.core.orders import is_open, is_pending
from engine.core.state import State
from engine.core.timers import TimerKind
from engine.core.triggers import is_met
from shared.messages import MarketStatus, Order
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
    sums: Counter[str] = Counter()
    for account in state.ledger.accounts.values():
        for balance in account.balances.values():
            key = account.account_id, balance.asset
            _check_balance(key, balance.available, balance.held)
            assert balance.held == held[key], (
                f"Account {key} holds {balance.held}, but its open orders hold {held[key]}."
            )
            sums[balance.asset] += balance.available + balance.held
    for asset, earnings in state.ledger.totals.items():
        assert earnings.fees >= 0, f"The fees of {asset} are negative: {earnings.fees}."
        assert sums[asset] == earnings.net(), (
            f"All accounts have {sums[asset]} {asset}, but {earnings.net()} should be there."
        )
    for live in state.markets.values():
        _check_market(state, live)
    _check_places(state)
    _check_accounts(state)


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
    wrong = {key: rest for key, rest in held.items() if rest}
    assert not wrong, f"Held changed otherwise than the orders' holds: {wrong}."
    for market in changes.depth:
        _check_touch(state.markets[market])


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
    if is_pending(order):
        assert order.filled_lots == order.open_lots == 0, f"Pending order {order_id} has traded."
        holds = order.held_atoms > 0 or _is_linked(state, order)
        assert holds, f"Pending order {order_id} holds nothing."
        return
    remaining = quantity - order.filled_lots
    assert remaining > 0, f"Open order {order_id} has nothing to trade."
    assert order.held_atoms > 0, f"Open order {order_id} holds nothing."
    display = order.terms.display_lots if order.terms is not None else 0
    shown = order.open_lots
    is_right = 0 < shown <= min(display, remaining) if display else shown == remaining
    assert is_right, f"Open order {order_id} shows {shown} of {remaining}."


def _is_linked(state: State, order: Order) -> bool:
    terms = order.terms
    by_id = state.open.by_id
    return terms is not None and (terms.peer_order_id in by_id or terms.parent_order_id in by_id)


def _check_market(state: State, live: LiveMarket) -> None:
    _check_touch(live)
    for ladder in (live.bids, live.asks):
        assert ladder.keys == sorted(ladder.levels), f"A ladder of {live.name} is out of order."
        for level in ladder.levels.values():
            orders = list(level.orders())
            lots = sum(order.open_lots for order in orders)
            assert lots == level.lots > 0, f"A level of {live.name} has {level.lots}, not {lots}."
            ranks = [order.rank for order in orders]
            assert ranks == sorted(set(ranks)), f"A queue of {live.name} is out of order."
    if live.status is MarketStatus.OPEN and live.last_price_ticks:
        for order in live.triggers.orders():
            assert order.terms is not None, "A stop has terms."
            met = is_met(order.side, order.terms.stop_price_ticks, live.last_price_ticks)
            assert not met, f"Stop {order.order_id} of {live.name} waits at a price that meets it."


def _check_touch(live: LiveMarket) -> None:
    bid, ask = live.bids.best_price(), live.asks.best_price()
    assert bid is None or ask is None or bid < ask, f"{live.name} is crossed: {bid} x {ask}."


def _check_places(state: State) -> None:
    """Every living order is in just one place: a book, the stops, or with its parent."""
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
        if order.expires_at_ns:
            due_ns = state.timers.due_ns(TimerKind.ORDER_EXPIRY, order.order_id)
            assert due_ns == order.expires_at_ns, f"Order {order.order_id} would not expire."
    assert sorted(placed) == sorted(state.open.by_id), "Books and open orders differ."
    for live in state.markets.values():
        assert live.icebergs == icebergs[live.name], f"{live.name} miscounts its icebergs."
    assert not state.triggered, "An order was triggered and never had its turn."


def _check_accounts(state: State) -> None:
    counts: Counter[tuple[int, str]] = Counter()
    for order in state.open.by_id.values():
        counts[order.account_id, order.market] += 1
        account = state.ledger.accounts[order.account_id]
        assert account.orders[order.order_id] is order, f"Order {order.order_id} lost its account."
    owned = 0
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

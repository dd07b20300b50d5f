"""What must be true of an exchange after every command.

The rule of this file: it only looks. A broken invariant is an AssertionError with a sentence, which
stops the engine before the commit; nothing here repairs.
"""

from collections import Counter

from engine.core.book import Ladder
from engine.core.changes import Changes
from engine.core.exchange import Exchange
from engine.core.markets import LiveMarket
from engine.core.orders import is_open
from shared.messages import Order
from shared.money import AMOUNT_LIMIT


def check(exchange: Exchange) -> None:
    """Check everything; the time is that of looking at every row once."""
    state = exchange.state
    held: Counter[tuple[int, str]] = Counter()
    for order in state.open.by_id.values():
        _check_order(order)
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
        _check_market(live)
    in_books = sum(_orders_in(live.bids) + _orders_in(live.asks) for live in state.markets.values())
    assert in_books == len(state.open.by_id), "The books and the open orders differ in number."


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
        _check_order(order)
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


def _check_order(order: Order) -> None:
    quantity, order_id = order.quantity_lots, order.order_id
    if is_open(order):
        assert 0 <= order.filled_lots < quantity, f"Open order {order_id} has nothing to trade."
        assert order.held_atoms > 0, f"Open order {order_id} holds nothing."
        return
    assert order.held_atoms == 0, f"Closed order {order_id} still holds {order.held_atoms}."
    assert not quantity or order.filled_lots <= quantity, f"Order {order_id} was overfilled."


def _check_market(live: LiveMarket) -> None:
    _check_touch(live)
    for ladder in (live.bids, live.asks):
        assert ladder.keys == sorted(ladder.levels), f"A ladder of {live.name} is out of order."
        for level in ladder.levels.values():
            orders = list(level.orders.values())
            lots = sum(order.quantity_lots - order.filled_lots for order in orders)
            assert lots == level.lots > 0, f"A level of {live.name} has {level.lots}, not {lots}."
            ranks = [order.rank for order in orders]
            assert ranks == sorted(ranks), f"A queue of {live.name} is out of order."


def _check_touch(live: LiveMarket) -> None:
    bid, ask = live.bids.best_price(), live.asks.best_price()
    assert bid is None or ask is None or bid < ask, f"{live.name} is crossed: {bid} x {ask}."


def _orders_in(ladder: Ladder) -> int:
    return sum(len(level.orders) for level in ladder.levels.values())

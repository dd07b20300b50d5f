"""One number for what an exchange is worth to its users.

The rule of this file: it covers money, pending withdrawals, markets, what accounts may do, open
orders in book order and pending ones; not times, sequences, memories, or anything a refused command
could touch. So the same day gives the same hash, and a refusal none other.
"""

import hashlib
from collections.abc import Iterator

import msgspec

from engine.core.book import Ladder
from engine.core.markets import LiveMarket
from engine.core.orders import is_pending
from engine.core.state import State
from shared.messages import Order

_Row = tuple[object, ...]


def state_hash(state: State) -> str:
    """Return the SHA-256, in hex, of the state in one canonical order."""
    digest = hashlib.sha256()
    encode = msgspec.msgpack.Encoder().encode
    for row in _rows(state):
        digest.update(encode(row))
    return digest.hexdigest()


def _rows(state: State) -> Iterator[_Row]:
    for name in sorted(state.assets):
        earnings = state.ledger.totals[name]
        yield "asset", state.assets[name], earnings.row()
    for account_id in sorted(state.ledger.accounts):
        account = state.ledger.accounts[account_id]
        if account.tier or account.is_suspended:
            yield "account", account_id, account.tier, account.is_suspended
        balances = account.balances
        for asset in sorted(balances):
            balance = balances[asset]
            if balance.available or balance.held:
                yield "balance", account_id, asset, balance.available, balance.held
    for withdrawal_id in sorted(state.withdrawals):
        asked = state.withdrawals[withdrawal_id]
        whose = asked.account_id, asked.asset, asked.amount_atoms, asked.reference
        yield "withdrawal", withdrawal_id, *whose
    for name in sorted(state.markets):
        yield from _market_rows(state.markets[name])
    for order_id in sorted(state.open.by_id):
        order = state.open.by_id[order_id]
        if is_pending(order):
            yield _order_row(order)


def _market_rows(live: LiveMarket) -> Iterator[_Row]:
    yield "market", live.market, live.status, live.last_trade_id, live.last_price_ticks
    yield from _ladder_rows(live.bids)
    yield from _ladder_rows(live.asks)


def _ladder_rows(ladder: Ladder[Order]) -> Iterator[_Row]:
    for level in ladder.best_first():
        for order in level.orders():
            yield _order_row(order)


def _order_row(order: Order) -> _Row:
    return (
        "order",
        order.order_id,
        order.account_id,
        order.client_order_id,
        order.market,
        order.side,
        order.type,
        order.time_in_force,
        order.status,
        order.self_trade,
        order.post_only,
        order.price_ticks,
        order.quantity_lots,
        order.budget_atoms,
        order.open_lots,
        order.filled_lots,
        order.filled_quote_atoms,
        order.fee_atoms,
        order.held_atoms,
        order.maker_fee_ppm,
        order.taker_fee_ppm,
        order.terms,
    )

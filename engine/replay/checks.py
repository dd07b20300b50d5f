"""The checks that a day must pass, each a small function of what was wanted and what was found.

The rule of this file: no I/O; a check counts what is wrong, and 0 is the only good answer.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import zip_longest
from typing import TypeVar

from engine.core import invariants
from engine.core.exchange import Exchange
from engine.replay.day import Kind, Row
from engine.replay.plan import BASE, MARKET, QUOTE, Plan
from engine.replay.reference import Trade
from shared.wire import CommandResult

T = TypeVar("T")


def mismatches(found: Sequence[T], *wanted: Sequence[T]) -> int:
    """Count the places at which what was found differs from any list of what was wanted."""
    return sum(any(item != row[0] for item in row[1:]) for row in zip_longest(found, *wanted))


def cancel_mismatches(rows: Sequence[Row], results: Sequence[CommandResult]) -> int:
    """Count the cancels that did not find exactly the remaining quantity of the recording."""
    return sum(
        row.kind is Kind.CANCEL and _cancelled_lots(result) != row.lots
        for row, result in zip(rows, results, strict=True)
    )


def _cancelled_lots(result: CommandResult) -> int | None:
    order = result.order
    if result.code is not None or order is None:
        return None
    return order.quantity_lots - order.filled_lots


def refusals(results: Sequence[CommandResult]) -> dict[str, int]:
    """Count the refused commands by their code."""
    return dict(Counter(str(result.code) for result in results if result.code is not None))


def broken_invariant(exchange: Exchange) -> str:
    """Return the sentence of the first invariant that the rows break, or ""."""
    try:
        invariants.check(exchange)
    except AssertionError as error:
        return str(error)
    return ""


def missing_atoms(exchange: Exchange, plan: Plan) -> dict[str, int]:
    """Return by asset what all accounts and fees lack of the deposits that were made."""
    state = exchange.state
    lacking = dict.fromkeys(state.assets, 0)
    for (_, asset), amount_atoms in plan.deposits.items():
        lacking[asset] = lacking.get(asset, 0) + amount_atoms
    for account in state.ledger.accounts.values():
        for asset, balance in account.balances.items():
            lacking[asset] -= balance.available + balance.held
    for asset, totals in state.ledger.totals.items():
        lacking[asset] -= totals.fees
    return {asset: atoms for asset, atoms in lacking.items() if atoms}


def wrong_balances(exchange: Exchange, plan: Plan, trades: Sequence[Trade]) -> int:
    """Count the balances that are not the deposit and what the trades moved."""
    wanted: dict[tuple[int, str], int] = defaultdict(int, plan.deposits)
    for trade in trades:
        taker, maker = plan.owners[trade.taker_uid], plan.owners[trade.maker_uid]
        buyer, seller = (taker, maker) if trade.taker_side == "buy" else (maker, taker)
        cost_atoms = trade.price_units * trade.lots
        wanted[buyer, BASE] += trade.lots
        wanted[seller, BASE] -= trade.lots
        wanted[seller, QUOTE] += cost_atoms
        wanted[buyer, QUOTE] -= cost_atoms
    return sum(sum(exchange.balance(*key)) != atoms for key, atoms in wanted.items())


def wrong_depth_rows(exchange: Exchange, depth_rows: dict[str, int]) -> int:
    """Count the depth rows that differ from the orders in the book."""
    live = exchange.state.markets[MARKET]
    depth = exchange.depth(MARKET, len(live.bids.levels) + len(live.asks.levels))
    wanted = {f"b{price}": lots for price, lots in depth.bids}
    wanted |= {f"a{price}": lots for price, lots in depth.asks}
    return len(wanted.items() ^ depth_rows.items())

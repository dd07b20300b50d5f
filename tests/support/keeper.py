"""A keeper of rows: it stores what an exchange drains, as a commit does, and gives it back.

The rule of this file: it keeps encoded copies, so nothing living leaks into the next exchange.
"""

from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from engine.core.changes import Changes, ClosedOrder, RememberedKey, Rows
from engine.core.exchange import Exchange
from shared.messages import AccountRow, Asset, Market, MarketState, Order, Totals, Withdrawal
from shared.wire import decode, encode

Row = TypeVar("Row")


@dataclass
class Keeper:
    """Rows by kind; `write` after every batch, `rows` to restore from."""

    assets: dict[str, bytes] = field(default_factory=dict)
    markets: dict[str, bytes] = field(default_factory=dict)
    market_states: dict[str, bytes] = field(default_factory=dict)
    totals: dict[str, bytes] = field(default_factory=dict)
    accounts: dict[int, AccountRow] = field(default_factory=dict)
    balances: dict[tuple[int, str], tuple[int, int]] = field(default_factory=dict)
    withdrawals: dict[int, bytes] = field(default_factory=dict)
    open_orders: dict[int, bytes] = field(default_factory=dict)
    closed_orders: dict[int, bytes] = field(default_factory=dict)
    depth: dict[tuple[str, str, int], int] = field(default_factory=dict)
    keys: dict[tuple[int, str], tuple[int, int, bytes]] = field(default_factory=dict)
    trades: int = 0

    def write(self, changes: Changes, at_ns: int) -> None:
        """Store the changes of a batch of one command, at its journal time."""
        self.assets |= {name: encode(row) for name, row in changes.assets.items()}
        self.markets |= {name: encode(row) for name, row in changes.markets.items()}
        self.market_states |= {name: encode(row) for name, row in changes.market_states.items()}
        self.totals |= {name: encode(row) for name, row in changes.totals.items()}
        self.accounts |= changes.accounts
        self.balances |= changes.balances
        self.withdrawals |= {key: encode(row) for key, row in changes.withdrawals.items()}
        for withdrawal_id in changes.ended_withdrawals:
            del self.withdrawals[withdrawal_id]
        self._write_orders(changes)
        for market, rows in changes.depth.items():
            self._write_depth(market, "bid", rows.bids)
            self._write_depth(market, "ask", rows.asks)
        for key, (n, fingerprint) in changes.results_added.items():
            self.keys[key] = n, at_ns, fingerprint
        for key in changes.results_forgotten:
            self.keys.pop(key, None)
        self.trades += sum(map(len, changes.trades.values()))

    def rows(self, exchange: Exchange, shuffle: Random) -> Rows:
        """Return what is kept, in no order, and the meta row as the exchange has it now."""
        return Rows(
            n=exchange.n,
            sequence=exchange.sequence,
            at_ns=exchange.at_ns,
            next_order_id=exchange.next_order_id,
            assets=_shuffled(shuffle, [decode(row, Asset) for row in self.assets.values()]),
            markets=_shuffled(shuffle, [decode(row, Market) for row in self.markets.values()]),
            market_states=[decode(row, MarketState) for row in self.market_states.values()],
            accounts=dict(_shuffled(shuffle, list(self.accounts.items()))),
            balances=dict(_shuffled(shuffle, list(self.balances.items()))),
            totals=[decode(row, Totals) for row in self.totals.values()],
            withdrawals=_shuffled(
                shuffle, [decode(row, Withdrawal) for row in self.withdrawals.values()]
            ),
            open_orders=_shuffled(
                shuffle, [decode(row, Order) for row in self.open_orders.values()]
            ),
            closed_orders=_shuffled(
                shuffle,
                [
                    ClosedOrder(order_id, decode(row, Order).updated_at_ns)
                    for order_id, row in self.closed_orders.items()
                ],
            ),
            remembered_keys=_shuffled(
                shuffle,
                [
                    RememberedKey(account_id, key, n, at_ns, fingerprint)
                    for (account_id, key), (n, at_ns, fingerprint) in self.keys.items()
                ],
            ),
        )

    def _write_orders(self, changes: Changes) -> None:
        self.open_orders |= {key: encode(row) for key, row in changes.open_orders.items()}
        for order_id, order in changes.closed_orders.items():
            self.open_orders.pop(order_id, None)
            self.closed_orders[order_id] = encode(order)
        for order_id in changes.forgotten_closed:
            del self.closed_orders[order_id]

    def _write_depth(self, market: str, side: str, levels: dict[int, int]) -> None:
        for price_ticks, lots in levels.items():
            if lots:
                self.depth[market, side, price_ticks] = lots
            else:
                # A level may come and go within one batch.
                self.depth.pop((market, side, price_ticks), None)


def _shuffled(shuffle: Random, rows: list[Row]) -> list[Row]:
    shuffle.shuffle(rows)
    return rows

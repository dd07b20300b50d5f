"""What an exchange tells its keeper: rows that changed, and rows to be built from again.

The rule of this file: data only. A row says what is now, never what to add, so rows of several
commands coalesce and writing one twice does no harm.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from msgspec import Struct

from shared.messages import AccountRow, Asset, Market, MarketState, Order, Side, Totals, Withdrawal


class Trade(Struct, frozen=True, array_like=True, gc=False):
    """A trade as a list of recent trades wants it."""

    trade_id: int
    at_ns: int
    price_ticks: int
    quantity_lots: int
    taker_side: Side


class DepthRows(NamedTuple):
    """Lots by price of the levels that changed; 0 removes the level."""

    bids: dict[int, int]
    asks: dict[int, int]


class Depth(NamedTuple):
    """(price_ticks, lots) of the levels of a book, best first."""

    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]


@dataclass(slots=True)
class Changes:
    """The rows that changed between two drains.

    Orders are the living ones: encode them before the next command. An order that was closed and
    forgotten in between is in both places, so write `forgotten_closed` after `closed_orders`; all
    other rows are disjoint. A withdrawal that was requested and has ended in between is nowhere:
    nobody knows its row. The fields with `drained` in their name serve the check of the batch only.
    """

    assets: dict[str, Asset] = field(default_factory=dict)
    markets: dict[str, Market] = field(default_factory=dict)
    market_states: dict[str, MarketState] = field(default_factory=dict)
    accounts: dict[int, AccountRow] = field(default_factory=dict)
    balances: dict[tuple[int, str], tuple[int, int]] = field(default_factory=dict)
    totals: dict[str, Totals] = field(default_factory=dict)
    withdrawals: dict[int, Withdrawal] = field(default_factory=dict)
    ended_withdrawals: dict[int, Withdrawal] = field(default_factory=dict)
    open_orders: dict[int, Order] = field(default_factory=dict)
    closed_orders: dict[int, Order] = field(default_factory=dict)
    forgotten_closed: list[int] = field(default_factory=list)
    depth: dict[str, DepthRows] = field(default_factory=dict)
    trades: dict[str, list[Trade]] = field(default_factory=dict)
    results_added: dict[tuple[int, str], tuple[int, bytes]] = field(default_factory=dict)
    results_forgotten: list[tuple[int, str]] = field(default_factory=list)
    drained_balances: dict[tuple[int, str], tuple[int, int]] = field(default_factory=dict)
    drained_nets: dict[str, int] = field(default_factory=dict)
    drained_held: dict[int, int] = field(default_factory=dict)


class ClosedOrder(NamedTuple):
    """All that must be known of a closed order to forget it in its turn."""

    order_id: int
    updated_at_ns: int


class RememberedKey(NamedTuple):
    """The first use of an idempotency key."""

    account_id: int
    key: str
    n: int
    at_ns: int
    fingerprint: bytes


@dataclass(slots=True)
class Rows:
    """Everything that an exchange is restored from, in any order."""

    n: int = 0
    sequence: int = 0
    at_ns: int = 0
    next_order_id: int = 1
    assets: list[Asset] = field(default_factory=list)
    markets: list[Market] = field(default_factory=list)
    market_states: list[MarketState] = field(default_factory=list)
    accounts: dict[int, AccountRow] = field(default_factory=dict)
    balances: dict[tuple[int, str], tuple[int, int]] = field(default_factory=dict)
    totals: list[Totals] = field(default_factory=list)
    withdrawals: list[Withdrawal] = field(default_factory=list)
    open_orders: list[Order] = field(default_factory=list)
    closed_orders: list[ClosedOrder] = field(default_factory=list)
    remembered_keys: list[RememberedKey] = field(default_factory=list)

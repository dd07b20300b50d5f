"""What the broadcaster takes over from the venue's rows when it starts or has lost its place.

The rule of this file: plain values, all read at one moment, true at `sequence`.
"""

from msgspec import Struct

from shared.messages import AccountRow, Asset, Market, MarketState, Order, Side, Withdrawal
from shared.wire import TradeRow


class MarketRows(Struct, frozen=True):
    """One market; `state` is None before its first change, `trades` are newest first."""

    market: Market
    state: MarketState | None
    levels: list[tuple[Side, int, int]]
    trades: list[TradeRow]


class VenueRows(Struct, frozen=True):
    """The public picture of a venue."""

    epoch: int
    sequence: int
    at_ns: int
    assets: list[Asset]
    markets: list[MarketRows]
    withdrawals: list[Withdrawal] = []


class AccountRows(Struct, frozen=True):
    """One account at `sequence` of the venue; `balances` is asset -> (available, held) in atoms."""

    account_id: int
    account: AccountRow
    balances: dict[str, tuple[int, int]]
    open_orders: list[Order]
    sequence: int = 0

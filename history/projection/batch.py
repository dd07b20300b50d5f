"""What a stretch of events leaves behind: rows to be written together.

The rule of this file: a row that says what has happened is added once; a row that says what is now
is there once, as it is at the end.
"""

from dataclasses import dataclass, field

from history.projection.rows import (
    AssetRow,
    CandleRow,
    DepositRow,
    FillRow,
    LedgerRow,
    MarketRow,
    OrderChangeRow,
    OrderRow,
    RejectionRow,
    TradeRow,
    VenueEventRow,
    WithdrawalRow,
)


@dataclass(slots=True)
class Batch:
    """The rows; `orders`, `withdrawals`, `markets` and `assets` are by their key."""

    trades: list[TradeRow] = field(default_factory=list)
    fills: list[FillRow] = field(default_factory=list)
    order_changes: list[OrderChangeRow] = field(default_factory=list)
    ledger: list[LedgerRow] = field(default_factory=list)
    deposits: list[DepositRow] = field(default_factory=list)
    rejections: list[RejectionRow] = field(default_factory=list)
    venue_events: list[VenueEventRow] = field(default_factory=list)
    candles: list[CandleRow] = field(default_factory=list)
    orders: dict[int, OrderRow] = field(default_factory=dict)
    withdrawals: dict[int, WithdrawalRow] = field(default_factory=dict)
    markets: dict[str, MarketRow] = field(default_factory=dict)
    assets: dict[str, AssetRow] = field(default_factory=dict)

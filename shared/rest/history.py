"""What was: candles, tickers, and what became of orders and money.

The rule of this file: shapes only; amounts are decimal text, null is what there is not, and every
answer says how far the history was when it was given: `sequence` of the last event in it, and
`at_ns`, before which nothing can happen any more, both in journal time.

Lists come in pages: `next` is the `cursor` of the next page, null on the last one. A page begins
right behind the row that the one before ended with, whatever has happened meanwhile.
"""

from msgspec import Struct

from shared.rest.market_data import TradeView
from shared.rest.orders import OrderView


class Kline(Struct, frozen=True):
    """The trades of a market in [open_at_ns, close_at_ns).

    An interval without trades has the last price before it four times, and zeros. `first_trade_id`
    and `last_trade_id` are null there. `taker_buy_volume` (base) and `taker_buy_quote_volume` are
    of the trades whose taker bought. `is_closed`: no trade can come into it any more.
    """

    open_at_ns: int
    close_at_ns: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    quote_volume: str
    trades: int
    taker_buy_volume: str
    taker_buy_quote_volume: str
    first_trade_id: int | None
    last_trade_id: int | None
    is_closed: bool


class Klines(Struct, frozen=True):
    """Candles of one market and interval, oldest first, one for every interval since its first
    trade.
    """

    market: str
    interval: str
    klines: list[Kline]
    next: str | None
    sequence: int
    at_ns: int


class TickerView(Struct, frozen=True):
    """A market in the 24 hours up to `close_at_ns`, that moment included; `open_at_ns` is not.

    Where nothing was traded in that time the prices are the last one before it, `previous_close`,
    and the rest is zero; `change` is `last_price` less `open_price`, `change_ppm` that in parts per
    million of `open_price`, rounded toward zero, and `average_price` is `quote_volume` by `volume`,
    rounded half up to two decimals more than a price has, null without trades. `last_quantity` is
    of the last trade.
    """

    market: str
    open_at_ns: int
    close_at_ns: int
    open_price: str
    high_price: str
    low_price: str
    last_price: str
    last_quantity: str
    previous_close: str | None
    change: str
    change_ppm: int
    average_price: str | None
    volume: str
    quote_volume: str
    taker_buy_volume: str
    taker_buy_quote_volume: str
    trades: int
    first_trade_id: int | None
    last_trade_id: int | None


class Tickers(Struct, frozen=True):
    """The tickers of all markets that have traded, by name, or of the one that was asked for."""

    tickers: list[TickerView]
    sequence: int
    at_ns: int


class TradeHistory(Struct, frozen=True):
    """Trades of a market, newest first."""

    market: str
    trades: list[TradeView]
    next: str | None
    sequence: int
    at_ns: int


class OrderRecord(OrderView, frozen=True, kw_only=True):
    """An order as it is or as it ended; `reason` says why it was cancelled or has expired."""

    reason: str


class Orders(Struct, frozen=True):
    """Orders of the account, the last placed first."""

    orders: list[OrderRecord]
    next: str | None
    sequence: int
    at_ns: int


class OrderChangeView(Struct, frozen=True, kw_only=True):
    """What happened to an order: accepted, triggered, amended, filled, cancelled or expired.

    The quantities are those after it, null for an order by quote_quantity. Of a fill, `price` and
    `quantity` are its own, `trade_id` is the trade, and `role` is maker or taker.
    """

    at_ns: int
    sequence: int
    n: int
    change: str
    reason: str
    status: str
    price: str | None
    stop_price: str | None
    quantity: str | None
    filled_quantity: str
    remaining_quantity: str | None
    trade_id: int | None
    role: str | None
    fee: str | None
    fee_asset: str | None


class OrderStory(Struct, frozen=True):
    """One order from its acceptance to its end: all that happened to it, oldest first."""

    order: OrderRecord
    changes: list[OrderChangeView]
    next: str | None
    sequence: int
    at_ns: int


class FillRecord(Struct, frozen=True, kw_only=True):
    """The account's side of a trade; `role` is maker or taker, `fee` is negative for a rebate."""

    trade_id: int
    order_id: int
    client_order_id: str
    market: str
    side: str
    role: str
    price: str
    quantity: str
    quote_quantity: str
    fee: str
    fee_asset: str
    at_ns: int
    sequence: int


class Fills(Struct, frozen=True):
    """Fills of the account, newest first."""

    fills: list[FillRecord]
    next: str | None
    sequence: int
    at_ns: int


class LedgerLine(Struct, frozen=True, kw_only=True):
    """What changed of one asset, why, and what it was after that.

    `cause` is deposit, withdrawal, withdrawal_requested, withdrawal_settled, withdrawal_returned,
    transfer, fees_paid_out, order_accepted, order_triggered, order_amended, order_cancelled,
    order_expired or trade; the ids name it. `fee` is the part of the change that is a fee.
    """

    at_ns: int
    sequence: int
    leg: int
    n: int
    asset: str
    cause: str
    available_change: str
    held_change: str
    available: str
    held: str
    fee: str
    market: str | None
    order_id: int | None
    trade_id: int | None
    withdrawal_id: int | None
    counterparty_account_id: int | None
    reference: str | None


class Ledger(Struct, frozen=True):
    """The statement of the account, newest line first; added up, an asset's lines are its
    balance.
    """

    account_id: int
    lines: list[LedgerLine]
    next: str | None
    sequence: int
    at_ns: int


class RejectionView(Struct, frozen=True, kw_only=True):
    """A definite no; `code` is the error code that the request got."""

    at_ns: int
    sequence: int
    n: int
    code: str
    field: str
    market: str | None
    order_id: int | None
    client_order_id: str


class Rejections(Struct, frozen=True):
    """What the exchange refused of the account's orders, newest first."""

    rejections: list[RejectionView]
    next: str | None
    sequence: int
    at_ns: int

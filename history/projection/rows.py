"""The rows of the history, as they are written: one tuple for a row, in the order of its columns.

The rule of this file: integers and closed words, as in the events: ticks, lots, atoms, nanoseconds
of journal time. `n` is the journal entry and `sequence` the event that a row comes from; together
with the number of a row within its event they name it for ever, so that to write it again changes
nothing.
"""

from typing import NamedTuple

# What the columns of ids have where there is none.
NO_ORDER = NO_TRADE = NO_WITHDRAWAL = NO_ACCOUNT = 0

# Makes a row of a tuple with all its columns. The constructor of a named tuple is a function of
# Python, which costs twice as much: the rows that there are many of are made by this.
row_of = tuple.__new__


class TradeRow(NamedTuple):
    """A trade. A fee is in the asset that the market says, negative: a rebate."""

    market: str
    trade_id: int
    at_ns: int
    n: int
    sequence: int
    price_ticks: int
    quantity_lots: int
    quote_atoms: int
    taker_side: str
    maker_account_id: int
    maker_order_id: int
    maker_fee_atoms: int
    taker_account_id: int
    taker_order_id: int
    taker_fee_atoms: int


class FillRow(NamedTuple):
    """One side of a trade, as its owner sees it; `role` is maker or taker."""

    account_id: int
    sequence: int
    role: str
    at_ns: int
    n: int
    market: str
    trade_id: int
    order_id: int
    client_order_id: str
    side: str
    price_ticks: int
    quantity_lots: int
    quote_atoms: int
    fee_asset: str
    fee_atoms: int
    filled_lots: int  # Of the order, after it.
    remaining_lots: int


class OrderRow(NamedTuple):
    """An order as it is now, or as it ended; written again with every change.

    `end_reason` is why it was cancelled or has expired, "" for one that lives or is filled.
    """

    order_id: int
    placed_at_ns: int
    placed_n: int
    account_id: int
    client_order_id: str
    market: str
    side: str
    type: str
    time_in_force: str
    price_ticks: int
    quantity_lots: int
    budget_atoms: int
    filled_lots: int
    filled_quote_atoms: int
    fee_atoms: int
    status: str
    end_reason: str
    post_only: bool
    self_trade: str
    expires_at_ns: int
    display_lots: int
    stop_price_ticks: int
    trail_ticks: int
    trail_ppm: int
    peer_order_id: int
    parent_order_id: int
    updated_at_ns: int
    updated_sequence: int


class OrderChangeRow(NamedTuple):
    """Something that happened to an order, other than a fill.

    `change` is accepted, triggered, amended, cancelled or expired; `reason` is "" where there is
    only one. The quantities are those after it.
    """

    order_id: int
    sequence: int
    at_ns: int
    n: int
    account_id: int
    market: str
    change: str
    reason: str
    status: str
    price_ticks: int
    stop_price_ticks: int
    quantity_lots: int
    filled_lots: int
    remaining_lots: int


class LedgerRow(NamedTuple):
    """A line of a statement: what changed of one asset of one account, and what it is after it.

    `leg` tells several lines of one event apart. `cause` is deposit, withdrawal,
    withdrawal_requested, withdrawal_settled, withdrawal_returned, transfer, fees_paid_out,
    order_accepted, order_triggered, order_amended, order_cancelled, order_expired or trade. The
    ids are 0, `reference` is "", where there is none. `fee_atoms` is the part of the change that
    is a fee (negative: a rebate).
    """

    account_id: int
    asset: str
    sequence: int
    leg: int
    at_ns: int
    n: int
    cause: str
    available_change: int
    held_change: int
    available: int
    held: int
    fee_atoms: int
    market: str
    order_id: int
    trade_id: int
    withdrawal_id: int
    counterparty_account_id: int
    reference: str


class DepositRow(NamedTuple):
    """Money that came in."""

    sequence: int
    at_ns: int
    n: int
    account_id: int
    asset: str
    amount_atoms: int
    reference: str


class WithdrawalRow(NamedTuple):
    """Money that goes or went out; `status` is pending, settled, refused, cancelled or immediate.

    An immediate one has its event's journal number as its id. `ended_at_ns` is 0 while pending.
    """

    withdrawal_id: int
    requested_at_ns: int
    account_id: int
    asset: str
    amount_atoms: int
    reference: str
    status: str
    ended_at_ns: int
    ended_n: int
    updated_sequence: int


class RejectionRow(NamedTuple):
    """A definite no to an account."""

    sequence: int
    at_ns: int
    n: int
    account_id: int
    code: str
    field: str
    market: str
    order_id: int
    client_order_id: str


class VenueEventRow(NamedTuple):
    """What an operator or time did to the venue, a market or an account.

    `kind` is the event's; `market` is "" and `account_id` 0 where it is about none; `details` is
    the event as JSON.
    """

    sequence: int
    at_ns: int
    n: int
    kind: str
    market: str
    account_id: int
    details: str


class MarketRow(NamedTuple):
    """A market as it is now; `rules` is JSON."""

    market: str
    base: str
    quote: str
    price_scale: int
    price_tick: int
    lot_atoms: int
    atoms_per_tick_lot: int
    fee_asset: str
    rules: str
    created_at_ns: int


class AssetRow(NamedTuple):
    asset: str
    scale: int
    created_at_ns: int


class CandleRow(NamedTuple):
    """The trades of one market in [open_at_ns, open_at_ns + interval): never one without trades.

    `taker_buy_lots` and `taker_buy_quote_atoms` are of trades whose taker bought. The two trade ids
    are the first and the last.
    """

    market: str
    interval_s: int
    open_at_ns: int
    open_ticks: int
    high_ticks: int
    low_ticks: int
    close_ticks: int
    volume_lots: int
    quote_atoms: int
    trades: int
    taker_buy_lots: int
    taker_buy_quote_atoms: int
    first_trade_id: int
    last_trade_id: int


class CursorRow(NamedTuple):
    """How far the history is: written in the transaction of the rows that it stands for.

    `batch_digest` is the hash of the batch that ends with `sequence`, by which another venue, or
    another time of this one, is told apart.
    """

    sequence: int
    n: int
    at_ns: int
    batch_digest: str

"""What the venue is made of, as the engine keeps it and everybody else reads it.

The rule of this file: a row says what is now. Integers only: `price_ticks`, `quantity_lots`, and
`_atoms` for amounts of an asset (see `Market`).
"""

from msgspec import Struct

from shared.messages.words import (
    FeeAsset,
    MarketStatus,
    OrderStatus,
    OrderType,
    SelfTrade,
    Side,
    StatusReason,
    TimeInForce,
)

VENUE_ACCOUNT_ID = 0  # The account of the venue itself: it sends the operator's commands.
NO_ORDER_ID = 2**53 - 1  # Names no order, ever: they count from 1. Exact in any JSON.
FILLS_IN_RESULT_MAX = 1_000  # Keeps the stored answer to one command below about 64 KiB.


class Message(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """A frozen message; it travels as a msgpack array, so a new field goes last, with a default."""


class Asset(Message, frozen=True):
    """An asset; one unit of it is 10**scale atoms."""

    asset: str
    scale: int


class FeeTier(Message, frozen=True):
    """What an account of this tier pays, in ppm of the trade; a negative maker fee is a rebate."""

    maker_fee_ppm: int
    taker_fee_ppm: int


class MarketRules(Message, frozen=True):
    """What an operator may change of a market while orders rest; 0 switches a limit off.

    - `tiers[k]` are the fees of accounts of tier k + 1 (a higher tier than there is pays the last);
      the two fees before it are those of tier 0.
    - Prices of new orders are multiples of `price_step_ticks`, quantities of `quantity_step_lots`.
    - A buy's price may differ from the anchor by `buy_band_ppm` of it at most, a sell's by
      `sell_band_ppm`. The anchor is the last trade's price, before the first trade
      `reference_price_ticks`; without both there is no band.
    - `open_orders_max` counts an account's open and pending orders in this market.
    - A move of more than `halt_move_ppm` within `halt_window_ns` halts the market for `halt_ns`;
      then it is post-only for `reopen_ns`.
    """

    maker_fee_ppm: int = 0
    taker_fee_ppm: int = 0
    tiers: tuple[FeeTier, ...] = ()
    self_trade: SelfTrade = SelfTrade.ALLOW
    price_step_ticks: int = 1
    quantity_step_lots: int = 1
    quantity_min_lots: int = 1
    quantity_max_lots: int = 0
    notional_min_atoms: int = 0
    buy_band_ppm: int = 0
    sell_band_ppm: int = 0
    reference_price_ticks: int = 0
    open_orders_max: int = 0
    halt_move_ppm: int = 0
    halt_window_ns: int = 60_000_000_000
    halt_ns: int = 60_000_000_000
    reopen_ns: int = 60_000_000_000


class Market(Message, frozen=True):
    """A market BASE_QUOTE.

    One tick is price_tick * 10**-price_scale quote units for one base unit; one lot is lot_atoms of
    base. `quote atoms = price_ticks * quantity_lots * atoms_per_tick_lot`, exactly. All but the
    rules stays as it was created.
    """

    market: str
    base: str
    quote: str
    price_scale: int
    price_tick: int
    lot_atoms: int
    atoms_per_tick_lot: int
    fee_asset: FeeAsset
    rules: MarketRules = MarketRules()


class OrderTerms(Struct, array_like=True, gc=False):
    """What only a special order has; 0 where it has none of it.

    `stop_price_ticks` of a trailing stop moves with `watermark_ticks`, the best price seen for it;
    its distance is `trail_ticks`, or `trail_ppm` of the watermark, rounded up. `display_lots` is
    how much of an iceberg is shown at a time. `peer_order_id` is the other order of an OCO pair;
    `child_order_id` is the order that a full fill triggers, `parent_order_id` the one it waits for.
    """

    stop_price_ticks: int = 0
    trail_ticks: int = 0
    trail_ppm: int = 0
    watermark_ticks: int = 0
    display_lots: int = 0
    peer_order_id: int = 0
    child_order_id: int = 0
    parent_order_id: int = 0


class Order(Struct, array_like=True, gc=False):
    """An order as it stands. The engine owns the only living copy; all others are pictures of it.

    `price_ticks` is 0 for a market order, `quantity_lots` is 0 for one by quote budget, and
    `budget_atoms` is 0 for all others. `held_atoms` is what this order still holds: quote for a
    buy, base for a sell. `fee_atoms` is the sum so far (negative: rebates), in quote atoms, or in
    the asset received, as the market says. `rank` is its place in time at its price: the sequence
    of the event that put it there. `open_lots` is what of it the book shows, 0 outside the book.
    The fees are those of its entry. `expires_at_ns` is 0 for an order that no time ends, `terms`
    None for a plain one.
    """

    order_id: int
    account_id: int
    client_order_id: str
    market: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    price_ticks: int
    quantity_lots: int
    budget_atoms: int
    filled_lots: int
    filled_quote_atoms: int
    fee_atoms: int
    held_atoms: int
    status: OrderStatus
    rank: int
    placed_at_ns: int
    updated_at_ns: int
    open_lots: int = 0
    maker_fee_ppm: int = 0
    taker_fee_ppm: int = 0
    self_trade: SelfTrade = SelfTrade.ALLOW
    post_only: bool = False
    expires_at_ns: int = 0
    terms: OrderTerms | None = None


class PriceRange(Message, frozen=True):
    """The lowest and highest trade price in one slice of time that began at `began_at_ns`."""

    began_at_ns: int
    low_ticks: int
    high_ticks: int


class MarketState(Message, frozen=True):
    """What moves in a market besides its orders; zero where there was no trade yet.

    `status_until_ns` is when the status changes by itself, 0 if it does not. `recent_prices` are
    the slices of the volatility window, oldest first.
    """

    market: str
    depth_sequence: int
    last_trade_id: int
    last_price_ticks: int
    status: MarketStatus = MarketStatus.OPEN
    status_reason: StatusReason = StatusReason.OPERATOR
    status_until_ns: int = 0
    recent_prices: tuple[PriceRange, ...] = ()


class AccountRow(Message, frozen=True):
    """An account besides its money: the number of its last private event, its fee tier, and
    whether it may trade. `cancel_at_ns` is when its cancel timer runs out, 0 for none.
    """

    account_sequence: int
    tier: int = 0
    is_suspended: bool = False
    cancel_at_ns: int = 0


class Withdrawal(Message, frozen=True):
    """A withdrawal that is asked for and not decided: its amount is part of the account's held.

    `withdrawal_id` is the number of its request in the journal, which no other one can have.
    """

    withdrawal_id: int
    account_id: int
    asset: str
    amount_atoms: int
    reference: str
    requested_at_ns: int


class Totals(Message, frozen=True):
    """What entered, left, and was earned in one asset, in atoms since the beginning.

    Always: sum of available + held over all accounts, plus fees, is deposits - withdrawals. A
    withdrawal counts when it has left: while it is pending it is held. Fees that were paid out to
    an account are no fees any more.
    """

    asset: str
    deposits_atoms: int
    withdrawals_atoms: int
    fees_atoms: int

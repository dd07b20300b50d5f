"""Events: past facts, final, numbered.

The rule of this file: a closed set; an event that is not in `Event` does not exist. The events of
one journal entry travel together, as `Applied`.
"""

from shared.messages.rows import Asset, Market, Message
from shared.messages.words import (
    AmendReason,
    CancelReason,
    ExpiryReason,
    MarketStatus,
    OrderStatus,
    OrderType,
    Reject,
    ReturnReason,
    SelfTrade,
    Side,
    StatusReason,
    TimeInForce,
)


class BalanceChange(Message, frozen=True):
    """One asset of one account: what changed, and what it is now; the event around it is the
    cause.
    """

    asset: str
    available_change: int
    held_change: int
    available: int
    held: int


class _Event(Message, tag_field="kind", frozen=True):
    sequence: int


class _AccountEvent(_Event, frozen=True):
    account_id: int
    account_sequence: int


class AssetCreated(_Event, tag="asset_created", frozen=True):
    asset: Asset


class MarketCreated(_Event, tag="market_created", frozen=True):
    market: Market


class MarketUpdated(_Event, tag="market_updated", frozen=True):
    market: Market


class MarketStatusChanged(_Event, tag="market_status_changed", frozen=True):
    """`until_ns` is when it changes again by itself, 0 if it does not."""

    market: str
    status: MarketStatus
    reason: StatusReason
    until_ns: int


class TimePassed(_Event, tag="time_passed", frozen=True):
    """The answer to a tick; what was due stands before it."""


class FundsDeposited(_AccountEvent, tag="funds_deposited", frozen=True):
    change: BalanceChange
    reference: str


class FundsWithdrawn(_AccountEvent, tag="funds_withdrawn", frozen=True):
    change: BalanceChange
    reference: str


class FundsTransferred(_AccountEvent, tag="funds_transferred", frozen=True):
    """One side of a transfer: the giver's (a negative change) comes first, then the receiver's."""

    change: BalanceChange
    counterparty_account_id: int
    reference: str


class WithdrawalRequested(_AccountEvent, tag="withdrawal_requested", frozen=True):
    """The amount is held, until it is settled or returned."""

    change: BalanceChange
    withdrawal_id: int
    reference: str


class WithdrawalSettled(_AccountEvent, tag="withdrawal_settled", frozen=True):
    """What was held has left the venue. `requested_at_ns` is when the withdrawal was asked for."""

    change: BalanceChange
    withdrawal_id: int
    reference: str
    requested_at_ns: int


class WithdrawalReturned(_AccountEvent, tag="withdrawal_returned", frozen=True):
    """What was held is available again. `requested_at_ns` is when the withdrawal was asked for."""

    change: BalanceChange
    withdrawal_id: int
    reference: str
    reason: ReturnReason
    requested_at_ns: int


class FeesPaidOut(_AccountEvent, tag="fees_paid_out", frozen=True):
    """Fees that the venue had earned are available to this account now."""

    change: BalanceChange
    reference: str


class AccountUpdated(_AccountEvent, tag="account_updated", frozen=True):
    """The operator changed what the account may do or pays."""

    tier: int
    is_suspended: bool


class CancelTimerSet(_AccountEvent, tag="cancel_timer_set", frozen=True):
    """`cancel_at_ns` is when all orders are cancelled, 0: the timer is off."""

    cancel_at_ns: int


class OrdersCancelled(_AccountEvent, tag="orders_cancelled", frozen=True):
    """Several orders were cancelled at once: `count` cancellations follow."""

    market: str
    side: Side | None
    reason: CancelReason
    count: int


class _OrderEvent(_AccountEvent, frozen=True):
    order_id: int
    client_order_id: str
    market: str


class OrderAccepted(_OrderEvent, tag="order_accepted", frozen=True):
    """`status` is pending for an order that waits outside the book; the rest is as it was asked,
    with the market's default filled in. See `Order` and `OrderTerms` for the fields.
    """

    side: Side
    type: OrderType
    time_in_force: TimeInForce
    price_ticks: int
    quantity_lots: int
    budget_atoms: int
    hold: BalanceChange
    status: OrderStatus = OrderStatus.OPEN
    post_only: bool = False
    expires_at_ns: int = 0
    display_lots: int = 0
    stop_price_ticks: int = 0
    trail_ticks: int = 0
    trail_ppm: int = 0
    peer_order_id: int = 0
    parent_order_id: int = 0
    self_trade: SelfTrade = SelfTrade.ALLOW


class OrderTriggered(_OrderEvent, tag="order_triggered", frozen=True):
    """A pending order is now at work: `stop_price_ticks` was reached, or (0) its parent is filled.
    What it holds from now on has changed by `hold`.
    """

    stop_price_ticks: int
    hold: BalanceChange


class Fill(Message, frozen=True):
    """One side of a trade. Quantities are after the trade; `filled_lots` counts from the first
    fill.

    `fee_atoms` is of this trade (negative: a rebate), in quote, or in the asset received, as the
    market says. `remaining_lots` is 0 for an order by quote budget.
    """

    account_id: int
    account_sequence: int
    order_id: int
    client_order_id: str
    filled_lots: int
    remaining_lots: int
    status: OrderStatus
    fee_atoms: int
    base: BalanceChange
    quote: BalanceChange


class TradeExecuted(_Event, tag="trade_executed", frozen=True):
    """A trade at the maker's price; `trade_id` counts 1, 2, 3 in each market."""

    market: str
    trade_id: int
    price_ticks: int
    quantity_lots: int
    quote_atoms: int
    taker_side: Side
    maker: Fill
    taker: Fill


class OrderCancelled(_OrderEvent, tag="order_cancelled", frozen=True):
    filled_lots: int
    remaining_lots: int
    release: BalanceChange
    reason: CancelReason = CancelReason.REQUESTED


class OrderExpired(_OrderEvent, tag="order_expired", frozen=True):
    filled_lots: int
    remaining_lots: int
    release: BalanceChange
    reason: ExpiryReason


class OrderAmended(_OrderEvent, tag="order_amended", frozen=True):
    """The order as it is now; what it holds has changed by `hold`. Its trades, if its new price
    makes any, follow.
    """

    quantity_lots: int
    filled_lots: int
    remaining_lots: int
    hold: BalanceChange
    price_ticks: int = 0
    stop_price_ticks: int = 0
    reason: AmendReason = AmendReason.REQUESTED


class DepthChanged(_Event, tag="depth_changed", frozen=True):
    """The levels that a command changed: (price_ticks, absolute lots), 0 removes the level.

    `market_sequence` counts 1, 2, 3 in each market, so a reader sees a gap.
    """

    market: str
    market_sequence: int
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]


class Rejected(_AccountEvent, tag="rejected", frozen=True):
    """A definite no that changed nothing. `field` names the command's field at fault, or is ""."""

    code: Reject
    field: str
    market: str = ""
    order_id: int = 0
    client_order_id: str = ""


class OrderTested(_Event, tag="order_tested", frozen=True):
    """The answer to a test of an order that would be accepted: what it would hold.

    Nothing changes by it, so it is no private event of the account and counts none.
    """

    account_id: int
    hold_asset: str
    hold_atoms: int


class CommandReplayed(_Event, tag="command_replayed", frozen=True):
    """The same command was journalled before, as entry `original_n`; its first answer stands."""

    account_id: int
    original_n: int


class UnreadableCommand(_Event, tag="unreadable_command", frozen=True):
    """Journal entry `n` could not be decoded; its bytes are kept aside."""

    n: int


class CommandSkipped(_Event, tag="command_skipped", frozen=True):
    """Journal entry `n` was passed over by the operator's order."""

    n: int


Event = (
    AssetCreated | MarketCreated | MarketUpdated | MarketStatusChanged | TimePassed
    | FundsDeposited | FundsWithdrawn | FundsTransferred
    | WithdrawalRequested | WithdrawalSettled | WithdrawalReturned | FeesPaidOut
    | AccountUpdated | CancelTimerSet | OrdersCancelled
    | OrderAccepted | OrderTriggered | TradeExecuted | OrderCancelled | OrderExpired | OrderAmended
    | DepthChanged | OrderTested | Rejected | CommandReplayed | UnreadableCommand | CommandSkipped
)  # fmt: skip


class Applied(Message, frozen=True):
    """All events of journal entry `n`, at journal time `at_ns` (Unix nanoseconds)."""

    n: int
    at_ns: int
    events: tuple[Event, ...]

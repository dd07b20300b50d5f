"""What the owner of an account is told: a snapshot, then every change, in the order of `sequence`.

The rule of this file: nothing here is ever conflated, left out or said twice.
"""

from typing import Literal

from msgspec import Struct, field

from shared.feed.words import Message, Reason, Side


class Balance(Struct, frozen=True, gc=False):
    """What the account has of an asset: `available` and `held` together."""

    asset: str
    available: str
    held: str


class OpenOrder(Struct, frozen=True, kw_only=True, gc=False):
    """An order as the gateway shows it too: one shape, wherever it appears."""

    order_id: int
    client_order_id: str
    market: str
    side: Side
    type: str
    time_in_force: str
    status: str
    price: str | None
    quantity: str | None
    quote_quantity: str | None
    filled_quantity: str
    remaining_quantity: str | None
    filled_quote: str
    fee: str
    fee_asset: str
    placed_at_ns: int
    updated_at_ns: int
    stop_price: str | None
    trail: str | None
    trail_ppm: int | None
    display_quantity: str | None
    expires_at_ns: int | None
    post_only: bool
    self_trade: str
    peer_order_id: int | None
    parent_order_id: int | None
    child_order_id: int | None


class PendingWithdrawal(Struct, frozen=True, gc=False):
    """A withdrawal that is asked for and not decided: `amount` is part of what is held."""

    withdrawal_id: int
    asset: str
    amount: str
    reference: str
    requested_at_ns: int


class AccountSnapshot(Message, frozen=True, tag="snapshot"):
    """All balances, open and pending orders: discard what was known before.

    `cancel_at_ns` is when the cancel timer runs out. `pending_withdrawals` is left out where there
    are none.
    """

    account_id: int
    sequence: int
    balances: list[Balance]
    open_orders: list[OpenOrder]
    reason: Reason = ""
    tier: int = 0
    is_suspended: bool = False
    cancel_at_ns: int = 0
    pending_withdrawals: list[PendingWithdrawal] = field(default_factory=list)


class _AccountUpdate(Message, frozen=True):
    """`sequence` counts 1, 2, 3 in each account; `balances` are those changed, as they are."""

    sequence: int
    at_ns: int
    balances: list[Balance]


class _OrderUpdate(_AccountUpdate, frozen=True):
    order_id: int
    client_order_id: str
    market: str


class Accepted(_OrderUpdate, frozen=True, tag="accepted"):
    """An order is at work, or waits for its trigger.

    `price` is null where there is none, `quantity` for an order by `quote_quantity`. What else
    it does not have is left out. `status` is "pending" for one that waits for its trigger;
    `fee_asset` is in what its fees will be.
    """

    side: Side
    order_type: str
    time_in_force: str
    price: str | None
    quantity: str | None
    quote_quantity: str | None
    status: str = "open"
    stop_price: str | None = None
    trail: str | None = None
    trail_ppm: int | None = None
    display_quantity: str | None = None
    expires_at_ns: int = 0
    post_only: bool = False
    peer_order_id: int = 0
    parent_order_id: int = 0
    self_trade: str = "allow"
    fee_asset: str = ""


class Triggered(_OrderUpdate, frozen=True, tag="triggered"):
    """A pending order is at work now: `stop_price` was reached, or (left out) its parent filled."""

    stop_price: str | None = None


class _Filled(_OrderUpdate, frozen=True):
    trade_id: int
    side: Side
    role: Literal["maker", "taker"]
    last_price: str
    last_quantity: str
    filled_quantity: str
    remaining_quantity: str
    fee: str
    fee_asset: str


class PartiallyFilled(_Filled, frozen=True, tag="partially_filled"):
    """A trade after which something of the order remains.

    `fee` is of this trade; a rebate is negative. `remaining_quantity` is "0" for an order by quote
    budget.
    """


class Filled(_Filled, frozen=True, tag="filled"):
    """The last trade of the order, which is over."""


class _Ended(_OrderUpdate, frozen=True):
    filled_quantity: str
    remaining_quantity: str


class Cancelled(_Ended, frozen=True, tag="cancelled"):
    """The order was ended by somebody; `remaining_quantity` is what was cancelled."""

    reason: str


class Expired(_Ended, frozen=True, tag="expired"):
    """The order was ended by the rule in `reason`; `remaining_quantity` found no other side."""

    reason: str


class Amended(_Ended, frozen=True, tag="amended"):
    """The order as it is now; `price` and `stop_price` are left out where there is none."""

    quantity: str
    reason: str
    price: str | None = None
    stop_price: str | None = None


class Rejected(_AccountUpdate, frozen=True, tag="rejected"):
    """A definite no that changed nothing; the fields that the request did not name are left out."""

    code: str
    field: str = ""
    market: str = ""
    order_id: int = 0
    client_order_id: str = ""


class _Funds(_AccountUpdate, frozen=True):
    asset: str
    amount: str
    reference: str


class Deposited(_Funds, frozen=True, tag="deposited"):
    """Money came to the venue."""


class Withdrawn(_Funds, frozen=True, tag="withdrawn"):
    """Money has left the venue, at once."""


class Transferred(_Funds, frozen=True, tag="transferred"):
    """Money came from another account, or went there."""

    direction: Literal["in", "out"]
    counterparty_account_id: int


class FeesPaidOut(_Funds, frozen=True, tag="fees_paid_out"):
    """Fees that the venue has earned came to this account."""


class _Withdrawal(_Funds, frozen=True):
    withdrawal_id: int


class WithdrawalRequested(_Withdrawal, frozen=True, tag="withdrawal_requested"):
    """The amount is held until the withdrawal is settled or returned."""


class WithdrawalSettled(_Withdrawal, frozen=True, tag="withdrawal_settled"):
    """What was held has left the venue."""


class WithdrawalReturned(_Withdrawal, frozen=True, tag="withdrawal_returned"):
    """What was held is available again; `reason` says who wanted that."""

    reason: str


class OrdersCancelled(_AccountUpdate, frozen=True, tag="orders_cancelled"):
    """Several orders were cancelled at once: `count` cancellations follow. `market` and `side` are
    left out where all were meant.
    """

    count: int
    reason: str
    market: str = ""
    side: Side | None = None


class CancelTimerSet(_AccountUpdate, frozen=True, tag="cancel_timer_set"):
    """All orders are cancelled at `cancel_at_ns`; 0 when the timer is off."""

    cancel_at_ns: int


class AccountUpdated(_AccountUpdate, frozen=True, tag="account_updated"):
    """The operator changed the fee tier, or suspended the account or lifted that."""

    tier: int
    is_suspended: bool


AccountUpdate = (
    Accepted | Triggered | PartiallyFilled | Filled | Cancelled | Expired | Amended | Rejected
    | Deposited | Withdrawn | Transferred | FeesPaidOut
    | WithdrawalRequested | WithdrawalSettled | WithdrawalReturned
    | OrdersCancelled | CancelTimerSet | AccountUpdated
)  # fmt: skip

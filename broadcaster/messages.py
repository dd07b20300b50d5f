"""What the broadcaster and its clients say to each other, as JSON text frames.

The rule of this file: it is the whole contract. A client sends one of `Op`; it receives `Answer`s,
each with the `id` it sent, and `Update`s of the channels it subscribed. Prices and quantities are
decimal text; only ids, sequences and times are numbers. A field that has a default is left out when
it has that value.
"""

from typing import Literal

from msgspec import Struct

ID_LENGTH_MAX = 128  # An id is echoed, so it is no place to store things.

Level = tuple[str, str]  # price, absolute quantity; "0" removes the level.
OpId = str | int | float | bool | None
Side = Literal["buy", "sell"]
Reason = Literal["", "lagged", "resync"]

# ---- from the client ----


class _Op(Struct, frozen=True, tag_field="op", forbid_unknown_fields=True, kw_only=True):
    id: OpId = None


class Subscribe(_Op, frozen=True, tag="subscribe"):
    """All of the channels, or an error and none; one already subscribed stays as it is."""

    channels: list[str]


class Unsubscribe(_Op, frozen=True, tag="unsubscribe"):
    """A channel that is not subscribed is passed over."""

    channels: list[str]


class ListChannels(_Op, frozen=True, tag="list"):
    """Ask which channels are subscribed and which there are."""


class Auth(_Op, frozen=True, tag="auth"):
    """Show an access token; again before it expires, to stay."""

    token: str


class Ping(_Op, frozen=True, tag="ping"):
    """Ask for a pong."""


Op = Subscribe | Unsubscribe | ListChannels | Auth | Ping

# ---- answers ----


class _Answer(Struct, frozen=True, tag_field="op"):
    id: OpId


class Subscribed(_Answer, frozen=True, tag="subscribed"):
    channels: list[str]


class Unsubscribed(_Answer, frozen=True, tag="unsubscribed"):
    channels: list[str]


class Listed(_Answer, frozen=True, tag="list"):
    """`subscribed` by this connection, and `available` to anybody (`account` after `auth`)."""

    subscribed: list[str]
    available: list[str]


class Authenticated(_Answer, frozen=True, tag="authenticated"):
    """The connection speaks for `account_id` until `expires_at_s` (Unix), then it is closed."""

    account_id: int
    expires_at_s: int


class Pong(_Answer, frozen=True, tag="pong"):
    at_ns: int


class Error(_Answer, frozen=True, tag="error"):
    """The message with this `id` had no effect. `field` names what was at fault, or is ""."""

    code: str
    message: str
    field: str = ""


Answer = Subscribed | Unsubscribed | Listed | Authenticated | Pong | Error

# ---- updates: depth:<market> ----


class _Update(Struct, frozen=True, tag_field="type", omit_defaults=True, kw_only=True, gc=False):
    channel: str


class DepthSnapshot(_Update, frozen=True, tag="snapshot"):
    """The whole book, best level first: discard what was known before.

    `reason` is left out for the first one after `subscribe`; "resync" when the server itself lost
    its place, "lagged" when this client read too slowly (then `lagged` is true).
    """

    market: str
    sequence: int
    at_ns: int
    bids: list[Level]
    asks: list[Level]
    reason: Reason = ""
    lagged: bool = False


class DepthDelta(_Update, frozen=True, tag="delta"):
    """What changed from `first_sequence` - 1 to `last_sequence`, best level first.

    `first_sequence` is the last one known, plus 1; anything else is a gap.
    """

    market: str
    first_sequence: int
    last_sequence: int
    at_ns: int
    bids: list[Level]
    asks: list[Level]


# ---- updates: trades:<market> ----


class Trade(_Update, frozen=True, tag="trade"):
    """A trade; `trade_id` counts 1, 2, 3 in each market, `side` is the taker's."""

    market: str
    trade_id: int
    price: str
    quantity: str
    side: Side
    at_ns: int


class RecentTrade(Struct, frozen=True, gc=False):
    trade_id: int
    price: str
    quantity: str
    side: Side
    at_ns: int


class TradesSnapshot(_Update, frozen=True, tag="snapshot"):
    """The latest trades, newest first; the next trade has `last_trade_id` + 1."""

    market: str
    last_trade_id: int
    trades: list[RecentTrade]
    reason: Reason = ""


# ---- updates: account ----


class Balance(Struct, frozen=True, gc=False):
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


class AccountSnapshot(_Update, frozen=True, tag="snapshot"):
    """All balances, open and pending orders: discard what was known before.

    `cancel_at_ns` is when the cancel timer runs out.
    """

    account_id: int
    sequence: int
    balances: list[Balance]
    open_orders: list[OpenOrder]
    reason: Reason = ""
    tier: int = 0
    is_suspended: bool = False
    cancel_at_ns: int = 0


class _AccountUpdate(_Update, frozen=True):
    """`sequence` counts 1, 2, 3 in each account; `balances` are those changed, as they are."""

    sequence: int
    at_ns: int
    balances: list[Balance]


class _OrderUpdate(_AccountUpdate, frozen=True):
    order_id: int
    client_order_id: str
    market: str


class Accepted(_OrderUpdate, frozen=True, tag="accepted"):
    """`price` is null where there is none, `quantity` for an order by `quote_quantity`. What else
    it does not have is left out. `status` is "pending" for one that waits for its trigger.
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


class Triggered(_OrderUpdate, frozen=True, tag="triggered"):
    """A pending order is at work now: `stop_price` was reached, or (left out) its parent filled."""

    stop_price: str | None = None


class _Filled(_OrderUpdate, frozen=True):
    """One trade of the order. `fee` is of this trade; a rebate is negative.

    `remaining_quantity` is "0" for an order by quote budget.
    """

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
    pass


class Filled(_Filled, frozen=True, tag="filled"):
    pass


class _Ended(_OrderUpdate, frozen=True):
    filled_quantity: str
    remaining_quantity: str


class Cancelled(_Ended, frozen=True, tag="cancelled"):
    """`remaining_quantity` is what was cancelled."""

    reason: str


class Expired(_Ended, frozen=True, tag="expired"):
    """`remaining_quantity` found no other side; `reason` is the rule that ended the order."""

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
    pass


class Withdrawn(_Funds, frozen=True, tag="withdrawn"):
    pass


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

Update = DepthSnapshot | DepthDelta | Trade | TradesSnapshot | AccountSnapshot | AccountUpdate

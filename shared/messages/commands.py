"""Commands: imperatives and wishes, which the engine carries out or refuses.

The rule of this file: a closed set; a command that is not in `Command` does not exist. What a
field means for orders is told in docs/ORDERS.md.
"""

from shared.messages.rows import VENUE_ACCOUNT_ID, MarketRules, Message
from shared.messages.words import (
    FeeAsset,
    MarketStatus,
    OrderType,
    SelfTrade,
    Side,
    TimeInForce,
)


class _Command(Message, tag_field="kind", kw_only=True, frozen=True):
    """`idempotency_key` has one effect within the window; "" asks for no such memory."""

    account_id: int = VENUE_ACCOUNT_ID
    idempotency_key: str = ""


# ---- of the venue: `account_id` is VENUE_ACCOUNT_ID ----


class CreateAsset(_Command, tag="create_asset", kw_only=True, frozen=True):
    asset: str
    scale: int


class CreateMarket(_Command, tag="create_market", kw_only=True, frozen=True):
    """What is chosen of a `Market`; the engine derives the rest and refuses a bad grid."""

    market: str
    base: str
    quote: str
    price_scale: int
    price_tick: int
    lot_atoms: int
    fee_asset: FeeAsset = FeeAsset.RECEIVED
    rules: MarketRules = MarketRules()


class UpdateMarket(_Command, tag="update_market", kw_only=True, frozen=True):
    """New rules for new orders; what rests keeps its terms and its fees.

    `fields` names those of `rules` that are meant, and all others stay as they are; () means all.
    So of two operators who change different rules at the same time none undoes the other's.
    """

    market: str
    rules: MarketRules
    fields: tuple[str, ...] = ()


class SetMarketStatus(_Command, tag="set_market_status", kw_only=True, frozen=True):
    """Open, restrict, halt or close a market; closing cancels what rests."""

    market: str
    status: MarketStatus


class SetAccountTier(_Command, tag="set_account_tier", kw_only=True, frozen=True):
    target_account_id: int
    tier: int


class SuspendAccount(_Command, tag="suspend_account", kw_only=True, frozen=True):
    """The kill switch: a suspended account may only cancel. Its orders are cancelled if asked."""

    target_account_id: int
    is_suspended: bool
    cancel_orders: bool = True


class ResolveWithdrawal(_Command, tag="resolve_withdrawal", kw_only=True, frozen=True):
    """The end of a pending withdrawal: the money has left the venue, or (False) it goes back."""

    withdrawal_id: int
    is_settled: bool


class PayOutFees(_Command, tag="pay_out_fees", kw_only=True, frozen=True):
    """Give of the fees that the venue has earned to an account."""

    asset: str
    amount_atoms: int
    to_account_id: int
    reference: str = ""


class SkipCommand(_Command, tag="skip_command", kw_only=True, frozen=True):
    """The operator's order to pass over journal entry `skip_n`, written after it in the journal."""

    skip_n: int


class Tick(_Command, tag="tick", kw_only=True, frozen=True):
    """Time passes: what is due at the entry's time happens, as before every other command."""


# ---- of an account ----


class Deposit(_Command, tag="deposit", kw_only=True, frozen=True):
    asset: str
    amount_atoms: int
    reference: str = ""


class Withdraw(_Command, tag="withdraw", kw_only=True, frozen=True):
    """Take out of the available balance at once; `RequestWithdrawal` asks first."""

    asset: str
    amount_atoms: int
    reference: str = ""


class RequestWithdrawal(_Command, tag="request_withdrawal", kw_only=True, frozen=True):
    """Hold an amount until it is settled, refused, or cancelled by its owner."""

    asset: str
    amount_atoms: int
    reference: str = ""


class CancelWithdrawal(_Command, tag="cancel_withdrawal", kw_only=True, frozen=True):
    """Take back one's own pending withdrawal; its id is the journal number of its request."""

    withdrawal_id: int


class Transfer(_Command, tag="transfer", kw_only=True, frozen=True):
    """Give of the available balance to another account."""

    to_account_id: int
    asset: str
    amount_atoms: int
    reference: str = ""


class PlaceOrder(_Command, tag="place_order", kw_only=True, frozen=True):
    """A limit order names price and quantity; a market order a quantity or a quote budget.

    A stop also names its stop price, a trailing one its distance instead. `self_trade` None is the
    market's default.
    """

    market: str
    side: Side
    type: OrderType = OrderType.LIMIT
    time_in_force: TimeInForce = TimeInForce.GTC
    price_ticks: int = 0
    quantity_lots: int = 0
    budget_atoms: int = 0
    client_order_id: str = ""
    post_only: bool = False
    self_trade: SelfTrade | None = None
    expires_at_ns: int = 0
    display_lots: int = 0
    stop_price_ticks: int = 0
    trail_ticks: int = 0
    trail_ppm: int = 0
    reject_if_met: bool = False


class TestOrder(_Command, tag="test_order", kw_only=True, frozen=True):
    """Ask what would become of an order now; nothing changes. Account and idempotency key of the
    order are not read.
    """

    __test__ = False  # It is no test case, whatever a test runner makes of its name.

    order: PlaceOrder


class PlaceOco(_Command, tag="place_oco", kw_only=True, frozen=True):
    """One cancels the other: a limit order, and a stop or stop-limit order of the same market, side
    and quantity. Account and idempotency key of the two orders are not read.
    """

    limit: PlaceOrder
    stop: PlaceOrder


class PlaceOto(_Command, tag="place_oto", kw_only=True, frozen=True):
    """One triggers the other: `child` is placed when `parent` is fully filled; both in one market.
    Account and idempotency key of the two orders are not read.
    """

    parent: PlaceOrder
    child: PlaceOrder


class CancelOrder(_Command, tag="cancel_order", kw_only=True, frozen=True):
    """Name the order by id, or (order_id 0) by the client's own id among the open orders."""

    order_id: int = 0
    client_order_id: str = ""


class CancelAll(_Command, tag="cancel_all", kw_only=True, frozen=True):
    """Cancel the account's orders: of one market or all (""), of one side or both (None)."""

    market: str = ""
    side: Side | None = None


class AmendOrder(_Command, tag="amend_order", kw_only=True, frozen=True):
    """`quantity_lots` is the new total, None as it is; a total at or below what is filled closes
    the order. `price_ticks` and `stop_price_ticks` are the new ones, 0 as they are.
    """

    order_id: int = 0
    client_order_id: str = ""
    quantity_lots: int | None = None
    price_ticks: int = 0
    stop_price_ticks: int = 0


class SetCancelTimer(_Command, tag="set_cancel_timer", kw_only=True, frozen=True):
    """The dead man's switch: all orders are cancelled after `timeout_ns` of journal time, unless
    it is set anew before; 0 takes it away.
    """

    timeout_ns: int


Command = (
    CreateAsset | CreateMarket | UpdateMarket | SetMarketStatus | SetAccountTier | SuspendAccount
    | ResolveWithdrawal | PayOutFees | SkipCommand | Tick
    | Deposit | Withdraw | RequestWithdrawal | CancelWithdrawal | Transfer
    | PlaceOrder | TestOrder | PlaceOco | PlaceOto
    | CancelOrder | CancelAll | AmendOrder | SetCancelTimer
)  # fmt: skip

"""What the services say to each other: commands in, events out, and the rows both speak of.

The rule of this file: a command is an imperative and a wish, an event is a past fact and final.
All of them are closed sets: a message that is not in `Command` or `Event` does not exist. They
travel as msgpack arrays (`shared.wire`), so a new field goes last and has a default. Integers only:
`price_ticks`, `quantity_lots`, and `_atoms` for amounts of an asset (see `Market`).
"""

from enum import StrEnum

from msgspec import Struct

VENUE_ACCOUNT_ID = 0  # The account of the venue itself: it sends the operator's commands.
NO_ORDER_ID = 2**53 - 1  # Names no order, ever: they count from 1. Exact in any JSON.
FILLS_IN_RESULT_MAX = 1_000  # Keeps the stored answer to one command below about 64 KiB.


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class OrderType(StrEnum):
    LIMIT = "limit"
    MARKET = "market"


class TimeInForce(StrEnum):
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"


class OrderStatus(StrEnum):
    OPEN = "open"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class FeeAsset(StrEnum):
    RECEIVED = "received"  # The buyer pays in base, the seller in quote.
    QUOTE = "quote"  # Both pay in quote, the buyer on top of the price.


class Reject(StrEnum):
    """Every rule that the engine can say no by; the names are part of the public contract."""

    IDEMPOTENCY_MISMATCH = "IDEMPOTENCY_MISMATCH"
    INVALID_COMMAND = "INVALID_COMMAND"
    INVALID_ACCOUNT = "INVALID_ACCOUNT"
    INVALID_ASSET = "INVALID_ASSET"
    INVALID_MARKET = "INVALID_MARKET"
    ASSET_EXISTS = "ASSET_EXISTS"
    MARKET_EXISTS = "MARKET_EXISTS"
    UNKNOWN_ASSET = "UNKNOWN_ASSET"
    UNKNOWN_MARKET = "UNKNOWN_MARKET"
    UNKNOWN_ORDER = "UNKNOWN_ORDER"
    INVALID_AMOUNT = "INVALID_AMOUNT"
    INVALID_PRICE = "INVALID_PRICE"
    INVALID_QUANTITY = "INVALID_QUANTITY"
    INVALID_BUDGET = "INVALID_BUDGET"
    INVALID_TIME_IN_FORCE = "INVALID_TIME_IN_FORCE"
    INVALID_CLIENT_ORDER_ID = "INVALID_CLIENT_ORDER_ID"
    DUPLICATE_CLIENT_ORDER_ID = "DUPLICATE_CLIENT_ORDER_ID"
    QUANTITY_NOT_LOWER = "QUANTITY_NOT_LOWER"
    AMOUNT_LIMIT = "AMOUNT_LIMIT"
    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
    COMMAND_SKIPPED = "COMMAND_SKIPPED"


class ExpiryReason(StrEnum):
    IOC_REMAINDER = "ioc_remainder"
    FOK_NOT_FILLABLE = "fok_not_fillable"
    MARKET_REMAINDER = "market_remainder"


class _Message(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    pass


class Asset(_Message, frozen=True):
    """An asset; one unit of it is 10**scale atoms."""

    asset: str
    scale: int


class Market(_Message, frozen=True):
    """A market BASE_QUOTE.

    One tick is price_tick * 10**-price_scale quote units for one base unit; one lot is lot_atoms of
    base. `quote atoms = price_ticks * quantity_lots * atoms_per_tick_lot`, exactly.
    """

    market: str
    base: str
    quote: str
    price_scale: int
    price_tick: int
    lot_atoms: int
    atoms_per_tick_lot: int
    fee_asset: FeeAsset
    maker_fee_ppm: int
    taker_fee_ppm: int


class Order(Struct, array_like=True, gc=False):
    """An order as it stands. The engine owns the only living copy; all others are pictures of it.

    `price_ticks` is 0 for a market order, `quantity_lots` is 0 for one by quote budget, and
    `budget_atoms` is 0 for all others. `held_atoms` is what this order still holds: quote for a
    buy, base for a sell. `fee_atoms` is the sum so far (negative: rebates), in quote atoms, or in
    the asset received, as the market says. `rank` is its place in time at its price.
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


class MarketState(_Message, frozen=True):
    """What moves in a market besides its orders; zero where there was no trade yet."""

    market: str
    depth_sequence: int
    last_trade_id: int
    last_price_ticks: int


class Totals(_Message, frozen=True):
    """What entered, left, and was earned in one asset, in atoms since the beginning.

    Always: sum of available + held over all accounts, plus fees, is deposits - withdrawals.
    """

    asset: str
    deposits_atoms: int
    withdrawals_atoms: int
    fees_atoms: int


class _Command(_Message, tag_field="kind", kw_only=True, frozen=True):
    """`idempotency_key` has one effect within the window; "" asks for no such memory."""

    account_id: int = VENUE_ACCOUNT_ID
    idempotency_key: str = ""


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
    maker_fee_ppm: int = 0
    taker_fee_ppm: int = 0


class Deposit(_Command, tag="deposit", kw_only=True, frozen=True):
    asset: str
    amount_atoms: int
    reference: str = ""


class Withdraw(_Command, tag="withdraw", kw_only=True, frozen=True):
    asset: str
    amount_atoms: int
    reference: str = ""


class PlaceOrder(_Command, tag="place_order", kw_only=True, frozen=True):
    """A limit order names price and quantity; a market order a quantity, or, to buy, a quote
    budget.
    """

    market: str
    side: Side
    type: OrderType = OrderType.LIMIT
    time_in_force: TimeInForce = TimeInForce.GTC
    price_ticks: int = 0
    quantity_lots: int = 0
    budget_atoms: int = 0
    client_order_id: str = ""


class CancelOrder(_Command, tag="cancel_order", kw_only=True, frozen=True):
    """Name the order by id, or (order_id 0) by the client's own id among the open orders."""

    order_id: int = 0
    client_order_id: str = ""


class AmendOrder(_Command, tag="amend_order", kw_only=True, frozen=True):
    """`quantity_lots` is the new total; a total at or below what is filled closes the order."""

    order_id: int = 0
    client_order_id: str = ""
    quantity_lots: int


class SkipCommand(_Command, tag="skip_command", kw_only=True, frozen=True):
    """The operator's order to pass over journal entry `skip_n`, written after it in the journal."""

    skip_n: int


Command = (
    CreateAsset | CreateMarket | Deposit | Withdraw
    | PlaceOrder | CancelOrder | AmendOrder | SkipCommand
)  # fmt: skip


class BalanceChange(_Message, frozen=True):
    """One asset of one account: what changed, and what it is now; the event around it is the
    cause.
    """

    asset: str
    available_change: int
    held_change: int
    available: int
    held: int


class _Event(_Message, tag_field="kind", frozen=True):
    sequence: int


class _AccountEvent(_Event, frozen=True):
    account_id: int
    account_sequence: int


class AssetCreated(_Event, tag="asset_created", frozen=True):
    asset: Asset


class MarketCreated(_Event, tag="market_created", frozen=True):
    market: Market


class FundsDeposited(_AccountEvent, tag="funds_deposited", frozen=True):
    change: BalanceChange
    reference: str


class FundsWithdrawn(_AccountEvent, tag="funds_withdrawn", frozen=True):
    change: BalanceChange
    reference: str


class _OrderEvent(_AccountEvent, frozen=True):
    order_id: int
    client_order_id: str
    market: str


class OrderAccepted(_OrderEvent, tag="order_accepted", frozen=True):
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    price_ticks: int
    quantity_lots: int
    budget_atoms: int
    hold: BalanceChange


class Fill(_Message, frozen=True):
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


class OrderExpired(_OrderEvent, tag="order_expired", frozen=True):
    filled_lots: int
    remaining_lots: int
    release: BalanceChange
    reason: ExpiryReason


class OrderAmended(_OrderEvent, tag="order_amended", frozen=True):
    quantity_lots: int
    filled_lots: int
    remaining_lots: int
    release: BalanceChange


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
    AssetCreated | MarketCreated | FundsDeposited | FundsWithdrawn
    | OrderAccepted | TradeExecuted | OrderCancelled | OrderExpired | OrderAmended
    | DepthChanged | Rejected | CommandReplayed | UnreadableCommand | CommandSkipped
)  # fmt: skip


class Applied(_Message, frozen=True):
    """All events of journal entry `n`, at journal time `at_ns` (Unix nanoseconds)."""

    n: int
    at_ns: int
    events: tuple[Event, ...]

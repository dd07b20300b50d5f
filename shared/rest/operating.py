"""What operators say to assets, markets, accounts and the venue, and what they are told.

The rule of this file: shapes only; prices, quantities and amounts are decimal text, fees and bands
parts per million. Every wish has its reason.
"""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from shared.money import PPM, SCALE_MAX
from shared.rest.account import BalanceView
from shared.rest.audit import Reason
from shared.rest.market_data import AssetView, MarketView
from shared.rest.texts import INTEGER_MAX, Amount

TIERS_MAX = 32
MARKETS_MAX = 100  # Changed by one request.

Name = Annotated[str, Meta(max_length=64)]
FeePpm = Annotated[int, Meta(ge=-PPM, le=PPM, description="Parts per million of the trade.")]
BandPpm = Annotated[int, Meta(ge=1, le=10 * PPM, description="Parts per million of the anchor.")]
Count = Annotated[int, Meta(ge=1, le=INTEGER_MAX)]
PeriodNs = Annotated[int, Meta(ge=0, le=INTEGER_MAX, description="Nanoseconds.")]


# ---- what was done ----


class CommandDone(Struct, frozen=True, kw_only=True):
    """An operator's command that is carried out, as journal entry `n`."""

    n: int
    sequence: int
    replayed: bool
    idempotency_key: str


# ---- assets and markets ----


class CreateAssetBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An asset; amounts of it have at most `scale` decimals, for ever."""

    asset: Annotated[Name, Meta(examples=["USDT"])]
    scale: Annotated[int, Meta(ge=0, le=SCALE_MAX, examples=[6])]
    reason: Reason


class AssetCreatedAnswer(CommandDone, frozen=True, kw_only=True):
    asset: AssetView


class FeeTierBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What accounts of this tier pay; a negative maker fee is a rebate."""

    maker_fee_ppm: FeePpm
    taker_fee_ppm: FeePpm


class RulesBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Rules of a market; those left out stay as they are. null switches a limit off.

    See docs/ORDERS.md for what each one does.
    """

    reason: Reason
    maker_fee_ppm: FeePpm | UnsetType = UNSET
    taker_fee_ppm: FeePpm | UnsetType = UNSET
    fee_tiers: Annotated[list[FeeTierBody], Meta(max_length=TIERS_MAX)] | UnsetType = UNSET
    self_trade: Annotated[Name, Meta(examples=["expire_taker"])] | UnsetType = UNSET
    price_step: Amount | UnsetType = UNSET
    quantity_step: Amount | UnsetType = UNSET
    min_quantity: Amount | UnsetType = UNSET
    max_quantity: Amount | UnsetType | None = UNSET
    min_notional: Amount | UnsetType | None = UNSET
    buy_band_ppm: BandPpm | UnsetType | None = UNSET
    sell_band_ppm: BandPpm | UnsetType | None = UNSET
    reference_price: Amount | UnsetType | None = UNSET
    open_orders_max: Count | UnsetType | None = UNSET
    halt_move_ppm: Count | UnsetType | None = UNSET
    halt_window_ns: PeriodNs | UnsetType = UNSET
    halt_ns: PeriodNs | UnsetType = UNSET
    reopen_ns: PeriodNs | UnsetType = UNSET


class UpdateMarketBody(RulesBody, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """New rules for new orders; what rests keeps its terms. Only the rules that are named change,
    so two operators who change different ones at the same time do not undo each other's work.
    """


class CreateMarketBody(RulesBody, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A market BASE_QUOTE: prices count in `price_tick`, quantities in `quantity_lot`, for ever.

    One lot at one tick must be worth a whole number of the quote asset's smallest unit.
    `fee_asset` is `received` (the buyer pays in base, the seller in quote) or `quote`.
    """

    base: Annotated[Name, Meta(examples=["TATA"])]
    quote: Annotated[Name, Meta(examples=["INR"])]
    price_tick: Annotated[Amount, Meta(examples=["0.05"])]
    quantity_lot: Annotated[Amount, Meta(examples=["1"])]
    fee_asset: Annotated[Name, Meta(examples=["received"])] = "received"


class AdminMarketView(MarketView, frozen=True, kw_only=True):
    """All of a market's rules, and the price of its last trade. A limit that it does not have is
    null. Bands are about the last price, before the first trade about `reference_price`. A move of
    more than `halt_move_ppm` within `halt_window_ns` halts it for `halt_ns`; then it is post-only
    for `reopen_ns`.
    """

    last_price: str | None
    reference_price: str | None
    halt_move_ppm: int | None
    halt_window_ns: int
    halt_ns: int
    reopen_ns: int


class AdminMarkets(Struct, frozen=True):
    """All markets, as they stood at `sequence`."""

    markets: list[AdminMarketView]
    sequence: int


class MarketAnswer(CommandDone, frozen=True, kw_only=True):
    """`market` is how it is now, or null when that cannot be read just now."""

    market: AdminMarketView | None


class MarketStatusBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """open; post_only; cancel_only; halted: the book stands still, also for cancels; closed: all
    its orders are cancelled. No status is for ever.
    """

    status: Annotated[Name, Meta(examples=["cancel_only"])]
    reason: Reason


class HaltAllBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Halt every market that is open, post-only or cancel-only."""

    reason: Reason


class ReopenBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Give these markets, such as those that a halt of all has named, a status again."""

    markets: Annotated[list[Name], Meta(min_length=1, max_length=MARKETS_MAX)]
    status: Annotated[Name, Meta(examples=["post_only"])] = "open"
    reason: Reason


class MarketOutcome(Struct, frozen=True):
    """What became of one market: `outcome` is done, ACCEPTED (it will be, once), or a code."""

    market: str
    outcome: str


class MarketOutcomes(Struct, frozen=True):
    """Each market that the request was about; each is carried out on its own."""

    markets: list[MarketOutcome]
    idempotency_key: str


# ---- the venue ----


class ReasonBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Why it is done."""

    reason: Reason


class VenueView(Struct, frozen=True):
    """How far the venue is; `halt` is why it is halted, null if it is not. `halted_n` is the
    journal entry that an engine has halted over, null if the halt is about none.
    """

    position: int
    sequence: int
    waiting: int
    engine_is_alive: bool
    halt: str | None
    halted_n: int | None


class VenueAnswer(Struct, frozen=True):
    """`changed` is false when the venue was halted, or not, before: the first reason stays."""

    changed: bool
    venue: VenueView | None


# ---- accounts ----


class OwnerView(Struct, frozen=True):
    """Whose account it is."""

    user_id: int
    username: str
    role: str


class AdminAccountView(Struct, frozen=True, kw_only=True):
    """An account; `owner` is null if no user has it. `cancel_at_ns` is when its cancel timer runs
    out, null if it has none.
    """

    account_id: int
    owner: OwnerView | None
    tier: int
    is_suspended: bool
    cancel_at_ns: int | None
    open_orders: int
    balances: dict[str, BalanceView]
    sequence: int


class TierBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The fee tier; a higher one than a market has pays as its last one does."""

    tier: Annotated[int, Meta(ge=0, le=TIERS_MAX)]
    reason: Reason


class SuspensionBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A suspended account may only cancel. Its orders are cancelled too, unless that is false."""

    is_suspended: bool
    cancel_orders: bool = True
    reason: Reason


class AccountAnswer(CommandDone, frozen=True, kw_only=True):
    """`account` is how it is now, or null when that cannot be read just now."""

    account: AdminAccountView | None

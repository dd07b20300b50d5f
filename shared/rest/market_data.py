"""What everybody may see of assets and markets.

The rule of this file: shapes only; amounts are decimal text.
"""

from msgspec import Struct

from shared.rest.texts import Level


class AssetView(Struct, frozen=True):
    """An asset; amounts of it have at most `scale` decimals."""

    asset: str
    scale: int


class FeeTierView(Struct, frozen=True):
    """The fees of one tier, in parts per million."""

    maker_fee_ppm: int
    taker_fee_ppm: int


class MarketView(Struct, frozen=True):
    """A market: prices count in `price_tick`, quantities in `quantity_lot`.

    Fees are parts per million; `fee_asset` is `received` (the buyer pays in base, the seller in
    quote) or `quote` (both in quote); `fee_tiers` are those of accounts of tier 1, 2, ... Prices of
    new orders are multiples of `price_step`, quantities of `quantity_step`. A limit that the market
    does not have is null; the bands are parts per million of the last price. `status` is open,
    post_only, cancel_only, halted or closed, and `status_until_ns` when it changes by itself.
    """

    market: str
    base: str
    quote: str
    price_tick: str
    quantity_lot: str
    fee_asset: str
    maker_fee_ppm: int
    taker_fee_ppm: int
    fee_tiers: list[FeeTierView]
    price_step: str
    quantity_step: str
    min_quantity: str
    max_quantity: str | None
    min_notional: str | None
    buy_band_ppm: int | None
    sell_band_ppm: int | None
    open_orders_max: int | None
    self_trade: str
    status: str
    status_reason: str
    status_until_ns: int | None


class Markets(Struct, frozen=True):
    """All markets."""

    markets: list[MarketView]


class Assets(Struct, frozen=True):
    """All assets."""

    assets: list[AssetView]


class Depth(Struct, frozen=True):
    """The best levels, best first. `sequence` is the market's own, as in its depth channel.

    Where levels are grouped, bids are at the next lower price of the step and asks at the next
    higher one, with all that is between.
    """

    market: str
    sequence: int
    bids: list[Level]
    asks: list[Level]


class TradeView(Struct, frozen=True):
    """A trade; `side` is the taker's."""

    trade_id: int
    price: str
    quantity: str
    side: str
    buyer_is_maker: bool
    at_ns: int


class Trades(Struct, frozen=True):
    """Recent trades, newest first. `next` is the `before` of the next page, null when the exchange
    keeps no older ones here.
    """

    market: str
    trades: list[TradeView]
    next: int | None


class Time(Struct, frozen=True):
    """The gateway's clock, as Unix time."""

    time_ms: int
    time_ns: int

"""A market as the engine runs it: its rules, its ladders and stops, and what moves in it.

The rule of this file: what follows from a market's rules alone is derived here once, never per
order. It says what is; what that means for an order is told by `rules`.
"""

from engine.core.book import Ladder
from engine.core.triggers import TriggerBook
from engine.core.volatility import VolatilityWindow
from shared.messages import (
    DepthChanged,
    FeeAsset,
    Market,
    MarketState,
    MarketStatus,
    Order,
    Side,
    StatusReason,
)
from shared.money import PPM

_BUY = Side.BUY


class LiveMarket:
    """A market, its books, its stops, and its counters."""

    __slots__ = (
        "_fees",
        "asks",
        "base",
        "bids",
        "buy_band_ppm",
        "depth_sequence",
        "fees_in_quote",
        "icebergs",
        "last_price_ticks",
        "last_trade_id",
        "lot_atoms",
        "market",
        "name",
        "notional_min_atoms",
        "open_orders_max",
        "price_step_ticks",
        "quantity_max_lots",
        "quantity_min_lots",
        "quantity_step_lots",
        "quote",
        "rate",
        "rules",
        "self_trade",
        "sell_band_ppm",
        "status",
        "status_reason",
        "status_until_ns",
        "touched",
        "triggers",
        "volatility",
    )

    def __init__(self, market: Market) -> None:
        self.name = market.market
        self.base = market.base
        self.quote = market.quote
        self.lot_atoms = market.lot_atoms
        self.rate = market.atoms_per_tick_lot
        self.fees_in_quote = market.fee_asset is FeeAsset.QUOTE
        self.bids: Ladder[Order] = Ladder(Side.BUY)
        self.asks: Ladder[Order] = Ladder(Side.SELL)
        self.triggers = TriggerBook()
        self.volatility = VolatilityWindow(market.rules)
        self.depth_sequence = self.last_trade_id = self.last_price_ticks = 0
        self.status = MarketStatus.OPEN
        self.status_reason = StatusReason.OPERATOR
        self.status_until_ns = 0
        self.icebergs = 0  # Living orders that hide a part of their quantity.
        self.touched = False
        self.update(market)

    def update(self, market: Market) -> None:
        """Go on by the rules of `market`, in which nothing else may differ from before."""
        rules = market.rules
        self.market = market
        self.rules = rules
        self._fees = (
            (rules.maker_fee_ppm, rules.taker_fee_ppm),
            *((tier.maker_fee_ppm, tier.taker_fee_ppm) for tier in rules.tiers),
        )
        self.self_trade = rules.self_trade
        self.price_step_ticks = rules.price_step_ticks
        self.quantity_step_lots = rules.quantity_step_lots
        self.quantity_min_lots = rules.quantity_min_lots
        self.quantity_max_lots = rules.quantity_max_lots
        self.notional_min_atoms = rules.notional_min_atoms
        self.buy_band_ppm = rules.buy_band_ppm
        self.sell_band_ppm = rules.sell_band_ppm
        self.open_orders_max = rules.open_orders_max
        self.volatility.set_rules(rules)

    # ---- what follows from the rules ----

    def fees_of(self, tier: int) -> tuple[int, int]:
        """Return (maker, taker) in ppm; a higher tier than there is pays as the last."""
        fees = self._fees
        return fees[tier] if tier < len(fees) else fees[-1]

    def anchor_ticks(self) -> int:
        """Return the price that bands and trailing stops begin from, 0 if there is none yet."""
        return self.last_price_ticks or self.rules.reference_price_ticks

    def band(self, side: Side) -> tuple[int, int] | None:
        """Return the lowest and the highest price for orders of this side; None: all are good.

        The lowest is at least 1, so each of the two is a price, too.
        """
        band_ppm = self.buy_band_ppm if side is _BUY else self.sell_band_ppm
        if not band_ppm:
            return None
        anchor_ticks = self.anchor_ticks()
        if not anchor_ticks:
            return None
        width_ticks = anchor_ticks * band_ppm // PPM
        return max(anchor_ticks - width_ticks, 1), anchor_ticks + width_ticks

    # ---- its two sides ----

    def own_side(self, side: Side) -> Ladder[Order]:
        return self.bids if side is _BUY else self.asks

    def other_side(self, side: Side) -> Ladder[Order]:
        return self.asks if side is _BUY else self.bids

    def held_asset(self, side: Side) -> str:
        """Return the asset that an order of this side holds."""
        return self.quote if side is _BUY else self.base

    def depth_changed(self, sequence: int) -> DepthChanged | None:
        """Return what the command changed in the book, as event `sequence`, or None if nothing."""
        bids = self.bids.take_changes() if self.bids.changed else ()
        asks = self.asks.take_changes() if self.asks.changed else ()
        if not bids and not asks:
            return None
        self.depth_sequence += 1
        return DepthChanged(sequence, self.name, self.depth_sequence, bids, asks)

    # ---- its row ----

    def state(self) -> MarketState:
        return MarketState(
            self.name,
            self.depth_sequence,
            self.last_trade_id,
            self.last_price_ticks,
            self.status,
            self.status_reason,
            self.status_until_ns,
            self.volatility.ranges(),
        )

    def restore_state(self, state: MarketState) -> None:
        """Go on where the market of this row was."""
        assert state.market == self.name, "A market goes on from its own row."
        self.depth_sequence = state.depth_sequence
        self.last_trade_id = state.last_trade_id
        self.last_price_ticks = state.last_price_ticks
        self.status = state.status
        self.status_reason = state.status_reason
        self.status_until_ns = state.status_until_ns
        self.volatility.restore(state.recent_prices)

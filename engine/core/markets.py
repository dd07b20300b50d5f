"""A market as the engine runs it: its rules, its two ladders and its counters.

The rule of this file: what follows from a market's rules alone is derived here once, never per
order.
"""

from engine.core.book import Ladder
from shared.messages import DepthChanged, FeeAsset, Market, MarketState, Side


class LiveMarket:
    """A market, its books, and what moves in it."""

    __slots__ = (
        "asks",
        "base",
        "bids",
        "buy_hold_ppm",
        "buy_taker_ppm",
        "depth_sequence",
        "fees_in_quote",
        "last_price_ticks",
        "last_trade_id",
        "lot_atoms",
        "maker_ppm",
        "market",
        "name",
        "quote",
        "rate",
        "taker_ppm",
        "touched",
    )

    def __init__(self, market: Market) -> None:
        self.market = market
        self.name = market.market
        self.base = market.base
        self.quote = market.quote
        self.lot_atoms = market.lot_atoms
        self.rate = market.atoms_per_tick_lot
        self.maker_ppm = market.maker_fee_ppm
        self.taker_ppm = market.taker_fee_ppm
        self.fees_in_quote = market.fee_asset is FeeAsset.QUOTE
        # What a buyer holds on top of the price. It may become a maker or a taker.
        self.buy_hold_ppm = max(self.maker_ppm, self.taker_ppm, 0) if self.fees_in_quote else 0
        self.buy_taker_ppm = self.taker_ppm if self.fees_in_quote else 0
        self.bids = Ladder(Side.BUY)
        self.asks = Ladder(Side.SELL)
        self.depth_sequence = self.last_trade_id = self.last_price_ticks = 0
        self.touched = False

    def own_side(self, side: Side) -> Ladder:
        return self.bids if side is Side.BUY else self.asks

    def other_side(self, side: Side) -> Ladder:
        return self.asks if side is Side.BUY else self.bids

    def held_asset(self, side: Side) -> str:
        """Return the asset that an order of this side holds."""
        return self.quote if side is Side.BUY else self.base

    def state(self) -> MarketState:
        return MarketState(
            self.name, self.depth_sequence, self.last_trade_id, self.last_price_ticks
        )

    def depth_changed(self, sequence: int) -> DepthChanged | None:
        """Return what the command changed in the book, as event `sequence`, or None if nothing."""
        bids, asks = self.bids.take_changes(), self.asks.take_changes()
        if not bids and not asks:
            return None
        self.depth_sequence += 1
        return DepthChanged(sequence, self.name, self.depth_sequence, bids, asks)

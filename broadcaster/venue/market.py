"""One market's picture: its levels and trades as its events tell them, as clients read them.

The rule of this file: it takes over what the commits said, in ticks and lots, and computes nothing
of its own. A level's text is made once, when the level changes, and is shared by all who see it.
"""

from collections.abc import Iterable

from broadcaster.channels.levels import Changed, LevelBook, LevelChange
from shared.feed import Level, RecentTrade
from shared.markets import format_price, format_quantity
from shared.messages import DepthChanged, Market, MarketState, Side, TradeExecuted
from shared.wire import TradeRow

RECENT_TRADES_MAX = 50  # One screen of a trade list; the gateway has more.


class SequenceBroken(Exception):
    """A market's own sequence does not follow the one before: what we hold is not to be trusted."""


class MarketPicture:
    """The book of one market, and where its trades are."""

    def __init__(
        self,
        market: Market,
        base_scale: int,
        *,
        state: MarketState | None = None,
        levels: Iterable[tuple[Side, int, int]] = (),
        trades: Iterable[TradeRow] = (),
        at_ns: int = 0,
    ) -> None:
        self.market = market
        self._base_scale = base_scale
        self.last_trade_id = 0 if state is None else state.last_trade_id
        self.loaded_trade_id = self.last_trade_id
        self.recent_trades = [self._trade(row) for row in trades]  # At the load, newest first.
        self.book = LevelBook()
        sides: dict[Side, list[tuple[int, Level]]] = {Side.BUY: [], Side.SELL: []}
        for side, price_ticks, lots in levels:
            sides[side].append((price_ticks, self._level(price_ticks, lots)))
        sequence = 0 if state is None else state.depth_sequence
        self.book.load(sequence, at_ns, sides[Side.BUY], sides[Side.SELL])

    def change_depth(self, event: DepthChanged, at_ns: int) -> Changed:
        """Take over the event's levels, return what they replaced; raises SequenceBroken."""
        if event.market_sequence != self.book.sequence + 1:
            raise SequenceBroken(f"{event.market} depth {event.market_sequence}")
        bids, asks = map(self._change, event.bids), map(self._change, event.asks)
        return self.book.change(event.market_sequence, at_ns, bids, asks)

    def add_trade(self, event: TradeExecuted, at_ns: int) -> RecentTrade:
        """Take over the trade and return it as text; raises SequenceBroken."""
        if event.trade_id != self.last_trade_id + 1:
            raise SequenceBroken(f"{event.market} trade {event.trade_id}")
        self.last_trade_id = event.trade_id
        row = TradeRow(
            event.trade_id, at_ns, event.price_ticks, event.quantity_lots, event.taker_side
        )
        return self._trade(row)

    def price(self, price_ticks: int) -> str:
        return format_price(self.market, price_ticks)

    def price_if_any(self, price_ticks: int) -> str | None:
        """Return the price as text, None for 0, which is none."""
        return self.price(price_ticks) if price_ticks else None

    def quantity_if_any(self, lots: int) -> str | None:
        """Return the quantity as text, None for 0, which is none."""
        return self.quantity(lots) if lots else None

    def quantity(self, lots: int) -> str:
        return format_quantity(self.market, self._base_scale, lots)

    def _change(self, level: tuple[int, int]) -> LevelChange:
        price_ticks, lots = level
        return price_ticks, self._level(price_ticks, lots) if lots else None

    def _level(self, price_ticks: int, lots: int) -> Level:
        return (self.price(price_ticks), self.quantity(lots))

    def _trade(self, row: TradeRow) -> RecentTrade:
        return RecentTrade(
            row.trade_id,
            self.price(row.price_ticks),
            self.quantity(row.quantity_lots),
            row.taker_side.value,
            row.at_ns,
        )

"""One market's picture: its levels, its recent trades, and how both read as text.

The rule of this file: it holds what the commits said, in ticks and lots, and computes nothing of
its own. A level's text is made once, when the level changes, and is shared by all who see it.
"""

from collections import deque
from collections.abc import Iterable

from broadcaster.messages import Level, RecentTrade
from shared.markets import format_price, format_quantity
from shared.messages import DepthChanged, Market, MarketState, Side, TradeExecuted
from shared.wire import TradeRow

RECENT_TRADES_MAX = 50  # One screen of a trade list; the gateway has more.

Ladder = dict[int, Level]


class SequenceBroken(Exception):
    """A market's own sequence does not follow the one before: what we hold is not to be trusted."""


class MarketPicture:
    """The levels and recent trades of one market, at `depth_sequence` and `last_trade_id`."""

    def __init__(
        self,
        market: Market,
        base_scale: int,
        state: MarketState | None = None,
        levels: Iterable[tuple[Side, int, int]] = (),
        trades: Iterable[TradeRow] = (),
    ) -> None:
        self.market = market
        self._base_scale = base_scale
        self.depth_sequence = 0 if state is None else state.depth_sequence
        self.last_trade_id = 0 if state is None else state.last_trade_id
        self.at_ns = 0  # Journal time of the last change seen, or of the load.
        self.bids: Ladder = {}
        self.asks: Ladder = {}
        for side, price_ticks, lots in levels:
            ladder = self.bids if side is Side.BUY else self.asks
            ladder[price_ticks] = self._level(price_ticks, lots)
        self.trades: deque[RecentTrade] = deque(map(self._trade, trades), maxlen=RECENT_TRADES_MAX)

    def change_depth(self, event: DepthChanged, at_ns: int) -> None:
        """Take over the event's levels; raises SequenceBroken."""
        if event.market_sequence != self.depth_sequence + 1:
            raise SequenceBroken(f"{event.market} depth {event.market_sequence}")
        self.depth_sequence = event.market_sequence
        self.at_ns = at_ns
        for ladder, levels in ((self.bids, event.bids), (self.asks, event.asks)):
            for price_ticks, lots in levels:
                if lots:
                    ladder[price_ticks] = self._level(price_ticks, lots)
                else:
                    ladder.pop(price_ticks, None)

    def add_trade(self, event: TradeExecuted, at_ns: int) -> RecentTrade:
        """Take over the trade and return it as text; raises SequenceBroken."""
        if event.trade_id != self.last_trade_id + 1:
            raise SequenceBroken(f"{event.market} trade {event.trade_id}")
        self.last_trade_id = event.trade_id
        row = TradeRow(
            event.trade_id, at_ns, event.price_ticks, event.quantity_lots, event.taker_side
        )
        trade = self._trade(row)
        self.trades.appendleft(trade)
        return trade

    def sorted_bids(self, only: Iterable[int] | None = None) -> list[Level]:
        """Return bids best first: all, or those prices `only`, with "0" for what is gone."""
        return self._sorted(self.bids, only, reverse=True)

    def sorted_asks(self, only: Iterable[int] | None = None) -> list[Level]:
        """Return asks best first: all, or those prices `only`, with "0" for what is gone."""
        return self._sorted(self.asks, only, reverse=False)

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

    def _sorted(self, ladder: Ladder, only: Iterable[int] | None, *, reverse: bool) -> list[Level]:
        prices = sorted(ladder if only is None else only, reverse=reverse)
        return [ladder.get(ticks) or (self.price(ticks), "0") for ticks in prices]

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

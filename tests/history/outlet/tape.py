"""Trades of several markets as they are recorded: batches, rows in a database, and a watermark.

The rule of this file: a batch has what the recording gives for its trades; times are those at which
mistakes happen: boundaries, their neighbours, and the moment when an old trade leaves 24 hours.
"""

from random import Random

from history.projection.batch import Batch
from history.projection.candles import MarketCandles
from history.projection.rows import CursorRow, TradeRow
from tests.history.outlet.pencil import (
    ASSETS,
    ATOMS_PER_TICK_LOT,
    DAY_NS,
    LENGTHS_S,
    SECOND_NS,
    market_row,
    opened_ns,
)

START_NS = 1_795_228_764_000_000_000
STEPS_NS = (0, 1, 1_000, SECOND_NS // 3, SECOND_NS, 7 * SECOND_NS, 90 * SECOND_NS, 2 * 10**13)


class Tape:
    """What has happened so far; `watermark_ns` is where it stands."""

    def __init__(self, random: Random, markets: tuple[str, ...]) -> None:
        self.random = random
        self.trades: dict[str, list[TradeRow]] = {}
        self.at_ns = self.watermark_ns = START_NS  # Of the last trade; before which none comes.
        self.cursor = CursorRow(0, 0, START_NS, "")
        self._names = markets
        self._candles = {name: MarketCandles(name) for name in markets}
        self._is_begun = False

    def batch(self, count: int) -> Batch:
        """Let so many trades happen."""
        batch = Batch()
        if not self._is_begun:
            self._is_begun = True
            batch.assets = {asset.asset: asset for asset in ASSETS}
            batch.markets = {name: market_row(name) for name in self._names}
        for _ in range(count):
            self.watermark_ns = self.at_ns = self.later_ns()
            batch.trades.append(self._trade(self.random.choice(self._names)))
        for name in dict.fromkeys(trade.market for trade in batch.trades):
            of_market = [trade for trade in batch.trades if trade.market == name]
            batch.candles += self._candles[name].add(of_market)
        number = self.cursor.sequence + 1 + count
        self.cursor = CursorRow(number, number, self.at_ns, f"{number}")
        return batch

    def wait(self) -> None:
        """Let time pass."""
        self.watermark_ns = self.later_ns()

    def later_ns(self) -> int:
        """A moment that is not before the watermark, and likes to be a nasty one."""
        choose, now_ns = self.random.random(), self.watermark_ns
        later_ns = now_ns + self.random.choice(STEPS_NS)
        if choose < 0.3:
            later_ns = opened_ns(later_ns, self.random.choice(list(LENGTHS_S)))
        elif choose < 0.5 and self.trades:
            old = self.random.choice(self.random.choice(list(self.trades.values()))[-20:])
            later_ns = old.at_ns + DAY_NS
        return max(now_ns, later_ns + self.random.choice((-1, 0, 0, 0, 1)))

    def _trade(self, market: str) -> TradeRow:
        of_market = self.trades.setdefault(market, [])
        trade_id = len(of_market) + 1
        price, lots = self.random.randint(90, 110), self.random.randint(1, 9)
        side = self.random.choice(("buy", "sell"))
        quote = price * lots * ATOMS_PER_TICK_LOT
        of_market.append(
            TradeRow(
                market,
                trade_id,
                self.at_ns,
                trade_id,
                trade_id,
                price,
                lots,
                quote,
                side,
                *(1, 1, 0),
                *(2, 2, 0),
            )
        )
        return of_market[-1]

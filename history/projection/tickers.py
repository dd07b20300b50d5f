"""Tickers: the last 24 hours of a market, to the nanosecond, at a bounded price in time and memory.

The rule of this file: no trade is left out or counted in for convenience. The window is
(watermark - 24 h, watermark]. What lies whole within it is kept as candles of a minute; where its
edge cuts through a minute that minute is opened into its seconds, and the second that the edge
cuts through into its trades. So each trade costs a constant price on its way in and on its way out,
and a market takes a megabyte, however busy it is.

The parts of what is opened are stored already and are handed in: `wanted` says which. They have to
add up to it exactly, or the projection stops.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from functools import reduce
from typing import NamedTuple

from history.projection.candles import BASE_S, drawn, join
from history.projection.extremes import Extremes
from history.projection.intervals import DAY_S, MINUTE_S, SECOND_NS
from history.projection.rows import CandleRow, TradeRow

WINDOW_NS = DAY_S * SECOND_NS
KEPT_S = MINUTE_S
_SINGLE_S = 0  # A trade, as a candle without length.


class Ticker(NamedTuple):
    """A market in the window that ends with `at_ns`, that moment included.

    Without a trade in the window the four prices are that of the last trade before it, and the ids
    are 0. `previous_close_ticks` is that price too; None where the first trade of all is within.
    `last_lots` is the quantity of the last trade, whenever it was.
    """

    market: str
    at_ns: int
    open_ticks: int
    high_ticks: int
    low_ticks: int
    last_ticks: int
    volume_lots: int
    quote_atoms: int
    trades: int
    taker_buy_lots: int
    taker_buy_quote_atoms: int
    first_trade_id: int
    last_trade_id: int
    previous_close_ticks: int | None
    last_lots: int


class Wanted(NamedTuple):
    """The candle that the edge cuts through: its seconds (of a minute) or trades are wanted."""

    interval_s: int
    open_at_ns: int


class _Level:
    """Candles of one length, oldest first."""

    def __init__(self, interval_s: int) -> None:
        self.interval_s = interval_s
        self.candles: deque[CandleRow] = deque()
        self.highest, self.lowest = Extremes(1), Extremes(-1)

    def put(self, candle: CandleRow) -> None:
        self.candles.append(candle)
        self._know(candle)

    def grow(self, candle: CandleRow) -> None:
        self.candles[-1] = candle
        self._know(candle)

    def drop(self) -> CandleRow:
        candle = self.candles.popleft()
        self.highest.drop(candle.open_at_ns)
        self.lowest.drop(candle.open_at_ns)
        return candle

    def _know(self, candle: CandleRow) -> None:
        self.highest.put(candle.open_at_ns, candle.high_ticks)
        self.lowest.put(candle.open_at_ns, candle.low_ticks)


class TickerWindow:
    """The window of one market; `minutes` are its candles of a minute so far, oldest first, and
    `previous` the newest candle of any length before them.

    Candles do not say it, so `last_lots` is set by whoever knows the last trade.
    """

    def __init__(
        self, market: str, minutes: Iterable[CandleRow] = (), previous: CandleRow | None = None
    ) -> None:
        self.market = market
        self.last_lots = 0
        self._minutes, self._seconds, self._singles = (
            _Level(interval_s) for interval_s in (KEPT_S, BASE_S, _SINGLE_S)
        )
        self._levels = self._singles, self._seconds, self._minutes  # As they lie in time.
        self._sums = [0, 0, 0, 0, 0]
        self._previous_close = previous.close_ticks if previous is not None else None
        self._newest = previous
        for minute in minutes:
            self.take(minute)

    @property
    def has_traded(self) -> bool:
        """Whether there is a ticker at all."""
        return self._newest is not None

    @property
    def due_ns(self) -> int | None:
        """The first watermark at which rolling changes something; None where nothing is within."""
        oldest = self._oldest
        return oldest.open_at_ns + WINDOW_NS if oldest is not None else None

    @property
    def _oldest(self) -> CandleRow | None:
        return next((level.candles[0] for level in self._levels if level.candles), None)

    def take(self, minute: CandleRow) -> None:
        """Take over the newest candle of a minute, as it is now."""
        assert minute.interval_s == KEPT_S, "the window is made of minutes"
        candles = self._minutes.candles
        self._newest = minute
        if candles and candles[-1].open_at_ns == minute.open_at_ns:
            self._count(candles[-1], -1)
            self._minutes.grow(minute)
        else:
            self._minutes.put(minute)
        self._count(minute, 1)

    def roll(self, watermark_ns: int) -> Wanted | None:
        """Let go what is out of the window that ends then; return what has to be opened, first."""
        edge_ns = watermark_ns - WINDOW_NS
        for level in self._levels:
            while level.candles and _end_of(level.candles[0]) <= edge_ns:
                gone = level.drop()
                self._count(gone, -1)
                self._previous_close = gone.close_ticks
            if level.candles:
                oldest = level.candles[0]
                is_cut = oldest.open_at_ns <= edge_ns
                return Wanted(oldest.interval_s, oldest.open_at_ns) if is_cut else None
        return None

    def open_minute(self, seconds: Sequence[CandleRow]) -> None:
        """Put the oldest minute's seconds, oldest first, in its place."""
        self._open(self._minutes, self._seconds, seconds)

    def open_second(self, trades: Sequence[TradeRow]) -> None:
        """Put the oldest second's trades, oldest first, in its place."""
        singles = _singles_of(trades)
        self._open(self._seconds, self._singles, singles)

    def at(self, watermark_ns: int) -> Ticker:
        """Return the ticker at a watermark that it was rolled to, with nothing left to open."""
        newest = self._newest
        assert newest is not None, "a market without a trade has no ticker"
        oldest = self._oldest
        if oldest is None:
            close = newest.close_ticks
            prices, ids = (close, close, close, close), (0, 0)
        else:
            highs = [best for level in self._levels if (best := level.highest.best) is not None]
            lows = [best for level in self._levels if (best := level.lowest.best) is not None]
            prices = oldest.open_ticks, max(highs), min(lows), newest.close_ticks
            ids = oldest.first_trade_id, newest.last_trade_id
        volume, quote, trades, taker_buy, taker_buy_quote = self._sums
        return Ticker(
            self.market,
            watermark_ns,
            *prices,
            *(volume, quote, trades, taker_buy, taker_buy_quote),
            *ids,
            self._previous_close,
            self.last_lots,
        )

    def _open(self, whole: _Level, level: _Level, parts: Sequence[CandleRow]) -> None:
        candle = whole.candles[0]
        assert parts, f"nothing is stored of {candle}"
        joined = reduce(join, parts)._replace(
            interval_s=candle.interval_s, open_at_ns=candle.open_at_ns
        )
        assert joined == candle, f"the parts of {candle} are {joined}"
        assert not level.candles, "one candle is opened at a time"
        whole.drop()
        for part in parts:
            level.put(part)

    def _count(self, candle: CandleRow, sign: int) -> None:
        sums = self._sums
        sums[0] += sign * candle.volume_lots
        sums[1] += sign * candle.quote_atoms
        sums[2] += sign * candle.trades
        sums[3] += sign * candle.taker_buy_lots
        sums[4] += sign * candle.taker_buy_quote_atoms


def _end_of(candle: CandleRow) -> int:
    """The last moment of it."""
    return max(candle.open_at_ns, candle.open_at_ns + candle.interval_s * SECOND_NS - 1)


def _singles_of(trades: Sequence[TradeRow]) -> list[CandleRow]:
    """The trades of one moment as one candle: in and out they go together."""
    singles: list[CandleRow] = []
    for trade in trades:
        single = drawn((trade,), trade.at_ns, _SINGLE_S)
        if singles and singles[-1].open_at_ns == trade.at_ns:
            singles[-1] = join(singles[-1], single)
        else:
            singles.append(single)
    return singles

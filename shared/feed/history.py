"""What the channels of the history say: candles and tickers, live.

The rule of this file: what is said live is what REST answers, in the same texts, and how far the
history was: `sequence` of the last event in it, and `at_ns`. So both can be put together: of two
that show the same interval or market, the one with the later `sequence`, then `at_ns`, is right.
"""

from shared.rest.history import Kline, Tickers, TickerView


class LiveKline(Kline, frozen=True):
    """Of `klines:<market>:<interval>`: the candle that is being drawn, or one that has closed."""

    sequence: int
    at_ns: int


class LiveTicker(TickerView, frozen=True):
    """Of `ticker:<market>`: as it is at `close_at_ns`."""

    sequence: int


class LiveTickers(Tickers, frozen=True):
    """Of `tickers`: those of all markets, or as many as fit, by name; `left_out` counts the rest.

    With more than fit, those come first that have changed and were not told of for the longest
    time.
    """

    left_out: int

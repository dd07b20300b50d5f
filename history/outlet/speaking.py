"""The channels of the outlet, and what is said on them.

The rule of this file: every market that has traded has its channels, up to a number that a producer
can keep alive; who comes after that is in REST and in `tickers` alone, and an operator is told.
"""

import time
from collections.abc import Callable, Iterable

import msgspec

from history.outlet.summary import Summary
from history.projection.intervals import NAMES
from history.projection.rows import AssetRow, CandleRow, MarketRow
from history.projection.tickers import Ticker
from history.projection.views import Scales, kline_fields, scales_of, ticker_fields
from shared.feed.history import LiveKline, LiveTicker
from shared.logs import get_logger
from shared.publishing import Publisher, ValueChannel

# With nine channels each, nine tenths of what one producer may have, and a heartbeat of 600 KB.
MARKETS_MAX = 1_000

_encode = msgspec.json.Encoder().encode
_log = get_logger(__name__)


class Speaking:
    """Opens channels and says candles and tickers on them, in the texts of their markets."""

    def __init__(self, publisher: Publisher) -> None:
        self.left_out: set[str] = set()  # Markets without channels.
        self._publisher = publisher
        self._tickers: dict[str, ValueChannel] = {}
        self._klines: dict[tuple[str, int], ValueChannel] = {}
        self._all = publisher.open_value("tickers")
        self._summary = Summary()
        self._asset_scales: dict[str, int] = {}
        self._scales: dict[str, Scales] = {}

    def know(self, assets: Iterable[AssetRow], markets: Iterable[MarketRow]) -> None:
        """Take over in what the amounts of markets are written."""
        for asset in assets:
            self._asset_scales[asset.asset] = asset.scale
        for market in markets:
            base, quote = self._asset_scales[market.base], self._asset_scales[market.quote]
            self._scales[market.market] = scales_of(market, base, quote)

    def open(self, market: str) -> None:
        """Have the channels of a market that has traded, if there is room."""
        if market in self._tickers or market in self.left_out:
            return
        if len(self._tickers) >= MARKETS_MAX:
            self.left_out.add(market)
            _log.warning("market_without_live_channels", market=market, markets_max=MARKETS_MAX)
            return
        self._tickers[market] = self._publisher.open_value(f"ticker:{market}")
        for interval_s, name in NAMES.items():
            channel = self._publisher.open_value(f"klines:{market}:{name}")
            self._klines[market, interval_s] = channel

    def klines(self, candles: Iterable[CandleRow], sequence: int, at_ns: int) -> None:
        """Say these candles; those that have closed are said even if the next one follows."""
        for candle in candles:
            channel = self._klines.get((candle.market, candle.interval_s))
            if channel is not None:
                fields = kline_fields(candle, self._scales[candle.market], at_ns)
                kline = LiveKline(**fields, sequence=sequence, at_ns=at_ns)
                channel.set(at_ns, _encode(kline), is_final=kline.is_closed)

    def tickers(self, tickers: Iterable[Ticker], sequence: int, at_ns: int) -> None:
        """Say these tickers, which have changed."""
        for ticker in tickers:
            self._summary.note(ticker.market)
            channel = self._tickers.get(ticker.market)
            if channel is not None:
                fields = ticker_fields(ticker, self._scales[ticker.market])
                channel.set(at_ns, _encode(LiveTicker(**fields, sequence=sequence)))

    def all_tickers(self, sequence: int, at_ns: int, ticker: Callable[[str], Ticker]) -> None:
        """Say `tickers` if it is due; `ticker` returns one as it is at `at_ns`."""
        scales, now_s = self._scales.__getitem__, time.monotonic()
        said = self._summary.take(sequence, at_ns, ticker, scales, now_s=now_s)
        if said is not None:
            self._all.set(at_ns, said)

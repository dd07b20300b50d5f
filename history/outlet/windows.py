"""The tickers of all markets, each moved on only when something of it changes.

The rule of this file: pure and exact. A market costs something when it trades, and when something
leaves its 24 hours; which of them is next is known from a queue. What their edges cut through is
handed in by whoever can read it, and until it is, tickers stay as they were.
"""

import heapq
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from history.projection.rows import CandleRow, TradeRow
from history.projection.tickers import KEPT_S, Ticker, TickerWindow, Wanted


class Cut(NamedTuple):
    """A minute or a second that the edges of some markets' windows lie in."""

    wanted: Wanted
    markets: tuple[str, ...]


class Windows:
    """Every market's window; what is told of them is of `at_ns`."""

    def __init__(self) -> None:
        self.at_ns = 0
        self._windows: dict[str, TickerWindow] = {}
        self._due: list[tuple[int, str]] = []  # Each window with something in it, once, or ...
        self._cut: dict[str, Wanted] = {}  # ... here, until what is wanted has come.
        self._touched: dict[str, None] = {}
        self._now: dict[str, Ticker] = {}

    def add(self, window: TickerWindow) -> None:
        """Take over a market that has traded."""
        self._windows[window.market] = window
        self._touched[window.market] = None
        self._queue(window)

    def take(self, minutes: Iterable[CandleRow], trades: Iterable[TradeRow]) -> None:
        """Take over what was written, oldest first; candles of other lengths are passed over."""
        for minute in minutes:
            if minute.interval_s == KEPT_S:
                window = self._windows.get(minute.market)
                if window is None:
                    window = self._windows[minute.market] = TickerWindow(minute.market)
                is_empty = window.due_ns is None
                window.take(minute)
                self._touched[minute.market] = None
                if is_empty:
                    self._queue(window)
        for trade in trades:
            self._windows[trade.market].last_lots = trade.quantity_lots

    def cuts(self, watermark_ns: int) -> list[Cut]:
        """Roll on to the watermark; return what is wanted for that, if anything is."""
        while self._due and self._due[0][0] <= watermark_ns:
            _, market = heapq.heappop(self._due)
            self._touched[market] = None
            window = self._windows[market]
            wanted = window.roll(watermark_ns)
            if wanted is not None:
                self._cut[market] = wanted
            else:
                self._queue(window)
        by_wanted: dict[Wanted, list[str]] = {}
        for market, wanted in self._cut.items():
            by_wanted.setdefault(wanted, []).append(market)
        return [Cut(wanted, tuple(markets)) for wanted, markets in by_wanted.items()]

    def open_minute(self, market: str, seconds: Sequence[CandleRow]) -> None:
        """Take the seconds of the minute that was wanted."""
        self._taken(market).open_minute(seconds)
        self._queue(self._windows[market])

    def open_second(self, market: str, trades: Sequence[TradeRow]) -> None:
        """Take the trades of the second that was wanted."""
        self._taken(market).open_second(trades)
        self._queue(self._windows[market])

    def settle(self, watermark_ns: int) -> list[Ticker]:
        """Return the tickers that have changed; call it when there are no cuts any more."""
        assert not self._cut, "what is wanted has been handed in"
        changed: list[Ticker] = []
        for market in self._touched:
            ticker = self._windows[market].at(watermark_ns)
            if market not in self._now or _without_time(self._now[market]) != _without_time(ticker):
                changed.append(ticker)
            self._now[market] = ticker
        self._touched = {}
        self.at_ns = watermark_ns
        return changed

    def tickers(self) -> list[Ticker]:
        """Return all tickers at `at_ns`, by name."""
        return [self._now[market]._replace(at_ns=self.at_ns) for market in sorted(self._now)]

    def ticker(self, market: str) -> Ticker:
        return self._now[market]._replace(at_ns=self.at_ns)

    def _taken(self, market: str) -> TickerWindow:
        del self._cut[market]
        return self._windows[market]

    def _queue(self, window: TickerWindow) -> None:
        due_ns = window.due_ns
        if due_ns is not None:
            heapq.heappush(self._due, (due_ns, window.market))


def _without_time(ticker: Ticker) -> tuple[object, ...]:
    return ticker[2:]

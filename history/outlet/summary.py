"""`tickers`: all markets in one message, as often as somebody can look, and never too long.

The rule of this file: pure, and fair. A message holds what fits; those that have changed are told
before those that have not, and of both those first that were not told of for the longest time.
"""

from collections.abc import Callable

import msgspec

from history.projection.intervals import SECOND_NS
from history.projection.tickers import Ticker
from history.projection.views import Scales, ticker_view
from shared.feed.history import LiveTickers
from shared.publishing import DATA_BYTES_MAX
from shared.rest.history import TickerView

INTERVAL_S = 0.5  # 64 KiB twice a second; who wants more listens to one market.
INTERVAL_NS = SECOND_NS // 2  # The same.
_ENVELOPE_BYTES = 256  # What is around the tickers, with every number at its longest.

_encode = msgspec.json.Encoder().encode


class Summary:
    """Which markets are told of next, and when."""

    def __init__(self, bytes_max: int = DATA_BYTES_MAX) -> None:
        self._bytes_max = bytes_max - _ENVELOPE_BYTES
        self._changed: dict[str, None] = {}  # Since they were told, the longest ago first.
        self._told: dict[str, None] = {}  # The others, likewise.
        self._due_ns, self._due_s = 0, float("-inf")
        self._has_said = False  # A first message comes also if there is no market in it.

    def note(self, market: str) -> None:
        """Know that a market's ticker has changed."""
        self._told.pop(market, None)
        self._changed.setdefault(market)

    def take(
        self,
        sequence: int,
        at_ns: int,
        ticker: Callable[[str], Ticker],
        scales: Callable[[str], Scales],
        *,
        now_s: float,
    ) -> bytes | None:
        """Return the message that is due, if something has changed, or it is the first one.

        Time is that of the watermark; while that stands still, since the engine is away or the
        clock of Redis was set back, it is `now_s`, which never stands still.
        """
        is_due = at_ns >= self._due_ns or now_s >= self._due_s
        if not is_due or (self._has_said and not self._changed):
            return None
        self._has_said = True
        self._due_ns, self._due_s = at_ns + INTERVAL_NS, now_s + INTERVAL_S
        count = len(self._changed) + len(self._told)
        views: dict[str, TickerView] = {}
        bytes_left = self._bytes_max
        for market in [*self._changed, *self._told]:
            view = ticker_view(ticker(market), scales(market))
            bytes_left -= len(_encode(view)) + 1
            if bytes_left < 0:
                break
            views[market] = view
        for market in views:
            self._changed.pop(market, None)
            self._told.pop(market, None)
            self._told[market] = None
        by_name = [view for _, view in sorted(views.items())]
        return _encode(LiveTickers(by_name, sequence, at_ns, count - len(views)))

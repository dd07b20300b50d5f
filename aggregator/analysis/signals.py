"""All analyses of one book, and when there is something to tell.

The rule of this file: bounded work. Every trade is taken in at once, but what the analyses say is
reckoned only as often as it is told, and is told only when it says something new.
"""

import msgspec

from aggregator.analysis.book_imbalance import BookImbalance
from aggregator.analysis.delta import CumulativeDelta
from aggregator.analysis.footprint import Footprint
from aggregator.analysis.jump import Jump
from aggregator.analysis.momentum import VolumeWeightedMomentum
from aggregator.analysis.tick_pressure import TickPressure
from aggregator.analysis.trade_imbalance import TradeImbalance
from aggregator.analysis.values import TradeAnalysis, Value
from aggregator.analysis.volatility import RealisedVolatility
from aggregator.analysis.vwap import Vwap
from aggregator.books.shown import Shown
from aggregator.books.words import Trade
from aggregator.protocol import NS_A_S

# Five times a second is as often as an eye can follow a number.
INTERVAL_NS = NS_A_S // 5
# Where nothing is traded, windows still empty themselves. The footprint is long, so it keeps to
# this as well.
SLOW_INTERVAL_NS = NS_A_S

Values = dict[str, msgspec.Raw]


class SignalDesk:
    """Add each trade once, then `take` as often as you like.

    Recovered trades count in what sums up everything (VWAP, footprint, cumulative delta), as of
    when they came. In what looks at the flow they would be a burst that never was, so they are left
    out there, and as they tell of a hole, the flow begins anew behind it.
    """

    def __init__(self) -> None:
        self._book_imbalance = BookImbalance()
        self._pressure = TickPressure()
        self._footprint = Footprint()
        self._sums: dict[str, TradeAnalysis] = {
            "vwap": Vwap(),
            "cumulative_delta": CumulativeDelta(),
        }
        self._flow = _new_flow()
        self._told: Values = {}
        self._footprint_told: msgspec.Raw | None = None
        self._at_ns = self._footprint_at_ns = -SLOW_INTERVAL_NS
        self._has_traded = False
        self._is_broken_off = True

    def add_trade(self, trade: Trade) -> None:
        if trade.price <= 0 or trade.quantity <= 0:
            return
        self._has_traded = True
        for analysis in self._sums.values():
            analysis.add_trade(trade)
        self._footprint.add_trade(trade)
        if trade.is_recovered:
            self._break_off()
            return
        self._is_broken_off = False
        self._pressure.add_trade(trade)
        for analysis in self._flow.values():
            analysis.add_trade(trade)

    def take(self, at_ns: int, shown: Shown | None) -> Values | None:
        """Return what all of them say, if that is something new and it is time to tell it.

        `shown` is the book, or None while it is not live. What has no value is not in it.
        """
        interval_ns = INTERVAL_NS if self._has_traded or shown is not None else SLOW_INTERVAL_NS
        if at_ns - self._at_ns < interval_ns:
            return None
        self._at_ns = at_ns
        self._has_traded = False
        values = self._values(at_ns, shown)
        if values == self._told:
            return None
        self._told = values
        return values

    def _values(self, at_ns: int, shown: Shown | None) -> Values:
        said: dict[str, Value | None] = {
            "book_imbalance": None if shown is None else self._book_imbalance.value(shown),
            "tick_pressure": self._pressure.value(at_ns),
        }
        for name, analysis in (*self._flow.items(), *self._sums.items()):
            said[name] = analysis.value(at_ns)
        values = {name: _json(value) for name, value in said.items() if value is not None}
        if at_ns - self._footprint_at_ns >= SLOW_INTERVAL_NS:
            self._footprint_at_ns = at_ns
            footprint = self._footprint.value(at_ns)
            self._footprint_told = None if footprint is None else _json(footprint)
        if self._footprint_told is not None:
            values["footprint"] = self._footprint_told
        return values

    def _break_off(self) -> None:
        # Many recovered trades come together.
        if not self._is_broken_off:
            self._is_broken_off = True
            self._flow = _new_flow()
            self._pressure.break_off()


def _new_flow() -> dict[str, TradeAnalysis]:
    return {
        "trade_imbalance": TradeImbalance(),
        "volatility": RealisedVolatility(),
        "jump": Jump(),
        "momentum": VolumeWeightedMomentum(),
    }


def _json(value: Value) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))

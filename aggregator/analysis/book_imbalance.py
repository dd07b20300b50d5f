"""Which side of the book is heavier near the touch.

The rule of this file: only a live book is looked at; whoever calls sees to that.
"""

from aggregator.analysis.numbers import divided
from aggregator.analysis.values import Value
from aggregator.books.shown import Shown
from aggregator.books.side import Side

LEVELS_DEFAULT = 10
PRESSURE_POINTS = 10  # A difference that is only just so large is none yet.
_PERCENT_PLACES = 100


class BookImbalance:
    """bid % = 100 * B / (B + A), ask % = 100 - bid %, points = bid % - ask %.

    B and A are the summed quantities of the best N levels (10) of each side. The pressure is `bid`
    above 10 points, `ask` below -10, otherwise `balanced`. There is no value while a side is empty.
    """

    def __init__(self, levels: int = LEVELS_DEFAULT) -> None:
        self._levels = levels

    def value(self, shown: Shown) -> Value | None:
        bid, ask = self._quantity(shown.bids), self._quantity(shown.asks)
        if not bid or not ask:
            return None
        bid_hundredths = divided(100 * _PERCENT_PLACES * bid, bid + ask)
        ask_hundredths = 100 * _PERCENT_PLACES - bid_hundredths
        return {
            "levels": self._levels,
            "bid_percent": _text(bid_hundredths),
            "ask_percent": _text(ask_hundredths),
            "points": _text(bid_hundredths - ask_hundredths),
            "pressure": _pressure(bid, ask),
        }

    def _quantity(self, side: Side) -> int:
        return sum(quantity for _, quantity in side.best(self._levels))


def _pressure(bid: int, ask: int) -> str:
    # Of what was not rounded: 100 * (B - A) / (B + A) against the points.
    points_of_all = 100 * (bid - ask)
    if abs(points_of_all) <= PRESSURE_POINTS * (bid + ask):
        return "balanced"
    return "bid" if points_of_all > 0 else "ask"


def _text(hundredths: int) -> str:
    sign = "-" if hundredths < 0 else ""
    whole, fraction = divmod(abs(hundredths), _PERCENT_PLACES)
    return f"{sign}{whole}.{fraction:02d}"

"""How far a market's price has moved of late, and whether that is too far.

The rule of this file: time is counted in slices of a sixteenth of the window, and of each slice
only the lowest and the highest price are kept; so what is remembered is bounded, and the rows say
all of it. What a price means for the market's status is decided elsewhere.
"""

from collections.abc import Iterable

from shared.messages import MarketRules, PriceRange
from shared.money import PPM

SLICES = 16  # Fine enough for a window that slides, coarse enough to be a small row.


class VolatilityWindow:
    """The recent prices of one market. Where the rules set no limit it remembers nothing."""

    __slots__ = ("_high_ticks", "_low_ticks", "_move_ppm", "_ranges", "_slice_ns", "_window_ns")

    def __init__(self, rules: MarketRules) -> None:
        self._ranges: list[PriceRange] = []
        self._low_ticks = self._high_ticks = 0
        self.set_rules(rules)

    def set_rules(self, rules: MarketRules) -> None:
        """Go on by new rules; the slices so far stay as they are until they are too old."""
        self._move_ppm = rules.halt_move_ppm
        self._window_ns = rules.halt_window_ns
        self._slice_ns = max(rules.halt_window_ns // SLICES, 1)
        if not self._move_ppm:
            self.forget()

    def add(self, at_ns: int, price_ticks: int) -> None:
        """Count a trade's price into the slice of now, and drop the slices that are too old."""
        if not self._move_ppm:
            return
        ranges = self._ranges
        began_at_ns = at_ns - at_ns % self._slice_ns
        # Slices cut by earlier rules may have begun later than the slice of now does by these.
        if not ranges or ranges[-1].began_at_ns < began_at_ns:
            ranges.append(PriceRange(began_at_ns, price_ticks, price_ticks))
            self._low_ticks = min(self._low_ticks or price_ticks, price_ticks)
            self._high_ticks = max(self._high_ticks, price_ticks)
        elif not ranges[-1].low_ticks <= price_ticks <= ranges[-1].high_ticks:
            self._widen(price_ticks)
        if ranges[0].began_at_ns <= at_ns - self._window_ns:
            self._drop(at_ns - self._window_ns)

    def is_exceeded(self) -> bool:
        """Say whether the prices of the window lie further apart than the rules allow."""
        low_ticks = self._low_ticks
        return (self._high_ticks - low_ticks) * PPM > self._move_ppm * low_ticks

    def forget(self) -> None:
        self._ranges.clear()
        self._low_ticks = self._high_ticks = 0

    def ranges(self) -> tuple[PriceRange, ...]:
        """Return the slices, oldest first."""
        return tuple(self._ranges)

    def restore(self, ranges: Iterable[PriceRange]) -> None:
        """Take over the slices of a row, as `ranges` gave them."""
        self._ranges[:] = ranges
        self._measure()

    def _widen(self, price_ticks: int) -> None:
        last = self._ranges[-1]
        low_ticks = min(last.low_ticks, price_ticks)
        high_ticks = max(last.high_ticks, price_ticks)
        self._ranges[-1] = PriceRange(last.began_at_ns, low_ticks, high_ticks)
        self._low_ticks = min(self._low_ticks, price_ticks)
        self._high_ticks = max(self._high_ticks, price_ticks)

    def _drop(self, oldest_ns: int) -> None:
        self._ranges[:] = [each for each in self._ranges if each.began_at_ns > oldest_ns]
        self._measure()

    def _measure(self) -> None:
        self._low_ticks = min((each.low_ticks for each in self._ranges), default=0)
        self._high_ticks = max((each.high_ticks for each in self._ranges), default=0)

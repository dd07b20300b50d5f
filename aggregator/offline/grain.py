"""Prices and quantities as counts of a smallest part, and their texts as venues write them.

The rule of this file: integers inside, text outside.
"""

from aggregator.protocol.decimals import UNIT, to_units


class Grain:
    """The smallest part of a price or a quantity, `0.01` or `0.5`, of which all are multiples."""

    __slots__ = ("_factor", "_scale", "places", "text", "units")

    def __init__(self, text: str) -> None:
        self.text = text
        self.units = to_units(text)
        self.places = len(text.partition(".")[2])
        self._scale: int = 10**self.places
        self._factor = self.units * self._scale // UNIT

    def fixed(self, count: int) -> str:
        """Return a count with as many decimals as the grain itself has."""
        if not self.places:
            return str(count * self._factor)
        whole, fraction = divmod(count * self._factor, self._scale)
        return f"{whole}.{fraction:0{self.places}d}"

    def padded(self, count: int, places: int) -> str:
        """Return a count with at least so many decimals."""
        missing = places - self.places
        if missing <= 0:
            return self.fixed(count)
        return self.fixed(count) + ("" if self.places else ".") + "0" * missing

    def short(self, count: int) -> str:
        """Return a count without trailing zeros."""
        text = self.fixed(count)
        return text.rstrip("0").rstrip(".") if self.places else text

    def count(self, units: int) -> int:
        """Return how many whole grains there are in a number of units of 10^-18."""
        return units // self.units


def whole(amount: int) -> int:
    """Return a whole number in units."""
    units: int = amount * UNIT
    return units

"""Decimal texts of venues as integers on one common scale.

The rule of this file: a price or a quantity is an integer number of units of 10^-18, whatever the
venue and the symbol, so that books of different venues add up exactly and `100.10` and `100.1` are
one level. The scale is finer than any venue's, and Python's integers have no end.
"""

from collections.abc import Callable

DECIMALS = 18
UNIT = 10**DECIMALS  # One whole coin, or a price of 1.
# A price with more digits is no price. The longest seen have 17, with the point.
TEXT_CHARS_MAX = 40
_FACTORS: tuple[int, ...] = tuple(10 ** (DECIMALS - places) for places in range(DECIMALS + 1))


class DecimalError(ValueError):
    """A text that is no plain decimal number from 0 upwards, or is finer than the scale."""


def to_units(text: str) -> int:
    """Return a decimal text in units; raises DecimalError. Exponents and signs are refused."""
    whole, _, fraction = text.partition(".")
    digits = whole + fraction
    # isdigit alone would take digits of other scripts.
    if not (digits.isascii() and digits.isdigit()) or len(text) > TEXT_CHARS_MAX:
        raise DecimalError(f"{text[:TEXT_CHARS_MAX]!r} is no decimal number from 0 upwards.")
    if len(fraction) > DECIMALS:
        if fraction[DECIMALS:].strip("0"):
            raise DecimalError(f"{text!r} is finer than {DECIMALS} decimals.")
        digits = whole + fraction[:DECIMALS]
        fraction = fraction[:DECIMALS]
    return int(digits) * _FACTORS[len(fraction)]


def to_text(units: int) -> str:
    """Return units as the shortest plain decimal text: `0.5`, `63000`, `-0.001`."""
    whole, fraction = divmod(abs(units), UNIT)
    sign = "-" if units < 0 else ""
    if not fraction:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{fraction:0{DECIMALS}d}".rstrip("0")


def tick_text(decimals: int, tick: str = "") -> str:
    """Return a tick with at least so many decimals: `0.5` and 2 is `0.50`; without one it is the
    smallest number that they can tell.
    """
    decimals = max(0, min(decimals, DECIMALS))
    whole, _, fraction = (tick or to_text(10 ** (DECIMALS - decimals))).partition(".")
    fraction = fraction.rstrip("0").ljust(decimals, "0")
    return f"{whole}.{fraction}" if fraction else whole


class Memory(dict[str, int]):
    """Texts already read: the same prices come again and again, and a lookup is five times as
    fast as reading. It is emptied when it is full, so it stays small whatever comes.
    """

    def __init__(self, texts_max: int, read: Callable[[str], int] = to_units) -> None:
        super().__init__()
        self._texts_max = texts_max
        self._read = read

    def __missing__(self, text: str) -> int:
        if not isinstance(text, str):  # A connector's mistake, which is one symbol's trouble.
            raise DecimalError(f"{text!r} is {type(text).__name__}, and no text.")
        units = self._read(text)
        if len(self) >= self._texts_max:
            self.clear()
        self[text] = units
        return units

"""Fractions of integers as decimal texts, and relative changes of prices as integers.

The rule of this file: integers only; every rounding is to the nearest, halves away from zero.
"""

# Returns are integers of 10^-12: a millionth of a basis point's tenth, far below any tick.
RETURN_SCALE = 10**12
_BASIS_POINTS = 10_000


def divided(numerator: int, denominator: int) -> int:
    """Return the quotient, rounded to the nearest integer; the denominator is above 0."""
    assert denominator > 0, "a share of nothing is not a number"
    sign = -1 if numerator < 0 else 1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


def ratio_text(numerator: int, denominator: int, places: int) -> str:
    """Return the quotient with just so many decimal places, as `-0.50`."""
    scaled = divided(numerator * 10**places, denominator)
    sign = "-" if scaled < 0 else ""
    whole, fraction = divmod(abs(scaled), 10**places)
    return f"{sign}{whole}.{fraction:0{places}d}" if places else f"{sign}{whole}"


def price_return(before: int, after: int) -> int:
    """Return (after - before) / before in units of 1 / RETURN_SCALE."""
    return divided((after - before) * RETURN_SCALE, before)


def bps_text(scaled_return: int, places: int) -> str:
    """Return a return in basis points: `12.5` for one eighth of a percent."""
    return ratio_text(scaled_return * _BASIS_POINTS, RETURN_SCALE, places)

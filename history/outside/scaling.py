"""Decimal text as integers, exactly, and back.

The rule of this file: nothing is rounded. Outside prices and quantities have at most 18 decimals;
what they amount to together has at most 36.
"""

import re

from shared.money import format_decimal

DECIMALS = 18
QUOTE_DECIMALS = 2 * DECIMALS
CHARS_MAX = 60  # Longer than every price there is; a venue that says more says something wrong.

_PLAIN = re.compile(r"[0-9]+(?:\.[0-9]+)?")


def units_of(text: str, decimals: int = DECIMALS) -> int | None:
    """Return plain decimal text in units of 10^-decimals; None for what is none, or too fine."""
    if len(text) > CHARS_MAX or not _PLAIN.fullmatch(text):
        return None
    whole, _, fraction = text.partition(".")
    return int(whole + fraction.ljust(decimals, "0")) if len(fraction) <= decimals else None


def text_of(units: int, decimals: int = DECIMALS) -> str:
    return format_decimal(units, decimals)

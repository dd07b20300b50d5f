"""Amounts: decimal text outside, integers inside, and nothing in between.

The rule of this file: every conversion between text and integers, and every rounding, is here.
An amount of an asset is counted in *atoms*: an asset of scale 2 has 100 atoms in one unit.
"""

import re

AMOUNT_LIMIT = 2**63  # Every amount is below it, so that it fits a signed 64-bit column anywhere.
SCALE_MAX = 8  # Finer assets would leave too little room below AMOUNT_LIMIT.
PPM = 1_000_000  # Fees are parts per million.
TEXT_LENGTH_MAX = 28  # 19 digits of 2**63, a point and 8 decimals.

_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,18})(?:\.([0-9]{1,8}))?")


class AmountError(ValueError):
    """A text that is not an amount; `code` is stable, the message is for people."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def parse_decimal(text: str, scale: int) -> int:
    """Return `text` counted in units of 10**-scale; it is never negative.

    Only plain ASCII decimals are read: no sign, exponent, blank, or leading zero.
    Raises AmountError: INVALID_DECIMAL, TOO_MANY_DECIMALS, AMOUNT_LIMIT.
    """
    match = _DECIMAL.fullmatch(text) if len(text) <= TEXT_LENGTH_MAX else None
    if match is None:
        raise AmountError("INVALID_DECIMAL", 'Write amounts as plain decimal text such as "12.5".')
    whole, fraction = match.group(1), match.group(2) or ""
    significant = fraction.rstrip("0")
    if len(significant) > scale:
        raise AmountError("TOO_MANY_DECIMALS", f"At most {scale} decimals are allowed here.")
    value: int = int(whole) * 10**scale + int(significant.ljust(scale, "0") or "0")
    if value >= AMOUNT_LIMIT:
        raise AmountError("AMOUNT_LIMIT", "The amount is too large for this exchange.")
    return value


def format_decimal(value: int, scale: int) -> str:
    """Return `value` units of 10**-scale as the shortest exact decimal text."""
    sign = "-" if value < 0 else ""
    whole, fraction = divmod(abs(value), 10**scale)
    digits = str(fraction).rjust(scale, "0").rstrip("0") if scale else ""
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"


def fee_atoms(amount_atoms: int, fee_ppm: int) -> int:
    """Return the fee on an amount: rounded up against the payer, a rebate (negative) rounded down.

    Both are one formula, because minus a floor is a ceiling.
    """
    return -((-amount_atoms * fee_ppm) // PPM)

"""Reading what venues write: what can go wrong in a frame, times, and numbers with exponents.

The rule of this file: nothing here knows a venue, and every complaint is a FrameError.
"""

from calendar import timegm
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TypeVar

import msgspec

from aggregator.protocol.manifest import NS_A_S
from aggregator.protocol.notices import FrameError

Decoded = TypeVar("Decoded")
# All that msgspec raises for bytes of a stranger: bad JSON or a wrong shape, text that is no UTF-8,
# and brackets nested too deep, also in fields that nobody asked for.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
# `1e-18` is the finest that the common scale holds; a number with a larger exponent is no price.
EXPONENT_MAX = 40
_MS_DIGITS_MAX = 15
_NS_A_DIGIT = tuple(10 ** (9 - digits) for digits in range(10))  # Of the last of so many digits.


def decoded(decoder: msgspec.json.Decoder[Decoded], text: bytes) -> Decoded:
    """Return what the decoder makes of it; raises FrameError for anything else."""
    try:
        value = decoder.decode(text)
    except UNREADABLE as error:
        raise FrameError(str(error)) from error
    return value


def plain_number(text: str) -> str:
    """Return a JSON number as a plain decimal text, digit for digit: `1e-08` is `0.00000001`.

    Made for `float_hook`, so that a number that stands bare in JSON keeps its trailing zeros.
    """
    if "e" not in text and "E" not in text:
        return text
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise FrameError(f"{text[:EXPONENT_MAX]!r} is no number.") from error
    if abs(number.adjusted()) > EXPONENT_MAX:
        raise FrameError(f"{text[:EXPONENT_MAX]!r} is out of all bounds.")
    return format(number, "f")


def number_text(number: object) -> str:
    """Return a bare number, digit for digit, of a decoder with `float_hook=str`: what has a point
    or an exponent comes as text then, and what has none as an integer. Raises FrameError.
    """
    if type(number) is str:
        return plain_number(number) if "e" in number or "E" in number else number
    if type(number) is int:
        return str(number)
    raise FrameError("A number is missing.")


def rfc3339_to_ns(text: str) -> int:
    """Return a time in UTC such as `2026-08-01T02:53:53.184174Z` as Unix nanoseconds.

    0, which stands for a time that is not told, for an empty text and for a time before 1970:
    venues write the year 1 for it. Raises FrameError.
    """
    fraction = text[20:-1]
    if text[19:20] == "." and text[-1] == "Z" and fraction.isdecimal() and len(fraction) <= 9:
        seconds = _to_seconds(text[:19])
        return seconds * NS_A_S + int(fraction) * _NS_A_DIGIT[len(fraction)] if seconds else 0
    if text[19:] == "Z":
        return _to_seconds(text[:19]) * NS_A_S
    if text:
        raise FrameError(f"{text[:EXPONENT_MAX]!r} is no time in UTC.")
    return 0


def digits_to_ns(text: str) -> int:
    """Return a Unix time in milliseconds that is told as a text, in nanoseconds; raises
    FrameError.
    """
    if not (text.isascii() and text.isdigit()) or len(text) > _MS_DIGITS_MAX:
        raise FrameError(f"{text[:_MS_DIGITS_MAX]!r} is no time in milliseconds.")
    return int(text) * 1_000_000


# Many messages fall into the same second, and reading a date costs ten times a look-up.
@lru_cache(maxsize=256)
def _to_seconds(text: str) -> int:
    try:
        moment = datetime.strptime(f"{text}+0000", "%Y-%m-%dT%H:%M:%S%z")
        return max(0, timegm(moment.timetuple()))
    except ValueError as error:
        raise FrameError(f"{text!r} is no date and time.") from error

"""The intervals of candles, and where they begin.

The rule of this file: an interval is [open, open + length) of journal time, in UTC; days begin at
midnight and weeks on Monday. What happens at a boundary belongs to the interval that begins there.
"""

SECOND_NS = 1_000_000_000
MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400
WEEK_S = 7 * DAY_S
# The name of each interval, shortest first. Each is a whole number of every shorter one, which is
# what lets a candle be added up from shorter ones.
INTERVALS_S = {
    "1s": 1,
    "1m": MINUTE_S,
    "5m": 5 * MINUTE_S,
    "15m": 15 * MINUTE_S,
    "1h": HOUR_S,
    "4h": 4 * HOUR_S,
    "1d": DAY_S,
    "1w": WEEK_S,
}
NAMES = {length_s: name for name, length_s in INTERVALS_S.items()}
# The epoch was a Thursday: the first Monday came four days later.
_FIRST_MONDAY_NS = 4 * DAY_S * SECOND_NS


def open_of(at_ns: int, interval_s: int) -> int:
    """Return when the interval began, in nanoseconds, that a moment lies in."""
    length_ns = interval_s * SECOND_NS
    if interval_s == WEEK_S:
        return at_ns - (at_ns - _FIRST_MONDAY_NS) % length_ns
    return at_ns - at_ns % length_ns


def close_of(open_at_ns: int, interval_s: int) -> int:
    """Return when the next interval begins."""
    return open_at_ns + interval_s * SECOND_NS

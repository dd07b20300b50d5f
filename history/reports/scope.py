"""What a report is asked about: a stretch of time, a market, an account.

The rule of this file: days are of UTC and both ends of a stretch are meant: from the first
nanosecond of the one to the last of the other. A text that is no day or moment is refused with one
sentence.
"""

import re
from datetime import UTC, date, datetime
from typing import NamedTuple

from history.projection.intervals import SECOND_NS
from history.reports.form import DAY_NS, time_text

EVER_NS = 2**63 - 1  # After everything: the largest time that a column holds.
TOP = 20  # Trades of a market that `large-trades` shows when it is not told how many.
WINDOW_NS = 60 * SECOND_NS  # Longer, and any two who trade often go back and forth by chance.
TOLERANCE_PPM = 10_000  # 1 %: what a fee or a remainder makes of a size.

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z?", re.ASCII)


class ScopeError(ValueError):
    """What was asked makes no sense; the text is one sentence."""


class Scope(NamedTuple):
    """[from_ns, until_ns) of journal time; "" and None mean all; see the reports for the rest."""

    from_ns: int = 0
    until_ns: int = EVER_NS
    market: str = ""
    account_id: int | None = None
    order_id: int = 0
    top: int = TOP
    thresholds: tuple[tuple[str, str], ...] = ()  # Market ("": all), decimal text of its quote.
    window_ns: int = WINDOW_NS
    tolerance_ppm: int = TOLERANCE_PPM
    owners: tuple[tuple[int, str], ...] = ()


def day_ns(text: str) -> int:
    """Return when a day begins, such as 2026-03-01; raises ScopeError."""
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None or day.year < 1970 or day.year > 2261:
        raise ScopeError(f"{text!r} is no day; write one as 2026-03-01.")
    return (day.toordinal() - date(1970, 1, 1).toordinal()) * DAY_NS


def moment_ns(text: str) -> int:
    """Return a moment such as 2026-03-01T12:00:00.5Z in nanoseconds; raises ScopeError."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise ScopeError(f"{text!r} is no moment; write one of UTC as 2026-03-01T12:00:00.5Z.")
    day, clock, fraction = match.groups()
    try:
        at = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=UTC)
    except ValueError:
        raise ScopeError(f"{text!r} is no moment: there is no such time.") from None
    since_midnight_s = at.hour * 3_600 + at.minute * 60 + at.second
    return day_ns(day) + since_midnight_s * SECOND_NS + int((fraction or "0").ljust(9, "0"))


def stretch(first: str | None, last: str | None, at: str | None) -> tuple[int, int]:
    """Return [from_ns, until_ns) of what was asked, all of it where nothing was; raises ScopeError.

    `at` is a moment, that is part of the stretch, and takes the place of `last`.
    """
    if last and at:
        raise ScopeError("Give --to or --at, not both: each says where it ends.")
    from_ns = day_ns(first) if first else 0
    until_ns = EVER_NS
    if last:
        until_ns = day_ns(last) + DAY_NS
    elif at:
        until_ns = moment_ns(at) + 1
    if until_ns <= from_ns:
        raise ScopeError("It ends before it begins: --from is later than the end.")
    return from_ns, until_ns


def asked(scope: Scope) -> tuple[tuple[str, str], ...]:
    """Return the limits of a stretch in words, those that are none left out."""
    found = []
    if scope.from_ns:
        found.append(("from", time_text(scope.from_ns)))
    if scope.until_ns != EVER_NS:
        found.append(("before", time_text(scope.until_ns)))
    if scope.market:
        found.append(("market", scope.market))
    if scope.account_id is not None:
        found.append(("account", str(scope.account_id)))
    if scope.order_id:
        found.append(("order", str(scope.order_id)))
    return tuple(found)

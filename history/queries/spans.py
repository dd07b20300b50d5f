"""Which candles a page has. Pure.

The rule of this file: a page is a stretch of intervals, reckoned from their length and never by
walking over them, so a page costs what it shows, however long nothing was traded.
"""

from typing import NamedTuple

from history.projection.intervals import SECOND_NS, close_of, open_of


class Span(NamedTuple):
    """The intervals that begin in [from_ns, until_ns), both beginnings themselves."""

    from_ns: int
    until_ns: int

    def count(self, interval_s: int) -> int:
        return max(0, self.until_ns - self.from_ns) // (interval_s * SECOND_NS)


def first_open_from(at_ns: int, interval_s: int) -> int:
    """Return when the first interval begins that does not begin before a moment."""
    return close_of(open_of(at_ns - 1, interval_s), interval_s)


def whole_span(
    interval_s: int, *, first_open_ns: int, watermark_ns: int, from_ns: int, to_ns: int
) -> Span:
    """Return all intervals that are asked for and that there are.

    They are from that of the first trade to that of the watermark; `from_ns` and `to_ns` are as in
    HistoryQuery.
    """
    until_ns = close_of(open_of(watermark_ns, interval_s), interval_s)
    if to_ns:
        until_ns = min(until_ns, first_open_from(to_ns, interval_s))
    if from_ns:
        first_open_ns = max(first_open_ns, first_open_from(from_ns, interval_s))
    return Span(first_open_ns, max(first_open_ns, until_ns))


def page_of(
    span: Span, interval_s: int, *, limit: int, place_ns: int | None, is_forward: bool
) -> tuple[Span, int | None]:
    """Return the intervals of a page, and the place of the next one, None if there is none.

    Forward a place is where the page begins, else where it ends.
    """
    length_ns = limit * interval_s * SECOND_NS
    if is_forward:
        begin_ns = span.from_ns if place_ns is None else max(span.from_ns, place_ns)
        end_ns = min(span.until_ns, begin_ns + length_ns)
        return Span(begin_ns, max(begin_ns, end_ns)), end_ns if end_ns < span.until_ns else None
    end_ns = span.until_ns if place_ns is None else min(span.until_ns, place_ns)
    begin_ns = max(span.from_ns, end_ns - length_ns)
    return Span(begin_ns, max(begin_ns, end_ns)), begin_ns if begin_ns > span.from_ns else None

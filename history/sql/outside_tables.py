"""The tables of outside exchanges, in the history's database.

The rule of this file: amounts are decimal text, since every exchange has scales of its own; times
are those of this machine when it received something, unless they are the venue's. Nothing here is
of the journal, and all of it is dropped when it is old.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

OUTSIDE = sa.MetaData()
_NUMBERS = frozenset(
    [
        "sequence",
        "at_ns",
        "venue_at_ns",
        "interval_s",
        "open_at_ns",
        "trades",
        "gaps",
        "until_sequence",
        "from_ns",
        "until_ns",
    ]
)


class _Columns:
    """Columns by their names."""

    def __init__(self, names: str) -> None:
        self._names = names

    def __iter__(self) -> Iterator[sa.Column[Any]]:
        for name in self._names.split():
            kind: Any = sa.BigInteger if name in _NUMBERS else sa.String
            if name == "is_recovered":
                kind = sa.Boolean
            yield sa.Column(name, kind, autoincrement=False, nullable=False)


# `sequence` is the entry's on the feed: it counts up by 1, and begins higher with each aggregator.
outside_trades = sa.Table(
    "outside_trades",
    OUTSIDE,
    *_Columns("book sequence at_ns trade_id price quantity taker_side venue_at_ns is_recovered"),
    sa.PrimaryKeyConstraint("book", "sequence"),
    sa.Index("outside_trades_by_time", "at_ns"),
    sqlite_with_rowid=False,
)
# At most one a second of a book: the first of that second that was seen. Empty texts: not live.
outside_touches = sa.Table(
    "outside_touches",
    OUTSIDE,
    *_Columns("book at_ns state bid bid_quantity ask ask_quantity venue_at_ns"),
    sa.PrimaryKeyConstraint("book", "at_ns"),
    sa.Index("outside_touches_by_time", "at_ns"),
    sqlite_with_rowid=False,
)
# `gaps` counts how often something may be missing in the interval: 0 is exact.
outside_candles = sa.Table(
    "outside_candles",
    OUTSIDE,
    *_Columns(
        "book interval_s open_at_ns open high low close volume quote_volume trades "
        "taker_buy_volume taker_buy_quote_volume gaps"
    ),
    sa.PrimaryKeyConstraint("book", "interval_s", "open_at_ns"),
    sa.Index("outside_candles_by_time", "open_at_ns"),
    sqlite_with_rowid=False,
)
# Between the last trade that was received and the first one after something was missed: whatever
# lies in between is not known. `from_ns` is 0 where nothing was received before.
outside_gaps = sa.Table(
    "outside_gaps",
    OUTSIDE,
    *_Columns("book until_sequence from_ns until_ns"),
    sa.PrimaryKeyConstraint("book", "until_sequence"),
    sa.Index("outside_gaps_by_time", "until_ns"),
    sqlite_with_rowid=False,
)

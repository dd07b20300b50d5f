"""The tables of outside exchanges, in the history's database.

The rule of this file: amounts are decimal text, since every exchange has scales of its own; times
are those of this machine when it received something, unless they are the venue's. Nothing here is
of the journal, and all of it is dropped when it is old.
"""

import sqlalchemy as sa

OUTSIDE = sa.MetaData()


def _text(name: str, *, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String, primary_key=key, nullable=False)


def _number(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=key, autoincrement=False, nullable=False)


# `sequence` is the entry's on the feed: it counts up by 1, and begins higher with each aggregator.
outside_trades = sa.Table(
    "outside_trades",
    OUTSIDE,
    _text("book", key=True),
    _number("sequence", key=True),
    _number("at_ns"),
    _text("trade_id"),
    _text("price"),
    _text("quantity"),
    _text("taker_side"),
    _number("venue_at_ns"),
    sa.Column("is_recovered", sa.Boolean, nullable=False),
    sa.Index("outside_trades_by_time", "at_ns"),
    sqlite_with_rowid=False,
)
# At most one a second of a book: the first of that second that was seen. Empty texts: not live.
outside_touches = sa.Table(
    "outside_touches",
    OUTSIDE,
    _text("book", key=True),
    _number("at_ns", key=True),
    _text("state"),
    _text("bid"),
    _text("bid_quantity"),
    _text("ask"),
    _text("ask_quantity"),
    _number("venue_at_ns"),
    sa.Index("outside_touches_by_time", "at_ns"),
    sqlite_with_rowid=False,
)
# `gaps` counts how often something may be missing in the interval: 0 is exact.
outside_candles = sa.Table(
    "outside_candles",
    OUTSIDE,
    _text("book", key=True),
    _number("interval_s", key=True),
    _number("open_at_ns", key=True),
    _text("open"),
    _text("high"),
    _text("low"),
    _text("close"),
    _text("volume"),
    _text("quote_volume"),
    _number("trades"),
    _text("taker_buy_volume"),
    _text("taker_buy_quote_volume"),
    _number("gaps"),
    sa.Index("outside_candles_by_time", "open_at_ns"),
    sqlite_with_rowid=False,
)
# Between the last trade that was received and the first one after something was missed: whatever
# lies in between is not known. `from_ns` is 0 where nothing was received before.
outside_gaps = sa.Table(
    "outside_gaps",
    OUTSIDE,
    _text("book", key=True),
    _number("until_sequence", key=True),
    _number("from_ns"),
    _number("until_ns"),
    sa.Index("outside_gaps_by_time", "until_ns"),
    sqlite_with_rowid=False,
)

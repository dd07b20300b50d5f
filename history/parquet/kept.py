"""What of each table belongs to a day, in which order, and what may leave the database after it.

The rule of this file: a row belongs to one day, for good: that in which it happened, or ended, or
as a candle was closed; so a day that is over never changes. What statements, candles and open
orders need stays in the database, however old.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from history.parquet.days import SECOND_NS, begin_ns, end_ns
from history.sql import tables as t

Clause = sa.ColumnElement[bool]
LIVING = ("open", "partially_filled", "pending")
CANDLES_GO_S = 1  # Candles of a second go with their trades; those of a minute and more stay.


@dataclass(frozen=True)
class Kept:
    """A table. `ends` is the time by which a row has its day; `over` says which rows have ended;
    `going(before_ns)` which may leave once the days before are written, None: none ever.
    """

    table: sa.Table
    ends: sa.ColumnElement[int]
    over: Clause
    sequence: str = ""  # The column of the event that a row comes from.
    going: Callable[[int], Clause] | None = None

    @property
    def name(self) -> str:
        return str(self.table.name)  # Not SQLAlchemy's own kind of text.

    @property
    def key(self) -> list[sa.Column[Any]]:
        return list(self.table.primary_key.columns)

    def of_day(self, day: int, dialect: str) -> sa.Select[Any]:
        """All rows of a day, by their key, in an order that every database agrees on."""
        within = (self.ends >= begin_ns(day)) & (self.ends < end_ns(day))
        key: list[Any] = list(self.key)
        if dialect == "postgresql":  # Its own order of text depends on its locale.
            key = [sa.collate(c, "C") if isinstance(c.type, sa.String) else c for c in key]
        return sa.select(self.table).where(self.over & within).order_by(*key)

    def keys_going(
        self,
        before_ns: int,
        *,
        since_ns: int = 0,
        until_ns: int | None = None,
        after: tuple[Any, ...] | None = None,
    ) -> sa.Select[Any] | None:
        """The keys of the rows that may leave; with times, of those alone that
        ended within; with `after`, of those behind that key.
        """
        if self.going is None:
            return None
        end_ns = before_ns if until_ns is None else min(before_ns, until_ns)
        ended = (self.ends >= since_ns) & (self.ends < end_ns)
        query = sa.select(*self.key).where(self.over & ended & self.going(before_ns))
        if after is not None:
            values = [sa.literal(value, c.type) for value, c in zip(after, self.key, strict=True)]
            query = query.where(sa.tuple_(*self.key) > sa.tuple_(*values))
        return query


def _all(_before_ns: int) -> Clause:
    return sa.true()


def _ledger(before_ns: int) -> Clause:
    """All lines but the newest one of each account and asset, the opening balance of the rest."""
    one, later = t.ledger.c, t.ledger.alias("later").c
    newer = sa.tuple_(later.sequence, later.leg) > sa.tuple_(one.sequence, one.leg)
    same = (later.account_id == one.account_id) & (later.asset == one.asset)
    return sa.exists(sa.select(sa.literal(1)).where(same & newer & (later.at_ns < before_ns)))


def _trades(before_ns: int) -> Clause:
    """All but the newest one of each market: the last price before the rest."""
    one, later = t.trades.c, t.trades.alias("later").c
    newer = (later.market == one.market) & (later.trade_id > one.trade_id)
    # A sum, so that SQLite looks for the next trade by its id: by time it would try all of them.
    is_old = later.at_ns + 0 < before_ns
    return sa.exists(sa.select(sa.literal(1)).where(newer & is_old))


def _candles(before_ns: int) -> Clause:
    """Those of a second, but the newest one of each market: empty ones go on from its close."""
    one, later = t.candles.c, t.candles.alias("later").c
    same = (later.market == one.market) & (later.interval_s == one.interval_s)
    newer = (later.open_at_ns > one.open_at_ns) & (
        later.open_at_ns < before_ns - CANDLES_GO_S * SECOND_NS
    )
    there_is_one = sa.exists(sa.select(sa.literal(1)).where(same & newer))
    return sa.and_(one.interval_s == CANDLES_GO_S, there_is_one)


def _happened(
    table: sa.Table, going: Callable[[int], Clause] | None, *, sequence: str = "sequence"
) -> Kept:
    return Kept(table, table.c.at_ns, sa.true(), sequence, going)


def all_kept() -> tuple[Kept, ...]:
    """Return every table that is written by day."""
    close_ns = t.candles.c.open_at_ns + t.candles.c.interval_s * SECOND_NS
    return (
        _happened(t.trades, _trades),
        _happened(t.fills, _all),
        Kept(
            t.orders,
            t.orders.c.updated_at_ns,
            t.orders.c.status.not_in(LIVING),
            "updated_sequence",
            _all,
        ),
        _happened(t.order_changes, _all),
        _happened(t.ledger, _ledger),
        _happened(t.deposits, None),
        Kept(
            t.withdrawals,
            t.withdrawals.c.ended_at_ns,
            t.withdrawals.c.status != "pending",
            "updated_sequence",
        ),
        _happened(t.rejections, _all),
        _happened(t.venue_events, None),
        # A candle belongs to the day of its last nanosecond: a week's to its Sunday.
        Kept(t.candles, close_ns - 1, sa.true(), "", _candles),
    )

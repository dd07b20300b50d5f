"""The months of the history in PostgreSQL: a partition of every growing table for each.

The rule of this file: a partition is there before a row needs it; and it is made beside its table
and then attached, for which nobody who reads has to wait.
"""

import calendar
import time
from collections.abc import Iterable
from itertools import product
from typing import Any

from history.projection.intervals import DAY_S, SECOND_NS
from history.sql.plan import Plan
from history.sql.tables import METADATA, MONTHLY
from history.sql.wide import INT64_MAX

DAY_NS = DAY_S * SECOND_NS


def month_of(day: int) -> int:
    """Return the month that a day lies in, both counted from January 1970, in UTC."""
    date = time.gmtime(day * DAY_S)
    return (date.tm_year - 1970) * 12 + date.tm_mon - 1


def begin_of(month: int) -> int:
    """Return when a month begins, in nanoseconds, as late as there is a time at all."""
    years, months = divmod(month, 12)
    begin_s = calendar.timegm((1970 + years, 1 + months, 1, 0, 0, 0))
    return min(begin_s * SECOND_NS, INT64_MAX)


def name_of(table: str, month: int) -> str:
    """Return a partition's name, like trades_2026_03."""
    years, months = divmod(month, 12)
    return f"{table}_{1970 + years:04d}_{1 + months:02d}"


def needed(plan: Plan) -> set[tuple[str, int]]:
    """Return the months that a plan needs, and those that come next."""
    found = set()
    for part in plan.parts:
        if part.table in MONTHLY:
            found |= {(part.table, month) for month in _months_of(part.table, part.rows)}
    newest = month_of(plan.cursor.at_ns // DAY_NS)
    ahead = (month for month in (newest, newest + 1) if begin_of(month) < INT64_MAX)
    return found | set(product(MONTHLY, ahead))


def _months_of(table: str, rows: Iterable[tuple[Any, ...]]) -> set[int]:
    at = METADATA.tables[table].columns.keys().index(MONTHLY[table])
    days = {row[at] // DAY_NS for row in rows}
    return {month_of(day) for day in days}


async def ensure(driver: Any, months: set[tuple[str, int]]) -> set[tuple[str, int]]:
    """Make those that are missing, in the transaction of the connection, and return all."""
    for table, month in sorted(months):
        name = name_of(table, month)
        if await driver.fetchval("SELECT to_regclass($1)", name) is not None:
            continue
        begin_ns, end_ns = begin_of(month), begin_of(month + 1)
        end = str(end_ns) if end_ns < INT64_MAX else "MAXVALUE"
        await driver.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS)")
        await driver.execute(
            f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({begin_ns}) TO ({end})"
        )
    return months

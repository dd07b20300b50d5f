"""Rejections: what the exchange refused, and why.

The rule of this file: one row for a code, a field and a market; the most frequent first.
"""

import sqlalchemy as sa

from history.reports.form import Column, Kind, Outcome, Rows
from history.reports.making import PERIOD_MARKET_ACCOUNT, ReportKind
from history.reports.scope import Scope
from history.reports.source import Source, within
from history.sql.tables import rejections
from shared.rest.fields import public_field


async def _make(source: Source, scope: Scope, outcome: Outcome) -> Rows:
    r = rejections.c
    key = r.code, r.field, r.market
    counts = sa.func.count(), sa.func.count(sa.distinct(r.account_id))
    ends = sa.func.min(r.at_ns), sa.func.max(r.at_ns)
    where = within(rejections, scope)
    grouped = sa.select(*key, *counts, *ends).where(*where).group_by(*key)
    found = await source.all(grouped)
    for row in sorted(found, key=lambda row: (-row[3], *row[:3])):
        yield (row[0], public_field(row[1]), *row[2:])
    outcome.total("rejections", "", sum(row[3] for row in found))


REJECTIONS = ReportKind(
    name="rejections",
    title="Rejections by code",
    definition=(
        "A row is an error code, the field of the request that was at fault, and the market that"
        " it named: how often the exchange said no so, and to how many distinct accounts.",
        "Counted are refusals of the engine, which are journalled. What the gateway refuses before"
        " (a bad shape, a limit, a login) is not among them.",
    ),
    columns=(
        Column("code", Kind.TEXT, "Code"),
        Column("field", Kind.TEXT, "Field"),
        Column("market", Kind.TEXT, "Market"),
        Column("rejections", Kind.COUNT, "Rejections"),
        Column("accounts", Kind.COUNT, "Accounts"),
        Column("first_at", Kind.TIME, "First"),
        Column("last_at", Kind.TIME, "Last"),
    ),
    options=PERIOD_MARKET_ACCOUNT,
    make=_make,
)

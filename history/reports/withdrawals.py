"""Withdrawals: which are pending and for how long, and what became of those of each day.

The rule of this file: a withdrawal is of the day on which it was asked for.
"""

from collections import Counter

import sqlalchemy as sa

from history.projection.intervals import SECOND_NS
from history.projection.rows import WithdrawalRow
from history.reports.form import Column, Kind, Outcome, Rows
from history.reports.making import PERIOD, ReportKind
from history.reports.scope import Scope
from history.reports.source import Source, whole, whole_sum, within
from history.reports.volumes import day_of
from history.sql.tables import withdrawals


async def _pending(source: Source, scope: Scope, outcome: Outcome) -> Rows:
    w = withdrawals.c
    as_of_ns = min(scope.until_ns - 1, source.cursor.at_ns)
    has_not_ended = sa.or_(w.ended_at_ns == 0, w.ended_at_ns > as_of_ns)
    where = *within(withdrawals, scope, time="requested_at_ns"), has_not_ended
    ordered = sa.select(withdrawals).where(*where)
    counts, sums = Counter[str](), Counter[str]()
    async for row in source.each(ordered.order_by(w.requested_at_ns, w.withdrawal_id)):
        found = WithdrawalRow(*row)
        counts[found.asset] += 1
        sums[found.asset] += found.amount_atoms
        yield (
            found.withdrawal_id,
            found.account_id,
            found.asset,
            source.amount(found.asset, found.amount_atoms),
            found.requested_at_ns,
            (as_of_ns - found.requested_at_ns) // SECOND_NS,
            found.reference,
        )
    for asset in sorted(counts):
        outcome.total("pending", asset, counts[asset])
        outcome.total("amount", asset, source.amount(asset, sums[asset]))


PENDING_WITHDRAWALS = ReportKind(
    name="pending-withdrawals",
    title="Withdrawals pending",
    definition=(
        "A row is a withdrawal that was asked for and neither settled nor returned at the end of"
        " the report, the oldest first.",
        "Age is whole seconds of journal time from the request to the end of the report.",
    ),
    columns=(
        Column("withdrawal", Kind.COUNT, "Withdrawal"),
        Column("account", Kind.COUNT, "Account"),
        Column("asset", Kind.TEXT, "Asset"),
        Column("amount", Kind.DECIMAL, "Amount"),
        Column("requested_at", Kind.TIME, "Asked for"),
        Column("age_s", Kind.COUNT, "Age (s)"),
        Column("reference", Kind.TEXT, "Reference"),
    ),
    options=PERIOD | {"account"},
    make=_pending,
)


async def _by_day(source: Source, scope: Scope, outcome: Outcome) -> Rows:
    w = withdrawals.c
    day = day_of(withdrawals, "requested_at_ns")
    key = day, w.asset, w.status
    counts = sa.func.count(), sa.func.count(sa.distinct(w.account_id))
    where = within(withdrawals, scope, time="requested_at_ns")
    grouped = sa.select(*key, *counts, *whole_sum(w.amount_atoms)).where(*where).group_by(*key)
    totals = Counter[tuple[str, str]]()
    for number, asset, status, count, accounts, high, low in sorted(
        await source.all(grouped), key=lambda row: tuple(row[:3])
    ):
        atoms = whole(high, low)
        totals[asset, status] += atoms
        yield number, asset, status, count, accounts, source.amount(asset, atoms)
    for (asset, status), atoms in sorted(totals.items()):
        outcome.total(status, asset, source.amount(asset, atoms))


WITHDRAWALS = ReportKind(
    name="withdrawals",
    title="Withdrawals by day and status",
    definition=(
        "A row is a day of UTC on which withdrawals were asked for, an asset, and what they are"
        " now: pending, settled (the money has left), refused (by an operator), cancelled (by"
        " its owner), or immediate (taken out at once).",
        "Accounts are the distinct ones that asked.",
    ),
    columns=(
        Column("day", Kind.DAY, "Day (UTC)"),
        Column("asset", Kind.TEXT, "Asset"),
        Column("status", Kind.TEXT, "Status"),
        Column("withdrawals", Kind.COUNT, "Withdrawals"),
        Column("accounts", Kind.COUNT, "Accounts"),
        Column("amount", Kind.DECIMAL, "Amount"),
    ),
    options=PERIOD | {"account"},
    make=_by_day,
)

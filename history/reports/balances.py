"""Balances: what every account had at a moment, and that nothing was made or lost.

The rule of this file: a balance is the sum of the lines of a statement; the last line says what it
is, too, and both must agree.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from history.reports.form import Column, Kind, Outcome, Rows, time_text
from history.reports.making import ReportKind
from history.reports.scope import Scope
from history.reports.source import ReportError, Source, whole, whole_sum, within
from history.sql.tables import deposits, fills, ledger, withdrawals

DIFFERENCES_MAX = 20  # Told one by one; the rest as a number.
LEGS_MAX = 8  # More lines than an event has of one account and asset.


@dataclass(slots=True)
class _Books:
    """Sums of one asset, in atoms."""

    available: int = 0
    held: int = 0
    deposits: int = 0
    withdrawals: int = 0
    fees: int = 0
    paid_out: int = 0

    @property
    def difference(self) -> int:
        there = self.available + self.held + self.fees - self.paid_out
        return there - (self.deposits - self.withdrawals)


async def _make(source: Source, scope: Scope, outcome: Outcome) -> Rows:
    scope = scope._replace(from_ns=0)
    if scope.until_ns <= source.kept_from_ns:
        since = time_text(source.kept_from_ns)
        raise ReportError(f"Lines before {since} have left the database: ask for a later moment.")
    books: dict[str, _Books] = defaultdict(_Books)
    unlike: list[str] = []
    async for row in source.each(_balances(scope)):
        account_id, asset, *parts, opening, opening_held, last_ns, available, held = row
        changes = whole(parts[0], parts[1]), whole(parts[2], parts[3])
        found = opening + changes[0], opening_held + changes[1]
        if found != (available, held):
            unlike.append(f"Account {account_id} has another sum of {asset} than its last line.")
        books[asset].available += available
        books[asset].held += held
        amounts = available, held, available + held
        yield (account_id, asset, *(source.amount(asset, atoms) for atoms in amounts), last_ns)
    if len(unlike) > DIFFERENCES_MAX:
        unlike[DIFFERENCES_MAX:] = [f"So do {len(unlike) - DIFFERENCES_MAX} more."]
    outcome.check("The lines of each statement add up to its last line.", unlike)
    if scope.account_id is None:
        await _read_flows(source, scope, books)
        _reconcile(source, books, outcome)
    else:
        _add_up(source, books, outcome)
        outcome.notes.append("Of one account alone, nothing can be compared with deposits.")


def _balances(scope: Scope) -> sa.Select[Any]:
    line = ledger.c
    key = line.account_id, line.asset
    sums = *whole_sum(line.available_change), *whole_sum(line.held_change)
    names = "available_high", "available_low", "held_high", "held_low"
    columns = [part.label(name) for part, name in zip(sums, names, strict=True)]
    place = line.sequence * _legs() + line.leg
    ends = sa.func.min(place).label("oldest"), sa.func.max(place).label("newest")
    summed = (
        sa.select(*key, *columns, *ends).where(*within(ledger, scope)).group_by(*key).subquery()
    )
    first, last = ledger.alias("first"), ledger.alias("last")
    is_first, is_last = _is_at(first, summed, "oldest"), _is_at(last, summed, "newest")
    return (
        sa.select(
            summed.c.account_id,
            summed.c.asset,
            *(summed.c[name] for name in names),
            first.c.available - first.c.available_change,
            first.c.held - first.c.held_change,
            last.c.at_ns,
            last.c.available,
            last.c.held,
        )
        .select_from(summed.join(first, is_first).join(last, is_last))
        .order_by(summed.c.account_id, summed.c.asset)
    )


def _legs() -> sa.ColumnElement[int]:
    return sa.literal_column(f"{LEGS_MAX}", sa.BigInteger)


def _is_at(line: sa.FromClause, summed: sa.Subquery, end: str) -> sa.ColumnElement[bool]:
    place = summed.c[end]
    return (
        (line.c.account_id == summed.c.account_id)
        & (line.c.asset == summed.c.asset)
        & (line.c.sequence == place // _legs())
        & (line.c.leg == place % _legs())
    )


async def _read_flows(source: Source, scope: Scope, books: dict[str, _Books]) -> None:
    scope = scope._replace(market="")
    d, w, f, line = deposits.c, withdrawals.c, fills.c, ledger.c
    came = sa.select(d.asset, *whole_sum(d.amount_atoms)).where(*within(deposits, scope))
    for asset, high, low in await source.all(came.group_by(d.asset)):
        books[asset].deposits = whole(high, low)
    has_left = w.status.in_(("settled", "immediate"))
    left = sa.select(w.asset, *whole_sum(w.amount_atoms)).where(
        has_left, *within(withdrawals, scope, time="ended_at_ns")
    )
    for asset, high, low in await source.all(left.group_by(w.asset)):
        books[asset].withdrawals = whole(high, low)
    taken = sa.select(f.fee_asset, *whole_sum(f.fee_atoms)).where(*within(fills, scope))
    for asset, high, low in await source.all(taken.group_by(f.fee_asset)):
        books[asset].fees = whole(high, low)
    paid = sa.select(line.asset, *whole_sum(line.available_change)).where(
        line.cause == "fees_paid_out", *within(ledger, scope)
    )
    for asset, high, low in await source.all(paid.group_by(line.asset)):
        books[asset].paid_out = whole(high, low)


def _reconcile(source: Source, books: dict[str, _Books], outcome: Outcome) -> None:
    differing = []
    for asset, book in sorted(books.items()):
        amounts = {
            "deposits": book.deposits,
            "withdrawals": book.withdrawals,
        }
        _add_up(source, {asset: book}, outcome)
        if not source.kept_from_ns:
            amounts["fees kept"] = book.fees - book.paid_out
            amounts["difference"] = book.difference
        for name, atoms in amounts.items():
            outcome.total(name, asset, source.amount(asset, atoms))
        if book.difference:
            amount = source.amount(asset, book.difference)
            differing.append(f"{amount} {asset} is there too much.")
    if source.kept_from_ns:
        outcome.notes.append(
            "It is NOT reconciled: fees of trades that have left the database are not known here."
            " `rialto engine proof` and the Parquet days say whether the books add up."
        )
        return
    outcome.check("available + held + fees kept = deposits - withdrawals.", differing)


def _add_up(source: Source, books: dict[str, _Books], outcome: Outcome) -> None:
    for asset, book in sorted(books.items()):
        outcome.total("available", asset, source.amount(asset, book.available))
        outcome.total("held", asset, source.amount(asset, book.held))


BALANCES = ReportKind(
    name="balances",
    title="Balances",
    definition=(
        "A row is an account and an asset of which its statement has a line: what it was after the"
        " last line before the end of the report.",
        "Available can be used; held is what orders and pending withdrawals hold; total is both.",
        "The report is reconciled where, of each asset, available + held of all accounts + fees"
        " that the venue kept = deposits - withdrawals that have left. Balances are from the"
        " ledger, deposits and withdrawals from their own lists, and fees from the fills.",
    ),
    columns=(
        Column("account", Kind.COUNT, "Account"),
        Column("asset", Kind.TEXT, "Asset"),
        Column("available", Kind.DECIMAL, "Available"),
        Column("held", Kind.DECIMAL, "Held"),
        Column("total", Kind.DECIMAL, "Total"),
        Column("changed_at", Kind.TIME, "Last change"),
    ),
    options=frozenset({"to", "at", "account"}),
    make=_make,
)

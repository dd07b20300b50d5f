"""Fees: what each day brought of each market, and that the ledger says the same.

The rule of this file: a fee is counted from the fills; the ledger only proves it.
"""

from typing import Any, NamedTuple

import sqlalchemy as sa

from history.reports.form import DAY_NS, Column, Kind, Outcome, Rows, day_text
from history.reports.making import PERIOD_MARKET_ACCOUNT, ReportKind
from history.reports.scope import Scope
from history.reports.source import Source, whole, whole_sum, within
from history.reports.volumes import day_of
from history.sql.tables import fills, ledger

_Key = tuple[int, str, str]  # Day, market, asset.


class _Fees(NamedTuple):
    maker: int = 0
    taker: int = 0
    rebates: int = 0  # At or above 0.

    @property
    def net(self) -> int:
        return self.maker + self.taker - self.rebates


async def _make(source: Source, scope: Scope, outcome: Outcome) -> Rows:
    if scope.market:
        source.market(scope.market)
    found = await _of_fills(source, scope)
    totals: dict[str, _Fees] = {}
    for key in sorted(found):
        day, market, asset = key
        fees = found[key]
        totals[asset] = _Fees(
            *(sum(pair) for pair in zip(totals.get(asset, _Fees()), fees, strict=True))
        )
        parts = fees.maker, fees.taker, fees.rebates, fees.net
        yield (day, market, asset, *(source.amount(asset, atoms) for atoms in parts))
    for asset, fees in sorted(totals.items()):
        for name, atoms in (*fees._asdict().items(), ("net", fees.net)):
            outcome.total(name, asset, source.amount(asset, atoms))
    _compare(source, found, await _of_ledger(source, scope), outcome)


async def _of_fills(source: Source, scope: Scope) -> dict[_Key, _Fees]:
    f = fills.c
    key = day_of(fills), f.market, f.fee_asset

    def part(*conditions: sa.ColumnElement[bool]) -> tuple[sa.ColumnElement[Any], ...]:
        return whole_sum(sa.case((sa.and_(*conditions), f.fee_atoms), else_=0))

    is_paid = f.fee_atoms > 0
    sums = (
        *part(is_paid, f.role == "maker"),
        *part(is_paid, f.role == "taker"),
        *part(f.fee_atoms < 0),
    )
    grouped = sa.select(*key, *sums).where(*within(fills, scope)).group_by(*key)
    return {
        (row[0], row[1], row[2]): _Fees(
            whole(row[3], row[4]), whole(row[5], row[6]), -whole(row[7], row[8])
        )
        for row in await source.all(grouped)
    }


async def _of_ledger(source: Source, scope: Scope) -> dict[_Key, int]:
    line = ledger.c
    key = day_of(ledger), line.market, line.asset
    where = *within(ledger, scope), line.cause == "trade", line.fee_atoms != 0
    grouped = sa.select(*key, *whole_sum(line.fee_atoms)).where(*where).group_by(*key)
    return {(row[0], row[1], row[2]): whole(row[3], row[4]) for row in await source.all(grouped)}


def _compare(
    source: Source, found: dict[_Key, _Fees], stated: dict[_Key, int], outcome: Outcome
) -> None:
    differing = []
    for key in sorted(found.keys() | stated.keys()):
        day, market, asset = key
        if day * DAY_NS < source.kept_from_ns:
            continue  # Of these days a line may have stayed, as an opening balance, and no fill.
        atoms = found.get(key, _Fees()).net - stated.get(key, 0)
        if atoms:
            amount = source.amount(asset, atoms)
            differing.append(f"{market} on {day_text(day)}: fills less ledger is {amount} {asset}.")
    outcome.check("The ledger says the same.", differing)


FEES = ReportKind(
    name="fees",
    title="Fees",
    definition=(
        "A row is a day of UTC, a market and the asset that fees were taken in. The day is that of"
        " the trade.",
        "Maker and taker are the fees above zero of each role. Rebates are what makers got back,"
        " as a number above zero. Net = maker + taker - rebates.",
        "Fees that were paid out of what the venue had earned are no part of it.",
    ),
    columns=(
        Column("day", Kind.DAY, "Day (UTC)"),
        Column("market", Kind.TEXT, "Market"),
        Column("asset", Kind.TEXT, "Asset"),
        Column("maker", Kind.DECIMAL, "Maker fees"),
        Column("taker", Kind.DECIMAL, "Taker fees"),
        Column("rebates", Kind.DECIMAL, "Rebates"),
        Column("net", Kind.DECIMAL, "Net"),
    ),
    options=PERIOD_MARKET_ACCOUNT,
    make=_make,
)

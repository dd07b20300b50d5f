"""Balances against the core's own, at the end and at moments of a random day."""

from fractions import Fraction

import pytest
import sqlalchemy as sa

from engine.core.exchange import Exchange
from history.reports.scope import Scope
from history.reports.source import ReportError
from history.sql.database import HistoryDatabase
from history.sql.tables import deposits, fills, ledger
from tests.history.reports.days import RecordedDay
from tests.history.reports.facts import units
from tests.history.reports.reading import KeptOutput, report


def of_core(day: RecordedDay, until_ns: int) -> dict[tuple[int, str], tuple[Fraction, Fraction]]:
    """What a core has that carried out the journal before a moment, balances of 0 left out."""
    exchange, found = Exchange(), dict[tuple[int, str], tuple[int, int]]()
    for _, at_ns, command in day.journal:
        if at_ns >= until_ns:
            break
        exchange.apply(command, at_ns=at_ns)
        found.update(exchange.drain_changes().balances)
    return {
        key: (units(key[1], available), units(key[1], held))
        for key, (available, held) in found.items()
        if available or held
    }


def found_in(kept: KeptOutput) -> dict[tuple[int, str], tuple[Fraction, Fraction]]:
    for row in kept.named:
        assert Fraction(row["total"]) == Fraction(row["available"]) + Fraction(row["held"])
    return {
        (row["account"], row["asset"]): (Fraction(row["available"]), Fraction(row["held"]))
        for row in kept.named
        if row["total"] != "0"
    }


async def test_balances_are_those_of_the_core_at_any_moment_and_reconcile(
    history: HistoryDatabase, day: RecordedDay
) -> None:
    times = sorted({at_ns for _, at_ns, _ in day.journal})
    moments = [times[0], times[len(times) // 3], times[-2] + 1, times[-1] + 1]
    # Between the request and the end of a withdrawal, money is held and has not left.
    ended = (row.ended_at_ns for row in day.rows.withdrawals.values() if row.status == "settled")
    moments += sorted(ended)[:3]
    for until_ns in moments:
        kept = await report(history, "balances", Scope(until_ns=until_ns))
        assert found_in(kept) == of_core(day, until_ns)
        assert not kept.faults
        assert {total for (name, _), total in kept.totals.items() if name == "difference"} <= {"0"}


async def test_totals_are_those_of_the_rows(history: HistoryDatabase, day: RecordedDay) -> None:
    kept = await report(history, "balances")
    for name in ("available", "held"):
        for asset in ("AAA", "BBB", "USD"):
            summed = sum(Fraction(row[name]) for row in kept.named if row["asset"] == asset)
            assert Fraction(kept.totals[name, asset]) == summed


async def test_one_account_has_its_balances_and_is_not_reconciled(
    history: HistoryDatabase, day: RecordedDay
) -> None:
    kept = await report(history, "balances", Scope(account_id=2))
    everything = of_core(day, 2**63 - 1)
    assert found_in(kept) == {key: value for key, value in everything.items() if key[0] == 2}
    assert kept.outcome is not None
    assert kept.outcome.notes


async def test_money_from_nowhere_is_told_with_the_difference(
    history: HistoryDatabase, day: RecordedDay
) -> None:
    async with history.writing() as connection:
        one = sa.select(sa.func.max(deposits.c.sequence)).where(deposits.c.asset == "USD")
        which = deposits.c.sequence == one.scalar_subquery()
        less = deposits.c.amount_atoms - 1
        await connection.execute(sa.update(deposits).where(which).values(amount_atoms=less))
    kept = await report(history, "balances")
    assert len(kept.faults) == 1
    assert "0.001 USD" in kept.faults[0]
    assert kept.totals["difference", "USD"] == "0.001"


async def test_a_line_that_is_missing_is_told(history: HistoryDatabase, day: RecordedDay) -> None:
    async with history.writing() as connection:
        line = ledger.c
        of_one = (line.account_id == 1) & (line.asset == "USD")
        places = sa.select(line.sequence).where(of_one).order_by(line.sequence)
        middle = (await connection.execute(places)).scalars().all()[1]
        await connection.execute(sa.delete(ledger).where(of_one, line.sequence == middle))
    kept = await report(history, "balances")
    assert any("Account 1 has another sum of USD" in fault for fault in kept.faults)


async def test_balances_stand_when_old_lines_have_left_and_are_not_called_reconciled(
    history: HistoryDatabase, day: RecordedDay
) -> None:
    since_ns = day.applied[len(day.applied) // 2].at_ns
    async with history.writing() as connection:
        later, line = ledger.alias().c, ledger.c
        newer = sa.exists().where(
            later.account_id == line.account_id,
            later.asset == line.asset,
            later.sequence * 8 + later.leg > line.sequence * 8 + line.leg,
            later.at_ns < since_ns,
        )
        await connection.execute(sa.delete(ledger).where(line.at_ns < since_ns, newer))
        await connection.execute(sa.delete(fills).where(fills.c.at_ns < since_ns))
    kept = await report(history, "balances", kept_from_ns=since_ns)
    assert found_in(kept) == of_core(day, 2**63 - 1)
    assert not kept.faults
    assert kept.outcome is not None
    assert any("NOT reconciled" in note for note in kept.outcome.notes)
    with pytest.raises(ReportError):
        await report(history, "balances", Scope(until_ns=since_ns), kept_from_ns=since_ns)

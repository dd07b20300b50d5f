"""Withdrawals of a random day, counted from its events."""

from collections import Counter
from fractions import Fraction
from typing import Any

from history.reports.scope import Scope
from history.sql.database import HistoryDatabase
from shared.messages import (
    FundsWithdrawn,
    ReturnReason,
    WithdrawalRequested,
    WithdrawalReturned,
    WithdrawalSettled,
)
from tests.history.reports.days import RecordedDay
from tests.history.reports.facts import DAY_NS, units
from tests.history.reports.reading import report


def withdrawals_of(day: RecordedDay, until_ns: int) -> dict[int, list[Any]]:
    """What became of each before a moment: day, asset, status, account, atoms, when."""
    found: dict[int, list[Any]] = {}
    for applied in day.applied:
        if applied.at_ns >= until_ns:
            break
        at_ns = applied.at_ns
        for event in applied.events:
            if isinstance(event, WithdrawalRequested):
                change = event.change
                found[event.withdrawal_id] = [
                    *(at_ns // DAY_NS, change.asset, "pending"),
                    *(event.account_id, change.held_change, at_ns),
                ]
            elif isinstance(event, WithdrawalSettled):
                found[event.withdrawal_id][2] = "settled"
            elif isinstance(event, WithdrawalReturned):
                is_refused = event.reason is ReturnReason.REFUSED
                found[event.withdrawal_id][2] = "refused" if is_refused else "cancelled"
            elif isinstance(event, FundsWithdrawn):
                change = event.change
                found[applied.n] = [
                    *(at_ns // DAY_NS, change.asset, "immediate"),
                    *(event.account_id, -change.available_change, at_ns),
                ]
    return found


async def test_pending_withdrawals_are_those_that_have_not_ended_at_any_moment(
    history: HistoryDatabase, day: RecordedDay
) -> None:
    times = [applied.at_ns for applied in day.applied]
    for until_ns in [*times[:: len(times) // 6], times[-1] + 1]:
        kept = await report(history, "pending-withdrawals", Scope(until_ns=until_ns))
        expected = [
            (number, account, asset, units(asset, atoms), at_ns)
            for number, (_, asset, status, account, atoms, at_ns) in sorted(
                withdrawals_of(day, until_ns).items()
            )
            if status == "pending"
        ]
        names = "withdrawal", "account", "asset"
        assert [
            (*(row[name] for name in names), Fraction(row["amount"]), row["requested_at"])
            for row in kept.named
        ] == expected
        for row in kept.named:
            as_of_ns = min(until_ns - 1, day.exchange.at_ns)
            assert row["age_s"] == (as_of_ns - row["requested_at"]) // 10**9


async def test_withdrawals_are_counted_by_the_day_of_their_request(
    history: HistoryDatabase, day: RecordedDay
) -> None:
    kept = await report(history, "withdrawals")
    atoms, count = Counter[Any](), Counter[Any]()
    accounts: dict[Any, set[int]] = {}
    for number, asset, status, account, amount, _ in withdrawals_of(day, 2**63).values():
        key = number, asset, status
        atoms[key] += amount
        count[key] += 1
        accounts.setdefault(key, set()).add(account)
    assert [
        (row["day"], row["asset"], row["status"], row["withdrawals"], row["accounts"])
        for row in kept.named
    ] == [(*key, count[key], len(accounts[key])) for key in sorted(count)]
    for row in kept.named:
        key = row["day"], row["asset"], row["status"]
        assert Fraction(row["amount"]) == units(row["asset"], atoms[key])

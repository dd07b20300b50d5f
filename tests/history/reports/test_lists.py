"""Large trades, candidates, withdrawals and rejections against a random day's events."""

from collections import Counter
from fractions import Fraction
from typing import Any

import pytest

from history.projection.rows import TradeRow
from history.reports.round_trips import candidates
from history.reports.scope import Scope
from history.reports.source import ReportError
from history.sql.database import HistoryDatabase
from shared.messages import (
    FundsWithdrawn,
    Rejected,
    ReturnReason,
    WithdrawalRequested,
    WithdrawalReturned,
    WithdrawalSettled,
)
from tests.history.reports.days import RecordedDay
from tests.history.reports.facts import DAY_NS, trades_of, units
from tests.history.reports.reading import report


def notional(row: dict[str, Any]) -> Fraction:
    return Fraction(row["notional"])


# ---- large trades ----


async def test_the_largest_trades_of_each_market_come_first(
    history: HistoryDatabase, day: RecordedDay
) -> None:
    kept = await report(history, "large-trades", Scope(top=3))
    for name in ("AAA_USD", "BBB_USD"):
        found = [row for row in kept.named if row["market"] == name]
        of_market = [trade.event for trade in trades_of(day) if trade.event.market == name]
        largest = sorted(of_market, key=lambda event: (-event.quote_atoms, event.trade_id))[:3]
        assert [row["trade"] for row in found] == [event.trade_id for event in largest]
        for row, event in zip(found, largest, strict=True):
            is_buy = event.taker_side == "buy"
            pair = (event.taker.account_id, event.maker.account_id)
            assert (row["buyer"], row["seller"]) == (pair if is_buy else pair[::-1])
            assert notional(row) == Fraction(row["price"]) * Fraction(row["quantity"])
            assert notional(row) == units("USD", event.quote_atoms)


async def test_a_threshold_takes_what_is_at_it_and_leaves_what_is_below(
    history: HistoryDatabase, day: RecordedDay
) -> None:
    trade = sorted(trades_of(day), key=lambda one: one.event.quote_atoms)[len(trades_of(day)) // 2]
    atoms = trade.event.quote_atoms
    amount = units("USD", atoms)
    text = f"{float(amount):.3f}"
    assert Fraction(text) == amount
    for least, thresholds in [
        (atoms, (("", text),)),
        (atoms + 1, (("", f"{text}1"),)),  # Finer than the asset: no trade is as small.
        (atoms, (("", "999999"), (trade.event.market, text))),
    ]:
        scope = Scope(market=trade.event.market, thresholds=thresholds)
        kept = await report(history, "large-trades", scope)
        expected = [
            one.event.trade_id
            for one in trades_of(day)
            if one.event.market == trade.event.market and one.event.quote_atoms >= least
        ]
        assert [row["trade"] for row in kept.named] == expected


async def test_thresholds_of_no_market_and_of_no_amount_are_refused(
    history: HistoryDatabase, day: RecordedDay
) -> None:
    for thresholds in ((("NO_USD", "1"),), (("", "1e3"),), (("", "-1"),)):
        with pytest.raises(ReportError):
            await report(history, "large-trades", Scope(thresholds=thresholds))
    with pytest.raises(ReportError, match="AAA_USD, BBB_USD"):
        await report(history, "volumes", Scope(market="AAA_EUR"))


# ---- wash trades ----


async def test_candidates_are_those_of_the_rules_with_all_their_trades(
    history: HistoryDatabase, day: RecordedDay
) -> None:
    owners = ((1, "x"), (2, "x"))
    for scope in (
        Scope(window_ns=10**10, tolerance_ppm=200_000),
        Scope(owners=owners),
        Scope(account_id=3, window_ns=10**12),
        Scope(from_ns=trades_of(day)[5].at_ns, window_ns=10**12),
    ):
        kept = await report(history, "wash-trades", scope)
        expected = []
        for market in ("AAA_USD", "BBB_USD"):
            rows = [row for row in day.rows.trades if row.market == market and _meant(row, scope)]
            expected += list(
                candidates(
                    rows,
                    window_ns=scope.window_ns,
                    tolerance_ppm=scope.tolerance_ppm,
                    owners=dict(scope.owners),
                )
            )
        found: dict[int, list[int]] = {}
        for row in kept.named:
            found.setdefault(row["candidate"], []).append(row["sequence"])
        told = [[trade.sequence for leg in one.legs for trade in leg.trades] for one in expected]
        assert list(found.values()) == told
        assert list(found) == list(range(1, len(told) + 1))
        _check_net(kept.named)


def _meant(row: TradeRow, scope: Scope) -> bool:
    accounts = row.maker_account_id, row.taker_account_id
    return row.at_ns >= scope.from_ns and scope.account_id in (None, *accounts)


def _check_net(rows: list[dict[str, Any]]) -> None:
    for number in {row["candidate"] for row in rows}:
        own = [row for row in rows if row["candidate"] == number]
        lowest = min(own[0]["buyer"], own[0]["seller"])
        base = quote = Fraction(0)
        for row in own:
            sign = (row["buyer"] == lowest) - (row["seller"] == lowest)
            base += sign * Fraction(row["quantity"])
            quote -= sign * notional(row)
        assert {(Fraction(row["net_base"]), Fraction(row["net_quote"])) for row in own} == {
            (base, quote)
        }


# ---- withdrawals ----


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


# ---- rejections ----


async def test_rejections_are_counted_by_code_field_and_market(
    history: HistoryDatabase, day: RecordedDay
) -> None:
    middle_ns = day.applied[len(day.applied) // 2].at_ns
    for scope in (Scope(), Scope(from_ns=middle_ns), Scope(until_ns=middle_ns, account_id=1)):
        kept = await report(history, "rejections", scope)
        expected: dict[tuple[str, str, str], list[tuple[int, int]]] = {}
        for applied in day.applied:
            for event in applied.events:
                is_meant = (
                    isinstance(event, Rejected)
                    and scope.from_ns <= applied.at_ns < scope.until_ns
                    and scope.account_id in (None, event.account_id)
                )
                if is_meant and isinstance(event, Rejected):
                    key = event.code.value, event.field, event.market
                    expected.setdefault(key, []).append((applied.at_ns, event.account_id))
        found = {
            (row["code"], row["field"], row["market"]): (
                *(row["rejections"], row["accounts"]),
                *(row["first_at"], row["last_at"]),
            )
            for row in kept.named
        }
        assert found == {
            key: (len(told), len({account for _, account in told}), told[0][0], told[-1][0])
            for key, told in expected.items()
        }
        counts = [row["rejections"] for row in kept.named]
        assert counts == sorted(counts, reverse=True)

"""Candidates of a random day: those of the rules, with all their trades."""

from fractions import Fraction
from typing import Any

from history.projection.rows import TradeRow
from history.reports.round_trips import candidates
from history.reports.scope import Scope
from history.sql.database import HistoryDatabase
from tests.history.reports.days import RecordedDay
from tests.history.reports.facts import trades_of
from tests.history.reports.reading import report


def notional(row: dict[str, Any]) -> Fraction:
    return Fraction(row["notional"])


async def test_candidates_are_those_of_the_rules_with_all_their_trades(
    history: HistoryDatabase, day: RecordedDay
) -> None:
    owners = ((1, "x"), (2, "x"))
    own = [row for row in day.rows.trades if row.maker_account_id == row.taker_account_id]
    for scope in (
        *(Scope(until_ns=row.at_ns + 1) for row in own[:3]),  # A candidate that is the last.
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
    is_within = scope.from_ns <= row.at_ns < scope.until_ns
    return is_within and scope.account_id in (None, *accounts)


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

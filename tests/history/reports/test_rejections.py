"""Rejections of a random day, counted from its events."""

from history.reports.scope import Scope
from history.sql.database import HistoryDatabase
from shared.messages import Rejected
from shared.rest.fields import public_field
from tests.history.reports.days import RecordedDay
from tests.history.reports.reading import report


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
                    key = event.code.value, public_field(event.field), event.market
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

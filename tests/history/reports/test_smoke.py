from history.reports.catalogue import REPORTS
from history.reports.scope import Scope
import pytest
from tests.history.reports.reading import report


@pytest.mark.parametrize("name", list(REPORTS))
async def test_smoke(history, day, name):
    order = max((f.order_id for f in day.rows.fills), default=1)
    kept = await report(history, name, Scope(order_id=order))
    print(name, len(kept.taken), kept.totals, kept.outcome.checks, kept.outcome.notes)
    for row in kept.taken[:3]:
        print(row)
    assert not kept.faults

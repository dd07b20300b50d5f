"""All reports, by name.

The rule of this file: a report that is not here does not exist.
"""

from history.reports.audit import ORDER
from history.reports.balances import BALANCES
from history.reports.fees import FEES
from history.reports.large_trades import LARGE_TRADES
from history.reports.making import ReportKind
from history.reports.positions import POSITIONS
from history.reports.rejections import REJECTIONS
from history.reports.volumes import VOLUMES
from history.reports.wash_trades import WASH_TRADES
from history.reports.withdrawals import PENDING_WITHDRAWALS, WITHDRAWALS

REPORTS: dict[str, ReportKind] = {
    report.name: report
    for report in (
        VOLUMES,
        FEES,
        BALANCES,
        POSITIONS,
        LARGE_TRADES,
        WASH_TRADES,
        PENDING_WITHDRAWALS,
        WITHDRAWALS,
        REJECTIONS,
        ORDER,
    )
}

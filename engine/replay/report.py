"""What a replay found, as one object for programs and as a few lines for people.

The rule of this file: the verdict is made of the same numbers that are shown.
"""

from msgspec import Struct

US_NS = 1_000


class Report(Struct, frozen=True, kw_only=True):
    """The figures of a replayed day; `ok` only if every check holds.

    `trades` and `volume` (shares) are the exchange's own. Mismatches are counted against an
    independent simple exchange, and against the expectation files where `expected_from` says so.
    """

    trades: int
    volume: int
    cancels_checked: int
    cancel_mismatches: int
    bbo_mismatches: int
    open_orders: int
    conserved: bool
    state_hash: str
    commands_per_s: int
    p50_us: int
    p99_us: int
    trade_mismatches: int
    bbo_checked: int
    refused: dict[str, int]
    broken: list[str]
    commands: int
    accounts: int
    in_flight: int
    elapsed_ms: int
    expected_from: list[str]
    ok: bool = False


def holds(report: Report) -> bool:
    """Say whether everything is as it must be."""
    wrong = (
        report.cancel_mismatches,
        report.trade_mismatches,
        report.bbo_mismatches,
        report.open_orders,
        report.refused,
        report.broken,
    )
    return report.conserved and not any(wrong)


def percentile_us(latencies_ns: list[int], percent: int) -> int:
    """Return the nearest-rank percentile in microseconds; `latencies_ns` must be sorted."""
    rank = -(-len(latencies_ns) * percent // 100)
    return latencies_ns[max(rank, 1) - 1] // US_NS


def lines(report: Report) -> list[str]:
    """Return the report as a person reads it."""
    checked = "{:,} checked, {:,} wrong".format
    rows = {
        "commands": f"{report.commands:,} from {report.accounts} accounts, "
        f"{report.in_flight} in flight",
        "rate": f"{report.commands_per_s:,} commands/s, {report.elapsed_ms:,} ms",
        "latency": f"{report.p50_us:,} us median, {report.p99_us:,} us p99 (enqueue to reply)",
        "trades": f"{report.trades:,}, {report.trade_mismatches:,} wrong",
        "volume": f"{report.volume:,} shares",
        "cancels": checked(report.cancels_checked, report.cancel_mismatches),
        "best bids and asks": checked(report.bbo_checked, report.bbo_mismatches),
        "open at the end": f"{report.open_orders:,} orders",
        "assets conserved": "yes" if report.conserved else "NO",
        "compared with": ", ".join(report.expected_from),
        "state hash": report.state_hash,
    }
    words = [f"{name:<20} {value}" for name, value in rows.items()]
    words += [f"refused: {code} {count:,} times" for code, count in report.refused.items()]
    words += [f"broken: {sentence}" for sentence in report.broken]
    return [*words, "The day came out right." if report.ok else "The day came out WRONG."]

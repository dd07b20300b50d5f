"""From a sent day to its report: what was committed is read back and put beside what was wanted.

The rule of this file: it reads Redis, never the memory of the engine that wrote it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from engine.core.exchange import Exchange
from engine.redis_link import RedisLink
from engine.replay import checks, observed
from engine.replay.day import Day, Kind
from engine.replay.plan import ACCOUNTS, MARKET, Plan
from engine.replay.reference import Expected, Touch, Trade
from engine.replay.report import Report, holds, percentile_us
from engine.replay.sender import Sent
from engine.rows import Meta
from shared.channels import Keys

NS_PER_S, NS_PER_MS = 1_000_000_000, 1_000_000


@dataclass(frozen=True, slots=True)
class PreparedDay:
    """A day, its commands, and all that it is compared with."""

    day: Day
    plan: Plan
    trades: list[list[Trade]]
    touches: list[list[Touch]]
    expected_from: list[str]


def judge(
    prepared: PreparedDay, sent: Sent, link: RedisLink, keys: Keys, *, in_flight: int
) -> Report:
    """Return the report of a day whose commands are all answered; raises ReplayError."""
    day, results = prepared.day, sent.results
    events = observed.read_events(link, keys)
    found = observed.observe(events, results[0].n, len(results), day.price_tick)
    exchange, meta = observed.read_exchange(link, keys)
    depth_rows = observed.read_depth_rows(link, keys, MARKET)
    money = list(_money_faults(exchange, prepared.plan, found))
    faults = list(_row_faults(exchange, meta, depth_rows, sent))
    latencies_ns = sorted(sent.latencies_ns)
    report = Report(
        trades=len(found.trades),
        volume=sum(trade.lots for trade in found.trades),
        cancels_checked=sum(row.kind is Kind.CANCEL for row in day.rows),
        cancel_mismatches=checks.cancel_mismatches(day.rows, results),
        bbo_mismatches=checks.mismatches(found.touches, *prepared.touches),
        open_orders=len(exchange.state.open.by_id),
        conserved=not money,
        state_hash=exchange.state_hash(),
        commands_per_s=len(results) * NS_PER_S // max(sent.elapsed_ns, 1),
        p50_us=percentile_us(latencies_ns, 50),
        p99_us=percentile_us(latencies_ns, 99),
        trade_mismatches=checks.mismatches(found.trades, *prepared.trades),
        bbo_checked=len(found.touches),
        refused=checks.refusals(results),
        broken=money + faults,
        commands=len(results),
        accounts=ACCOUNTS,
        in_flight=in_flight,
        elapsed_ms=sent.elapsed_ns // NS_PER_MS,
        expected_from=prepared.expected_from,
    )
    return replace(report, ok=holds(report))


def _money_faults(exchange: Exchange, plan: Plan, found: Expected) -> Iterator[str]:
    if sentence := checks.broken_invariant(exchange):
        yield sentence
    for asset, atoms in checks.missing_atoms(exchange, plan).items():
        yield f"All accounts lack {atoms} atoms of the {asset} that was deposited."
    if count := checks.wrong_balances(exchange, plan, found.trades):
        yield f"{count} balances are not the deposit and what the trades moved."


def _row_faults(
    exchange: Exchange, meta: Meta, depth_rows: dict[str, int], sent: Sent
) -> Iterator[str]:
    if count := checks.wrong_depth_rows(exchange, depth_rows):
        yield f"{count} depth rows differ from the orders in the book."
    if meta.position != sent.results[-1].n:
        yield f"The venue stands at entry {meta.position}, not at {sent.results[-1].n}."
    if meta.unreadable:
        yield f"{meta.unreadable} commands could not be read."
    if meta.halt:
        yield f"The venue is halted: {meta.halt}"

"""The audit trail of one order: from the request, as it came, to its end.

The rule of this file: everything that names the order, oldest first, and each with its journal
entry, event and journal time; what the rows say of the order is compared with what made it.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import sqlalchemy as sa

from history.projection.living import LIVING
from history.projection.rows import (
    NO_ORDER,
    FillRow,
    LedgerRow,
    MarketRow,
    OrderChangeRow,
    OrderRow,
    RejectionRow,
    TradeRow,
)
from history.reports.decimals import with_decimals
from history.reports.form import Cell, Column, Kind, Outcome, Row, Rows, time_text
from history.reports.making import ReportKind
from history.reports.requests import Request, requests_of
from history.reports.scope import Scope
from history.reports.source import ReportError, Source
from history.sql.tables import fills, ledger, order_changes, orders, rejections, trades
from shared.archive import ArchiveError
from shared.rest.fields import public_field
from shared.words import counted

REQUESTS_MAX = 1_000  # Entries that are looked up: an order that was amended all day long.
TRADES_MAX = 500  # Looked up at a time: SQLite takes some thousand parameters.

COLUMNS = (
    Column("at", Kind.TIME, "Journal time"),
    Column("n", Kind.COUNT, "Journal entry"),
    Column("sequence", Kind.COUNT, "Event"),
    Column("kind", Kind.TEXT, "Kind"),
    Column("what", Kind.TEXT, "What"),
    Column("reason", Kind.TEXT, "Reason"),
    Column("status", Kind.TEXT, "Status"),
    Column("price", Kind.DECIMAL, "Price"),
    Column("quantity", Kind.DECIMAL, "Quantity"),
    Column("filled", Kind.DECIMAL, "Filled"),
    Column("remaining", Kind.DECIMAL, "Remaining"),
    Column("trade", Kind.COUNT, "Trade"),
    Column("counterparty", Kind.COUNT, "Counterparty"),
    Column("counterparty_order", Kind.COUNT, "Counterparty's order"),
    Column("asset", Kind.TEXT, "Asset"),
    Column("available_change", Kind.DECIMAL, "Available change"),
    Column("held_change", Kind.DECIMAL, "Held change"),
    Column("available", Kind.DECIMAL, "Available"),
    Column("held", Kind.DECIMAL, "Held"),
    Column("fee", Kind.DECIMAL, "Fee"),
    Column("fee_asset", Kind.TEXT, "Fee's asset"),
    Column("account", Kind.COUNT, "Account"),
    Column("key", Kind.TEXT, "Idempotency key"),
    Column("details", Kind.TEXT, "Details", has_json=True),
)
_HEAD_COLUMNS = 5  # When, by which entry and event, and what.
_REQUEST, _CHANGE, _FILL, _LEDGER = range(4)  # Of one event the cause comes first.
_Key = tuple[int, int, int, int]


class _Story(NamedTuple):
    order: OrderRow
    changes: list[OrderChangeRow]
    fills: list[FillRow]
    ledger: list[LedgerRow]
    rejections: list[RejectionRow]
    trades: dict[int, TradeRow]


async def _make(source: Source, scope: Scope, outcome: Outcome) -> Rows:
    story = await _read(source, scope.order_id)
    market = source.markets[story.order.market]
    told: list[tuple[_Key, Row]] = []
    for request in _requests(source, story, outcome):
        told.append(((request.n, 0, _REQUEST, 0), _request_row(source, market, request)))
    for change in story.changes:
        told.append(((change.n, change.sequence, _CHANGE, 0), _change_row(source, market, change)))
    for fill in story.fills:
        row = _fill_row(source, market, fill, story.trades.get(fill.trade_id))
        told.append(((fill.n, fill.sequence, _FILL, 0), row))
    for line in story.ledger:
        told.append(((line.n, line.sequence, _LEDGER, line.leg), _ledger_row(source, line)))
    for rejection in story.rejections:
        key = rejection.n, rejection.sequence, _CHANGE, 0
        told.append((key, _rejection_row(rejection)))
    for _key, row in sorted(told, key=lambda one: one[0]):
        yield row
    _sum_up(source, market, story, outcome)
    if story.order.placed_at_ns >= source.kept_from_ns:
        _compare(story, outcome)
        return
    since = time_text(source.kept_from_ns)
    outcome.notes.append(
        f"It was placed before {since}: what happened to it until then has left the database, and"
        " the Parquet days have it; so nothing is added up."
    )


async def _read(source: Source, order_id: int) -> _Story:
    found = await source.all(sa.select(orders).where(orders.c.order_id == order_id))
    if not found:
        raise ReportError(f"There is no order {order_id} in the history{_left(source)}.")
    order = OrderRow(*found[0])
    c, f, line, r = order_changes.c, fills.c, ledger.c, rejections.c
    changed = sa.select(order_changes).where(c.order_id == order_id).order_by(c.sequence)
    filled = sa.select(fills).where(f.order_id == order_id).order_by(f.sequence, f.role)
    lasted = sa.and_(
        line.account_id == order.account_id,
        line.at_ns >= order.placed_at_ns,
        line.at_ns <= order.updated_at_ns,
    )
    lines = sa.select(ledger).where(line.order_id == order_id, lasted)
    refused = sa.select(rejections).where(
        r.account_id == order.account_id, r.order_id == order_id, r.at_ns >= order.placed_at_ns
    )
    found_fills = [FillRow(*row) for row in await source.all(filled)]
    return _Story(
        order,
        [OrderChangeRow(*row) for row in await source.all(changed)],
        found_fills,
        [LedgerRow(*row) for row in await source.all(lines)],
        [RejectionRow(*row) for row in await source.all(refused)],
        await _trades_of(source, order.market, [fill.trade_id for fill in found_fills]),
    )


def _left(source: Source) -> str:
    return ", or it has left the database" if source.kept_from_ns else ""


async def _trades_of(source: Source, market: str, trade_ids: list[int]) -> dict[int, TradeRow]:
    found: dict[int, TradeRow] = {}
    for start in range(0, len(trade_ids), TRADES_MAX):
        named = trades.c.trade_id.in_(trade_ids[start : start + TRADES_MAX])
        wanted = sa.select(trades).where(trades.c.market == market, named)
        found.update((row.trade_id, TradeRow(*row)) for row in await source.all(wanted))
    return found


def _requests(source: Source, story: _Story, outcome: Outcome) -> Iterable[Request]:
    numbers = {change.n for change in story.changes} | {row.n for row in story.rejections}
    numbers |= {fill.n for fill in story.fills if fill.role == "taker"}
    wanted = sorted(numbers)[:REQUESTS_MAX]
    if len(numbers) > len(wanted):
        outcome.notes.append(f"Of {len(numbers)} requests the first {len(wanted)} are shown.")
    if source.archive is None or not source.archive.is_dir():
        outcome.notes.append(f"There is no archive in {source.archive}: no request is shown.")
        return []
    found = []
    try:
        for request in requests_of(source.archive, wanted):
            found.append(request)
    except ArchiveError as error:
        outcome.check("The archive has the requests.", [f"{error}"])
        return found
    missing = sorted(set(wanted) - {request.n for request in found})
    if missing:
        few = ", ".join(str(n) for n in missing[:10])
        outcome.notes.append(
            f"{counted(len(missing), 'request is', 'requests are')} not in the archive: {few}."
        )
    return found


# ---- rows ----


def _row(**cells: Cell) -> Row:
    row = tuple(cells.pop(column.name, None) for column in COLUMNS)
    assert not cells, "a cell has a column"
    return row


def _request_row(source: Source, market: MarketRow, request: Request) -> Row:
    command = request.command
    return _row(
        at=request.came_at_ns,
        n=request.n,
        kind="request",
        what=request.kind or "unreadable",
        account=request.account_id,
        key=request.idempotency_key or None,
        details=with_decimals(command, market, source) if command else None,
    )


def _change_row(source: Source, market: MarketRow, change: OrderChangeRow) -> Row:
    # An order by quote budget has no quantity of its own.
    has_quantity = change.quantity_lots > 0
    stop = source.price(market, change.stop_price_ticks)
    return _row(
        at=change.at_ns,
        n=change.n,
        sequence=change.sequence,
        kind="change",
        what=change.change,
        reason=change.reason or None,
        status=change.status,
        price=source.price(market, change.price_ticks) if change.price_ticks else None,
        quantity=source.quantity(market, change.quantity_lots) if has_quantity else None,
        filled=source.quantity(market, change.filled_lots),
        remaining=source.quantity(market, change.remaining_lots) if has_quantity else None,
        account=change.account_id,
        details=f"stop price {stop}" if change.stop_price_ticks else None,
    )


def _fill_row(source: Source, market: MarketRow, fill: FillRow, trade: TradeRow | None) -> Row:
    other, other_order = _counterparty(fill, trade)
    return _row(
        at=fill.at_ns,
        n=fill.n,
        sequence=fill.sequence,
        kind="fill",
        what=fill.role,
        price=source.price(market, fill.price_ticks),
        quantity=source.quantity(market, fill.quantity_lots),
        filled=source.quantity(market, fill.filled_lots),
        remaining=source.quantity(market, fill.remaining_lots),
        trade=fill.trade_id,
        counterparty=other,
        counterparty_order=other_order,
        fee=source.amount(fill.fee_asset, fill.fee_atoms),
        fee_asset=fill.fee_asset,
        account=fill.account_id,
        details=f"{fill.side} for {source.quote(market, fill.quote_atoms)} {market.quote}",
    )


def _counterparty(fill: FillRow, trade: TradeRow | None) -> tuple[Cell, Cell]:
    if trade is None:
        return None, None
    if fill.role == "maker":
        return trade.taker_account_id, trade.taker_order_id
    return trade.maker_account_id, trade.maker_order_id


def _ledger_row(source: Source, line: LedgerRow) -> Row:
    names = "available_change", "held_change", "available", "held"
    amounts = {name: source.amount(line.asset, getattr(line, name)) for name in names}
    return _row(
        at=line.at_ns,
        n=line.n,
        sequence=line.sequence,
        kind="ledger",
        what=line.cause,
        trade=line.trade_id or None,
        asset=line.asset,
        fee=source.amount(line.asset, line.fee_atoms) if line.fee_atoms else None,
        fee_asset=line.asset if line.fee_atoms else None,
        account=line.account_id,
        **amounts,
    )


def _rejection_row(rejection: RejectionRow) -> Row:
    return _row(
        at=rejection.at_ns,
        n=rejection.n,
        sequence=rejection.sequence,
        kind="rejection",
        what=rejection.code,
        reason=public_field(rejection.field) or None,
        account=rejection.account_id,
    )


# ---- what it comes to ----


def _sum_up(source: Source, market: MarketRow, story: _Story, outcome: Outcome) -> None:
    order = story.order
    outcome.total("account", "", order.account_id)
    outcome.total("order", market.market, f"{order.side} {order.type} {order.time_in_force}")
    outcome.total("status", "", order.status)
    outcome.total("fills", "", len(story.fills))
    outcome.total("filled", market.base, source.quantity(market, order.filled_lots))
    outcome.total("filled", market.quote, source.quote(market, order.filled_quote_atoms))
    for name in ("peer", "parent"):
        other = getattr(order, f"{name}_order_id")
        if other != NO_ORDER:
            outcome.notes.append(f"Its {name} is order {other}, which has a trail of its own.")


def _compare(story: _Story, outcome: Outcome) -> None:
    order = story.order
    sums = {
        "filled_lots": sum(fill.quantity_lots for fill in story.fills),
        "filled_quote_atoms": sum(fill.quote_atoms for fill in story.fills),
        "fee_atoms": sum(fill.fee_atoms for fill in story.fills),
    }
    found: dict[str, Any] = order._asdict()
    differing = [
        f"{name} is {found[name]}, of the fills {summed}."
        for name, summed in sums.items()
        if found[name] != summed
    ]
    outcome.check("The fills add up to what the order says.", differing)
    named = sorted({fill.trade_id for fill in story.fills} - story.trades.keys())
    lacking = [f"Trade {trade_id} is not." for trade_id in named]
    outcome.check("The trades of its fills are there.", lacking)
    # The two of a pair hold one amount together.
    if order.status not in LIVING and order.peer_order_id == NO_ORDER:
        held = sum(line.held_change for line in story.ledger)
        left = [f"{held} atoms are left."] if held else []
        outcome.check("All that it held was given back or spent.", left)


ORDER = ReportKind(
    name="order",
    title="Audit trail of an order",
    definition=(
        "A row is something that happened to the order or that it caused, oldest first: request,"
        " change, fill, ledger line, rejection.",
        "A request is the journal entry as it came, from the archive, at the time when it was"
        " journalled, with its idempotency key; its prices and quantities are shown as decimals."
        " Beside those of the owner it is what set the order in motion or ended it.",
        "A change is its acceptance, trigger, amendment, cancellation or expiry; a fill is a trade"
        " of it, as maker or taker, with who was on the other side; a ledger line is what changed"
        " of the owner's balance by it.",
        "Journal entry and event number everything that ever happened, in order.",
    ),
    columns=COLUMNS,
    options=frozenset({"order"}),
    make=_make,
    head_columns=_HEAD_COLUMNS,
)

"""The trail of every order of a random day: complete, in order, and with its requests."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec import Raw, json

from history.reports.requests import requests_of
from history.reports.scope import Scope
from history.reports.source import ReportError
from history.sql.database import HistoryDatabase
from history.sql.tables import fills
from shared.archive import ArchiveWriter, Record
from shared.messages import TradeExecuted
from shared.wire import WIRE_VERSION, Envelope, encode
from tests.history.reports.days import RecordedDay
from tests.history.reports.reading import report


def archived(day: RecordedDay, folder: Path, *, segment_size_max: int = 2_000) -> Path:
    """Write the journal of a day into an archive of many segments."""
    writer = ArchiveWriter(folder, "journal", segment_size_max=segment_size_max)
    writer.open()
    for n, at_ns, command in day.journal:
        envelope = Envelope(WIRE_VERSION, "gateway", n, Raw(encode(command)))
        writer.append([Record(n, at_ns // 1_000, encode(envelope))])
    writer.close()
    return folder


def named_in(day: RecordedDay, order_id: int) -> list[tuple[int, int]]:
    """The events about an order, as (journal entry, sequence)."""
    found = []
    for applied in day.applied:
        for event in applied.events:
            if isinstance(event, TradeExecuted):
                is_named = order_id in (event.maker.order_id, event.taker.order_id)
            else:
                is_named = getattr(event, "order_id", 0) == order_id
            if is_named:
                found.append((applied.n, event.sequence))
    return found


async def test_the_trail_of_an_order_has_every_event_that_names_it(
    history: HistoryDatabase, day: RecordedDay, tmp_path: Path
) -> None:
    archive = archived(day, tmp_path / "archive")
    commands = {n: (at_ns, command) for n, at_ns, command in day.journal}
    by_fills = sorted(day.rows.orders, key=lambda order_id: -day.rows.orders[order_id].filled_lots)
    for order_id in [*by_fills[:5], *by_fills[-3:]]:
        kept = await report(history, "order", Scope(order_id=order_id), archive)
        rows = kept.named
        told = sorted({(row["n"], row["sequence"]) for row in rows if row["sequence"]})
        assert told == sorted(set(_with_rejections_of_owner(day, order_id)))
        assert [_place(row) for row in rows] == sorted(_place(row) for row in rows)
        assert rows[0]["kind"] == "request"
        assert rows[0]["n"] == day.rows.orders[order_id].placed_n
        for row in rows:
            if row["kind"] == "request":
                at_ns, command = commands[row["n"]]
                assert row["at"] == at_ns // 1_000 * 1_000
                assert row["what"] == command.__struct_config__.tag
                assert row["key"] == (command.idempotency_key or None)
                details = json.decode(row["details"])
                assert details["account_id"] == command.account_id
                if row["n"] == day.rows.orders[order_id].placed_n:
                    _check_placed(details, next(r for r in rows if r["what"] == "accepted"))
        _check_fills(day, order_id, rows)
        _check_lines(day, order_id, rows)
        assert not kept.faults


def _check_placed(details: dict[str, Any], accepted: dict[str, Any]) -> None:
    placed = [each for each in details.values() if isinstance(each, dict)] or [details]
    for name in ("price", "quantity"):
        told = {order.get(name) for order in placed}
        # A stop and an order by quote budget have none of their own.
        assert accepted[name] in told or not accepted[name], (details, accepted)
    assert not [name for order in placed for name in order if order[name] and _is_inner(name)]


def _is_inner(name: str) -> bool:
    return name.endswith(("_ticks", "_lots", "_atoms"))


def _with_rejections_of_owner(day: RecordedDay, order_id: int) -> list[tuple[int, int]]:
    order = day.rows.orders[order_id]
    strange = {
        (row.n, row.sequence)
        for row in day.rows.rejections
        if row.order_id == order_id and row.account_id != order.account_id
    }
    before = {(n, sequence) for n, sequence in named_in(day, order_id) if n < order.placed_n}
    return [one for one in named_in(day, order_id) if one not in strange | before]


def _place(row: dict[str, Any]) -> tuple[int, int, int]:
    ranks = {"request": 0, "change": 1, "rejection": 1, "fill": 2, "ledger": 3}
    return row["n"], row["sequence"] or 0, ranks[row["kind"]]


def _check_fills(day: RecordedDay, order_id: int, rows: list[dict[str, Any]]) -> None:
    found = [row for row in rows if row["kind"] == "fill"]
    expected = []
    for applied in day.applied:
        for event in applied.events:
            if isinstance(event, TradeExecuted):
                sides = {"maker": (event.maker, event.taker), "taker": (event.taker, event.maker)}
                for role, (own, other) in sides.items():
                    if own.order_id == order_id:
                        names = role, event.trade_id, other.account_id, other.order_id
                        expected.append((event.sequence, *names))
    columns = "sequence", "what", "trade", "counterparty", "counterparty_order"
    assert [tuple(row[name] for name in columns) for row in found] == sorted(expected)


def _check_lines(day: RecordedDay, order_id: int, rows: list[dict[str, Any]]) -> None:
    found = [(row["sequence"], row["asset"]) for row in rows if row["kind"] == "ledger"]
    lines = [line for line in day.rows.ledger if line.order_id == order_id]
    assert sorted(found) == sorted((line.sequence, line.asset) for line in lines)


async def test_fills_that_are_missing_are_told(history: HistoryDatabase, day: RecordedDay) -> None:
    order_id = day.rows.fills[0].order_id
    async with history.writing() as connection:
        await connection.execute(sa.delete(fills).where(fills.c.order_id == order_id))
    kept = await report(history, "order", Scope(order_id=order_id))
    assert any("filled_lots" in fault for fault in kept.faults)


async def test_an_archive_that_is_not_there_is_told_and_a_damaged_one_is_a_fault(
    history: HistoryDatabase, day: RecordedDay, tmp_path: Path
) -> None:
    order_id = day.rows.fills[0].order_id
    without = await report(history, "order", Scope(order_id=order_id), tmp_path / "nowhere")
    assert without.outcome is not None
    assert any("nowhere" in note for note in without.outcome.notes)
    assert not without.faults
    archive = archived(day, tmp_path / "archive", segment_size_max=2**20)
    [segment] = archive.iterdir()
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)
    last = max(row.order_id for row in day.rows.order_changes)
    kept = await report(history, "order", Scope(order_id=last), archive)
    assert any("archive" in fault for fault in kept.faults)


async def test_an_order_that_there_is_not_is_refused(
    history: HistoryDatabase, day: RecordedDay
) -> None:
    with pytest.raises(ReportError, match="There is no order 999999"):
        await report(history, "order", Scope(order_id=999_999))


def test_requests_are_found_near_and_far_and_those_that_are_not_there_left_out(
    day: RecordedDay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = archived(day, tmp_path / "archive")
    last = day.journal[-1][0]
    wanted = [1, 2, 50, last, last + 7]
    for passed_max in (0, 20, 100_000):
        monkeypatch.setattr("history.reports.requests.PASSED_MAX", passed_max)
        found = list(requests_of(archive, wanted))
        assert [request.n for request in found] == [1, 2, 50, last]
        assert found[0].kind == "create_asset"


def test_a_hole_in_the_archive_takes_no_other_entry_with_it(tmp_path: Path) -> None:
    writer = ArchiveWriter(tmp_path, "journal")
    writer.open()
    writer.append([Record(n, n, b"no envelope") for n in (1, 2, 5, 6)])
    writer.close()
    assert [request.n for request in requests_of(tmp_path, [2, 3, 4, 5, 6])] == [2, 5, 6]
    assert [request.n for request in requests_of(tmp_path, [3, 4, 7])] == []


def test_an_entry_that_cannot_be_read_is_told_as_that(tmp_path: Path) -> None:
    writer = ArchiveWriter(tmp_path, "journal")
    writer.open()
    writer.append([Record(1, 5, b"no envelope")])
    writer.close()
    [request] = requests_of(tmp_path, [1])
    assert (request.n, request.came_at_ns, request.kind, request.command) == (1, 5_000, "", "")

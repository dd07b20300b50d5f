"""The recorder: nothing is lost, nobody waits, and what was dropped is said."""

from pathlib import Path

import pytest

from aggregator.captures.reading import CaptureReader
from aggregator.captures.rows import Row, RowKind
from aggregator.captures.writing import CaptureWriter
from tests.support.deadlines import eventually

URL = "wss://venue.test"


def record(writer: CaptureWriter, count: int) -> None:
    for at_ns in range(count):
        writer.row(at_ns, RowKind.RECV, URL, f"message {at_ns}".encode(), 1)


@pytest.mark.parametrize("name", ["day.jsonl", "day.jsonl.xz", "day.jsonl.gz"])
def test_what_was_recorded_can_be_read(tmp_path: Path, name: str) -> None:
    writer = CaptureWriter(tmp_path / name)
    record(writer, 1_000)
    writer.close()

    rows = list(CaptureReader(str(tmp_path / name)))

    assert rows == [Row(n, RowKind.RECV, URL, f"message {n}", conn=1) for n in range(1_000)]
    assert (writer.written_rows, writer.dropped_count, writer.fault) == (1_000, 0, "")


def test_a_recording_goes_on_in_another_file_when_one_is_large(tmp_path: Path) -> None:
    # given a limit that every piece reaches
    writer = CaptureWriter(tmp_path / "day.jsonl", part_bytes_max=1)

    # when two pieces are written
    size = 600_000
    for at_ns in range(3):
        writer.row(at_ns, RowKind.RECV, URL, b"x" * size, 1)
    writer.close()

    # then the second file says that it goes on where the first one ended
    assert [path.name for path in writer.parts] == ["day.jsonl", "day.part2.jsonl"]
    rows = [row for path in writer.parts for row in CaptureReader(str(path))]
    assert [(row.at_ns, row.part) for row in rows] == [(0, 0), (1, 0), (2, 2)]


def test_rows_without_room_are_dropped_and_the_file_says_how_many(tmp_path: Path) -> None:
    # given a disk that is away until the end
    writer = CaptureWriter(tmp_path / "day.jsonl", waiting_rows_max=10)
    taken = record_until_dropped(writer)
    # when there is room again
    writer.close()
    again = CaptureWriter(tmp_path / "more.jsonl", waiting_rows_max=0)
    again.row(1, RowKind.RECV, URL, b"", 1)
    again.close()

    assert writer.dropped_count == 5
    assert len(list(CaptureReader(str(tmp_path / "day.jsonl")))) == taken
    assert (again.written_rows, again.dropped_count) == (0, 1)


def record_until_dropped(writer: CaptureWriter) -> int:
    taken = 0
    while writer.dropped_count < 5:
        before = writer.dropped_count
        writer.row(taken, RowKind.RECV, URL, b"x", 1)
        taken += writer.dropped_count == before
    return taken


def test_a_disk_that_fails_is_told_and_stops_nobody(tmp_path: Path) -> None:
    writer = CaptureWriter(tmp_path / "no such folder" / "day.jsonl")
    record(writer, 10)
    eventually(lambda: writer.fault)
    writer.row(11, RowKind.RECV, URL, b"", 1)
    writer.close()

    assert "No such file" in writer.fault
    assert writer.dropped_count >= 1


def test_nothing_is_recorded_after_the_end(tmp_path: Path) -> None:
    writer = CaptureWriter(tmp_path / "day.jsonl")
    record(writer, 3)
    writer.close()
    writer.row(4, RowKind.CLOSE, URL, b"going away", 1)

    assert len(list(CaptureReader(str(tmp_path / "day.jsonl")))) == 3
    assert writer.dropped_count == 0

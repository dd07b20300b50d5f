"""The archive: what was appended is read back, torn ends are cut, and any other damage is seen."""

from pathlib import Path

import pytest

from shared.archive import ArchiveError, ArchiveWriter, Record, read_records

RECORDS = [Record(n, n * 10, f"entry {n}".encode() * 5) for n in range(1, 31)]


def write(folder: Path, records: list[Record], segment_size_max: int = 400) -> None:
    writer = ArchiveWriter(folder, "journal", segment_size_max=segment_size_max)
    writer.open()
    for start in range(0, len(records), 3):
        writer.append(records[start : start + 3])
    writer.close()


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.segment"))


def test_what_was_appended_is_read_back_over_many_segments(tmp_path: Path) -> None:
    write(tmp_path, RECORDS)
    assert len(segments(tmp_path)) > 3
    assert list(read_records(tmp_path, "journal")) == RECORDS


@pytest.mark.parametrize("after", range(32))
def test_it_is_read_from_any_record_on(tmp_path: Path, after: int) -> None:
    write(tmp_path, RECORDS)
    assert list(read_records(tmp_path, "journal", after=after)) == RECORDS[after:]


def test_what_lies_before_is_not_read_at_all(tmp_path: Path) -> None:
    write(tmp_path, RECORDS)
    first, *_, last = segments(tmp_path)
    first.write_bytes(b"damaged")
    number = int(last.stem.rpartition("-")[2])
    assert list(read_records(tmp_path, "journal", after=number)) == RECORDS[number:]
    with pytest.raises(ArchiveError, match="is not a segment"):
        list(read_records(tmp_path, "journal", after=1))


def test_a_reopened_archive_goes_on_where_it_ended(tmp_path: Path) -> None:
    write(tmp_path, RECORDS[:10])
    writer = ArchiveWriter(tmp_path, "journal")
    writer.open()
    assert writer.last_number == 10
    writer.append(RECORDS[10:])
    writer.close()
    assert list(read_records(tmp_path, "journal")) == RECORDS


def test_kinds_do_not_mix(tmp_path: Path) -> None:
    write(tmp_path, RECORDS)
    assert list(read_records(tmp_path, "events")) == []
    assert list(read_records(tmp_path / "absent", "journal")) == []


def test_an_end_torn_at_any_byte_is_cut_and_rewritten(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    write(whole, RECORDS[:4], segment_size_max=10**6)
    [path] = segments(whole)
    data = path.read_bytes()
    for size in range(len(data)):
        folder = tmp_path / str(size)
        folder.mkdir()
        (folder / path.name).write_bytes(data[:size])
        writer = ArchiveWriter(folder, "journal")
        writer.open()
        kept = writer.last_number
        assert list(read_records(folder, "journal")) == RECORDS[:kept]
        writer.append(RECORDS[kept:4])
        writer.close()
        assert list(read_records(folder, "journal")) == RECORDS[:4]


def test_a_byte_changed_anywhere_is_seen(tmp_path: Path) -> None:
    write(tmp_path, RECORDS[:6], segment_size_max=10**6)
    [path] = segments(tmp_path)
    data = path.read_bytes()
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with pytest.raises(ArchiveError):
            list(read_records(tmp_path, "journal"))


def test_a_missing_or_foreign_segment_is_seen(tmp_path: Path) -> None:
    write(tmp_path, RECORDS)
    segments(tmp_path)[1].unlink()
    with pytest.raises(ArchiveError, match="does not follow"):
        list(read_records(tmp_path, "journal"))


def test_a_damaged_middle_is_not_taken_for_a_torn_end(tmp_path: Path) -> None:
    write(tmp_path, RECORDS[:6], segment_size_max=10**6)
    [path] = segments(tmp_path)
    data = bytearray(path.read_bytes())
    data[120] ^= 1
    path.write_bytes(data)
    with pytest.raises(ArchiveError):
        ArchiveWriter(tmp_path, "journal").open()


def test_numbers_that_do_not_rise_are_refused(tmp_path: Path) -> None:
    writer = ArchiveWriter(tmp_path, "journal")
    writer.open()
    writer.append(RECORDS[:2])
    with pytest.raises(AssertionError, match="rising"):
        writer.append(RECORDS[1:2])
    writer.close()

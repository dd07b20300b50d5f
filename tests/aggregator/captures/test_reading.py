"""Reading recordings: packed or not, whole or broken off, or something else altogether."""

import gzip
import io
import lzma
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from aggregator.captures.reading import CaptureError, CaptureReader
from aggregator.captures.rows import Row, RowKind, encode_row

ROWS = [Row(at_ns, RowKind.RECV, "wss://venue.test", f"message {at_ns}") for at_ns in range(500)]
TEXT = b"".join(map(encode_row, ROWS))
PACKED = [TEXT, lzma.compress(TEXT), gzip.compress(TEXT)]


def file_of(folder: Path, content: bytes) -> CaptureReader:
    path = folder / "recording"
    path.write_bytes(content)
    return CaptureReader(str(path))


@pytest.mark.parametrize("content", PACKED)
def test_a_recording_is_read_row_by_row_however_it_is_packed(
    tmp_path: Path, content: bytes
) -> None:
    reader = file_of(tmp_path, content)

    assert list(reader) == ROWS
    assert not reader.breaks_off


@pytest.mark.parametrize("content", PACKED)
def test_a_recording_can_come_from_the_standard_input(
    monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    stream = SimpleNamespace(buffer=io.BufferedReader(io.BytesIO(content)))
    monkeypatch.setattr(sys, "stdin", stream)

    assert list(CaptureReader("-")) == ROWS


def test_packed_pieces_that_follow_each_other_are_one_recording(tmp_path: Path) -> None:
    content = b"".join(lzma.compress(encode_row(row)) for row in ROWS[:9])

    assert list(file_of(tmp_path, content)) == ROWS[:9]


@pytest.mark.parametrize("content", PACKED)
def test_a_recording_that_breaks_off_is_read_up_to_there_and_says_so(
    tmp_path: Path, content: bytes
) -> None:
    reader = file_of(tmp_path, content[: len(content) * 3 // 4])

    rows = list(reader)

    assert rows == ROWS[: len(rows)]
    assert reader.breaks_off


def test_the_last_line_needs_no_newline(tmp_path: Path) -> None:
    reader = file_of(tmp_path, TEXT.rstrip())

    assert list(reader) == ROWS
    assert not reader.breaks_off


def test_a_bad_line_in_the_middle_is_named(tmp_path: Path) -> None:
    lines = TEXT.splitlines(keepends=True)
    lines[41] = b'{"at_ns":"soon"}\n'

    with pytest.raises(CaptureError, match=r"recording, line 42: no row of a recording"):
        list(file_of(tmp_path, b"".join(lines)))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"pair;price;quantity\n1;2;3\n", "line 1: no row"),
        (b"\x89PNG\r\n\x1a\n", "line 1: no row"),
        (b"no newline either", "line 1: no row"),
        (b"\xfd7zXZ\x00 and then nonsense that no one can unpack", "cannot be unpacked"),
    ],
)
def test_what_is_no_recording_is_refused_in_a_sentence(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    with pytest.raises(CaptureError, match=sentence):
        list(file_of(tmp_path, content))


def test_a_file_that_is_not_there_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"absent cannot be read: No such file"):
        list(CaptureReader(str(tmp_path / "absent")))

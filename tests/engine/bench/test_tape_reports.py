"""Reports as lines: their order, their bytes, and where they are written and looked for."""

import gzip
import hashlib
from pathlib import Path

import pytest

from engine.bench import tape_reports
from engine.bench.errors import BenchError
from engine.bench.tape_reports import expected_sha256, in_order, publish, reports_name


def test_lines_go_by_sequence_then_kind_and_else_stay_as_they_were() -> None:
    made = [(2, 4, 0, 1, 9), (3, 5, 0, 1, 9, 9), (1, 5, 9, 8, 1, 2), (1, 5, 9, 7, 3, 2)]
    assert list(in_order(made)) == ["2,4,0,1,9", "1,5,9,8,1,2", "1,5,9,7,3,2", "3,5,0,1,9,9"]


@pytest.mark.parametrize("at_once", [1, 2, 3, 100])
def test_what_is_written_is_what_is_hashed_without_a_last_newline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(tape_reports, "LINES_AT_ONCE", at_once)
    path = tmp_path / "reports_x.txt"
    sha256 = publish([(4, 0, 7), (4, 1, 7), (5, 2, 7)], path)
    assert path.read_bytes() == b"4,0,7\n4,1,7\n5,2,7"
    assert sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert publish([(4, 0, 7), (4, 1, 7), (5, 2, 7)], None) == sha256


def test_reports_that_cannot_be_written_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="cannot be written"):
        publish([(4, 0, 7)], tmp_path / "none" / "reports.txt")


@pytest.mark.parametrize(
    ("tape", "reports"),
    [
        ("orders_static_s1_n9.bin.gz", "reports_static_s1_n9.txt"),
        ("orders_static_s1_n9.bin", "reports_static_s1_n9.txt"),
        ("mine", "reports_mine.txt"),
    ],
)
def test_reports_are_named_after_their_tape(tape: str, reports: str) -> None:
    assert reports_name(tape) == reports


def test_expected_reports_are_those_beside_the_tape(tmp_path: Path) -> None:
    tape = tmp_path / "orders_x.bin.gz"
    assert expected_sha256(tape) is None
    packed = gzip.compress(b"4,0,7")
    (tmp_path / "reports_x.txt.gz").write_bytes(packed)
    assert expected_sha256(tape) == publish([(4, 0, 7)], None)
    (tmp_path / "reports_x.txt.gz").write_bytes(packed[:-4])
    with pytest.raises(BenchError, match="cannot be read"):
        expected_sha256(tape)

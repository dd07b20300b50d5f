"""The log file of a child: capped, cut into lines, and read aloud."""

from pathlib import Path

from rialto.logfiles import LINE_BYTES_MAX, LOG_FILES_KEPT, LogFile, notable, spoken


def test_lines_are_complete_however_the_bytes_arrive(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "a.log")
    assert log.feed(b"on") == []
    assert log.feed(b"e\ntwo\nthr") == ["one", "two"]
    assert log.finish() == ["thr"]
    assert list(log.tail) == ["one", "two", "thr"]
    assert log.path.read_bytes() == b"one\ntwo\nthr"


def test_a_line_without_an_end_is_cut_in_pieces(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "a.log")
    assert log.feed(b"x" * (LINE_BYTES_MAX + 5)) == ["x" * LINE_BYTES_MAX]
    assert log.finish() == ["x" * 5]


def test_the_files_together_stay_under_the_cap(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "a.log", bytes_max=100)
    for number in range(100):
        log.feed(f"line {number:04}\n".encode())
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["a.log", *(f"a.log.{number + 1}" for number in range(LOG_FILES_KEPT))]
    assert all(path.stat().st_size <= 110 for path in tmp_path.iterdir())
    assert "line 0099" in log.path.read_text()


def test_a_log_that_cannot_be_written_loses_lines_only(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "absent" / "a.log")
    assert log.feed(b"still heard\n") == ["still heard"]


def test_only_warnings_and_above_are_for_the_person() -> None:
    assert notable('{"level": "info", "event": "fine"}') is None
    assert notable('{"level": "error", "event": "no disk", "free": 0}') == "no disk free=0"
    assert notable("Traceback (most recent call last):") is None
    assert notable("{not json") is None
    assert spoken("  plain words ") == "plain words"

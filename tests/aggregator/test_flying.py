"""What is done when a book was found wrong: it is told, and what led to it is kept."""

from pathlib import Path

from structlog.testing import capture_logs

from aggregator.books.desk import Desk, DeskOptions
from aggregator.books.effects import Mismatch
from aggregator.captures.reading import CaptureReader
from aggregator.flying import make_flight_recorder, note_mismatch
from aggregator.registry import load_connectors

WRONG = Mismatch("kraken:spot:BTC/USD", "The checksum is another one.", 1_767_225_600_000_000_000)


def a_desk() -> Desk:
    connector, manifest = load_connectors()["kraken:spot"]
    return Desk(connector, manifest, ["BTC/USD"], DeskOptions())


def test_nothing_is_kept_where_no_bundle_may_stay_or_nothing_is_followed(tmp_path: Path) -> None:
    assert make_flight_recorder([a_desk()], tmp_path, 0) is None
    assert make_flight_recorder([], tmp_path, 20) is None


def test_a_mismatch_is_told_with_the_file_that_shows_how_it_came_about(tmp_path: Path) -> None:
    desk = a_desk()
    recorder = make_flight_recorder([desk], tmp_path / "flights", 20)
    assert recorder is not None
    recorder.row(WRONG.at_ns, "recv", desk.manifest.sockets[0].url, b"{}", 1)
    with capture_logs() as logs:
        note_mismatch(recorder)(WRONG)
    recorder.close()  # It waits until the bundle is written.
    [told] = [entry for entry in logs if entry["event"] == "book_wrong"]
    assert (told["book"], told["reason"]) == (WRONG.book, WRONG.reason)
    [path] = (tmp_path / "flights").iterdir()
    assert told["written"] == str(path)
    list(CaptureReader(str(path)))


def test_a_mismatch_is_told_where_nothing_is_kept() -> None:
    with capture_logs() as logs:
        note_mismatch(None)(WRONG)
    assert [(entry["event"], entry["written"]) for entry in logs] == [("book_wrong", "")]

"""What a terminal shows of a cell is shorter, and as exact."""

from random import Random
from typing import Any

from msgspec import json

from history.reports.form import Cell, Column, Kind, text_of, time_text
from history.reports.outputs.table_cells import cell_text, lean_json, short_times
from history.reports.scope import moment_ns

AT = Column("at", Kind.TIME, "Time")
TEXT = Column("text", Kind.TEXT, "Text")
DETAILS = Column("details", Kind.TEXT, "Details", has_json=True)


def test_a_time_loses_only_zeros_and_is_the_same_moment(seed: int) -> None:
    draw = Random(seed)
    expected = {
        0: "1970-01-01T00:00:00Z",
        1: "1970-01-01T00:00:00.000000001Z",
        1_795_391_990_000_000_000: "2026-11-22T23:59:50Z",
        1_795_391_990_120_000_000: "2026-11-22T23:59:50.12Z",
        1_795_391_990_100_000_010: "2026-11-22T23:59:50.10000001Z",
        1_795_391_990_123_456_789: "2026-11-22T23:59:50.123456789Z",
    }
    assert {at_ns: cell_text(at_ns, AT) for at_ns in expected} == expected
    for _ in range(200):
        at_ns = draw.randrange(2**62) // 10 ** (places := draw.randrange(12)) * 10**places
        assert moment_ns(cell_text(at_ns, AT)) == at_ns


def test_times_in_a_sentence_are_short_too_and_other_numbers_stay() -> None:
    said = f"Before {time_text(0)}, 10:10.500 and 1.50 Zloty are left at {time_text(10**8)}."
    assert short_times(said) == (
        "Before 1970-01-01T00:00:00Z, 10:10.500 and 1.50 Zloty are left at 1970-01-01T00:00:00.1Z."
    )


def test_cells_of_every_other_kind_stay_as_they_are() -> None:
    cells: list[tuple[Cell, Kind]] = [
        ("1.500", Kind.DECIMAL),
        (100, Kind.COUNT),
        (20_779, Kind.DAY),
        (None, Kind.TIME),
    ]
    for cell, kind in cells:
        assert cell_text(cell, Column("c", kind, "C")) == text_of(cell, kind)
    assert cell_text("2026-11-22T23:59:50.000Z", TEXT) == "2026-11-22T23:59:50.000Z"
    assert cell_text('{"a":0}', TEXT) == '{"a":0}'  # What a client wrote is no JSON of ours.
    assert cell_text("a\x1b[2J\n\u202eb", TEXT) == "a\\x1b[2J\\n\\u202eb"


def test_json_has_no_fields_that_say_nothing() -> None:
    given = {
        **{"zero": 0, "none": None, "no": False, "empty": ""},
        **{"yes": True, "one": 1, "zeros": "0", "huge": 2**90, "less": -1, "list": [0, "", 7]},
        **{"within": {"zero": 0, "some": "é\n"}, "many": [{"no": False, "of": 1}, {}]},
    }
    text = cell_text(json.encode(given).decode(), DETAILS)
    assert json.decode(text) == {
        **{"yes": True, "one": 1, "zeros": "0", "huge": 2**90, "less": -1, "list": [0, "", 7]},
        **{"within": {"some": "é\n"}, "many": [{"of": 1}, {}]},
    }
    assert cell_text('{"zero":0}', DETAILS) == "{}"


def test_json_comes_in_pieces_of_a_field_each() -> None:
    assert lean_json('{"a":1,"b":0,"c":[1,2],"d":"x,y"}') == ['{"a":1,', '"c":[1,2],', '"d":"x,y"}']
    assert lean_json('{"a":1}') == ['{"a":1}']
    assert lean_json("{}") == ["{}"]


def test_what_is_no_json_object_is_one_piece_as_it_is() -> None:
    for text in ("sell for 203 INR", "stop price 95", '{"a":', "{a}", "[0]", "0", ""):
        assert lean_json(text) == [text]


def test_no_control_of_json_reaches_the_terminal() -> None:
    evil: dict[str, Any] = {"a": "\x1b[2J\u202e\x9b", "\x1b]": 1}
    text = cell_text(json.encode(evil).decode(), DETAILS)
    assert text.isprintable()
    assert json.decode(text.replace("\\x9b", "\\u009b")) == evil

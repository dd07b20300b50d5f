"""CSV that any reader reads back, and that no spreadsheet runs."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from history.queries.csv_text import csv_header, csv_lines


class Line(Struct, frozen=True):
    name: str
    amount: str | None
    count: int
    is_closed: bool


def read(text: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.decode(), newline="")))


def test_a_header_has_the_names_of_the_fields() -> None:
    assert csv_header(Line) == b"name,amount,count,is_closed\r\n"


def test_a_line_has_the_values() -> None:
    lines = csv_lines([Line("mine", "-1.5", -3, True), Line("", None, 0, False)])
    assert lines == b"mine,-1.5,-3,true\r\n,,0,false\r\n"


@pytest.mark.parametrize(
    "name", ["=1+1", "+A1", "-cmd|x", "@SUM(A1)", "\t=1", "\r=1", "-", "--1", "-1-1"]
)
def test_what_looks_like_a_formula_is_text(name: str) -> None:
    [[shown, *_]] = read(csv_lines([Line(name, None, 0, True)]))
    assert shown == f"'{name}"


@pytest.mark.parametrize("amount", ["-5", "-0.00000001", "12", "0"])
def test_a_number_stays_a_number(amount: str) -> None:
    assert read(csv_lines([Line("x", amount, 1, True)]))[0][1] == amount


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20))
def test_any_text_is_read_back(name: str) -> None:
    [[shown, *_]] = read(csv_lines([Line(name, "1", 0, True)]))
    assert shown.removeprefix("'") == name.removeprefix("'")
    assert not shown.startswith(("=", "+", "@"))

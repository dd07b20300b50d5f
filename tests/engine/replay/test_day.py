"""A recording is read exactly: its prices by decimal text, its grid from what it holds."""

import gzip
from pathlib import Path

import pytest

from engine.replay.day import Kind, Row, read_day
from engine.replay.errors import ReplayError
from shared.messages import Side
from tests.support.tiny_day import ROWS, write_day


def test_a_day_has_prices_in_cents_on_a_tick_of_five(tmp_path: Path) -> None:
    day = read_day(write_day(tmp_path))
    assert (day.price_scale, day.price_tick) == (2, 5)
    assert day.rows[0] == Row(Kind.NEW, "1", Side.SELL, 10, 10_005)
    assert day.rows[1].price_units == 10_000
    assert day.rows[2].side is Side.BUY
    assert [row.kind for row in day.rows[3:]] == ["modif", "new", "modif", "cancel"]


def test_a_compressed_day_is_the_same_day(tmp_path: Path) -> None:
    path = write_day(tmp_path)
    packed = tmp_path / "orders.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert read_day(packed) == read_day(path)


@pytest.mark.parametrize(
    ("price", "grid", "units"),
    [
        ("95.8", (2, 5), 9_580),
        ("95.80", (2, 5), 9_580),
        ("95.81", (2, 1), 9_581),
        ("95.815", (3, 1), 95_815),
        ("0.29", (2, 1), 29),  # A float would make 28 of it.
    ],
)
def test_the_grid_is_the_coarsest_that_the_prices_fit(
    tmp_path: Path, price: str, grid: tuple[int, int], units: int
) -> None:
    day = read_day(write_day(tmp_path, (f"new;9;True;1;{price};x",)))
    assert (day.price_scale, day.price_tick) == grid
    assert day.rows[0].price_units == units


@pytest.mark.parametrize(
    "row",
    [
        "stop;1;True;1;10;x",
        "new;1;maybe;1;10;x",
        "new;1;True;1.5;10;x",
        "new;1;True;-1;10;x",
        "new;1;True;0;10;x",
        "new;1;True;1;NaN;x",
        "new;1;True;1;1e3;x",
        "new;1;True;1;0;x",
        "new;1;True;1;;x",
        "new;;True;1;10;x",
        "modif;1;;;;x",
        "cancel;1",
    ],
)
def test_a_row_that_cannot_be_understood_is_refused_by_its_line(tmp_path: Path, row: str) -> None:
    with pytest.raises(ReplayError, match="line 3 cannot be understood"):
        read_day(write_day(tmp_path, (ROWS[0], row)))


def test_what_is_no_recording_is_refused_in_one_sentence(tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    broken = tmp_path / "broken.csv.gz"
    broken.write_bytes(gzip.compress(b"x" * 100)[:-9])
    empty = write_day(tmp_path / "empty", ())
    for path in (other, broken, empty, tmp_path / "absent"):
        with pytest.raises(ReplayError) as refusal:
            read_day(path)
        assert str(path) in str(refusal.value)

"""Whatever the width, numbers and times are whole, and nothing that a row has is missing."""

from random import Random

from rich.cells import cell_len

from history.reports.form import Column, Kind
from history.reports.outputs.table_layout import (
    BELOW_WIDTH_MAX,
    below_of,
    head_of,
    layout_of,
    names_of,
)

MARKET = Column("market", Kind.TEXT, "Market")
PRICE = Column("price", Kind.DECIMAL, "Average price")
COUNT = Column("count", Kind.COUNT, "Trades")
NOTE = Column("note", Kind.TEXT, "Note")
DETAILS = Column("details", Kind.TEXT, "Details", has_json=True)
ALL = 99
LETTERS = "abc xyz漢é"


def drawn_columns(draw: Random) -> list[Column]:
    names = ("At", "Journal entry", "Available change", "Volume (base)", "Rule")
    kinds = (Kind.TEXT, Kind.COUNT, Kind.DECIMAL, Kind.TIME)
    return [
        Column(f"c{index}", draw.choice(kinds), f"{draw.choice(names)} {index}")
        for index in range(draw.randint(1, 24))
    ]


def drawn_text(draw: Random, kind: Kind) -> str:
    if draw.random() < 0.4:
        return ""
    if kind is Kind.TEXT:
        return "".join(draw.choices(LETTERS, k=draw.choice((1, 5, 20, 200)))).strip()
    return str(draw.randrange(10 ** draw.randint(1, 19)))


def test_all_that_a_row_has_is_there_and_no_number_is_broken(seed: int) -> None:
    draw = Random(seed)
    for _ in range(150):
        columns = drawn_columns(draw)
        rows = [[drawn_text(draw, column.kind) for column in columns] for _ in range(4)]
        width, most = draw.randint(60, 200), draw.choice((1, 5, ALL))
        layout = layout_of(columns, rows, width, most)
        assert 1 <= len(layout.head) <= most
        assert (*layout.head, *layout.below) == tuple(columns)
        for row in rows:
            head, below = head_of(layout, row), below_of(layout, row)
            for column, text in zip(layout.head, row, strict=False):
                assert text in head, column
            joined = "".join(line[4:] for line in below)
            for column, text in zip(layout.below, row[len(layout.head) :], strict=True):
                if column.kind is Kind.TEXT:
                    assert f"{column.means}: {text}" in joined or not text
                else:
                    assert any(f"{column.means}: {text}" in line for line in below) or not text
                assert text or f"{column.means}: " not in joined
            assert all(cell_len(line) <= width for line in below)
            assert len(layout.head) == 1 or cell_len(head) <= width


def test_columns_are_a_table_as_long_as_they_fit_to_the_last_character() -> None:
    rows = [["BTC_USD", "1.25", "7"], ["", "10", "1000000"]]
    columns = [MARKET, PRICE, COUNT]
    whole = layout_of(columns, rows, 31, ALL)
    assert list(names_of(whole)) == ["Market   Average price   Trades"]
    assert head_of(whole, rows[0]) == "BTC_USD           1.25        7"
    assert head_of(whole, rows[1]) == "-                   10  1000000"
    folded = layout_of(columns, rows, 30, ALL)
    assert list(names_of(folded)) == ["         Average", "Market     price   Trades"]
    assert head_of(folded, rows[0]) == "BTC_USD     1.25        7"
    assert layout_of(columns, rows, 25, ALL).head == tuple(columns)
    less = layout_of(columns, rows, 24, ALL)
    assert less.head == (MARKET, PRICE)
    assert below_of(less, rows[0]) == ["    Trades: 7"]


def test_a_report_of_rows_of_several_kinds_has_few_columns_however_wide_it_is() -> None:
    rows = [["BTC_USD", "1.25", "7"]]
    layout = layout_of([MARKET, PRICE, COUNT], rows, 300, 1)
    assert head_of(layout, rows[0]) == "BTC_USD"
    assert below_of(layout, rows[0]) == ["    Average price: 1.25  Trades: 7"]
    assert layout.below_width == BELOW_WIDTH_MAX


def test_a_long_text_goes_on_below_without_losing_a_character() -> None:
    text = "some words " * 20 + "漢" * 50
    rows = [["BTC_USD", text.strip(), "7"]]
    layout = layout_of([MARKET, NOTE, COUNT], rows, 80, ALL)
    lines = below_of(layout, rows[0])
    assert "".join(line[4:] for line in lines) == f"Note: {text}  Trades: 7"
    assert max(cell_len(line) for line in lines) <= 80


def test_json_is_broken_between_its_fields() -> None:
    text = '{"account_id":3273213547102879,"market":"TATA_INR","side":"sell","type":"limit"}'
    rows = [["x", text], ["y", "sell for 203 INR"]]
    layout = layout_of([MARKET, DETAILS], rows, 60, 1)
    assert below_of(layout, rows[0]) == [
        '    Details: {"account_id":3273213547102879,',
        '      "market":"TATA_INR","side":"sell","type":"limit"}',
    ]
    assert below_of(layout, rows[1]) == ["    Details: sell for 203 INR"]


def test_one_column_is_there_even_if_it_is_too_wide() -> None:
    layout = layout_of([MARKET, COUNT], [["a long name", "7"]], 4, ALL)
    assert head_of(layout, ["a long name", "7"]) == "a long name"
    assert below_of(layout, ["a long name", "7"]) == ["    Trades: 7"]

"""Numbers of things."""

from shared.words import counted


def test_one_is_one_and_all_else_is_many() -> None:
    assert [counted(count, "row") for count in (0, 1, 2, 11)] == [
        *("0 rows", "1 row", "2 rows", "11 rows")
    ]
    assert counted(1, "row is", "rows are") == "1 row is"
    assert counted(3, "row is", "rows are") == "3 rows are"

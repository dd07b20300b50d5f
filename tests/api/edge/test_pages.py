"""Pages of a list."""

import pytest

from api.edge.pages import page_of


@pytest.mark.parametrize(
    ("found", "shown", "cursor"),
    [
        ([], [], None),
        ([9, 8], [9, 8], None),
        ([9, 8, 7], [9, 8, 7], None),
        ([9, 8, 7, 6], [9, 8, 7], "at 7"),
    ],
)
def test_a_page_ends_where_the_next_one_begins(
    found: list[int], shown: list[int], cursor: str | None
) -> None:
    assert page_of(found, 3, lambda row: f"at {row}") == (shown, cursor)

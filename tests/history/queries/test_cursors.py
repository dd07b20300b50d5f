"""A cursor names a place of one question, and is good for nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from history.queries.cursors import cursor_of, place_of
from shared.rest.history_queries import (
    CURSOR_LENGTH_MAX,
    FILLS,
    HistoryQuery,
    QueryFault,
    read_query,
)
from shared.rest.texts import INTEGER_MAX

QUERY = HistoryQuery(account_id=7, market="TATA_INR", limit=10)
KINDS = (int, int, str)
integers = st.integers(0, INTEGER_MAX)


@given(st.tuples(integers, integers, st.sampled_from(("maker", "taker"))))
def test_a_cursor_is_the_place_that_it_was_made_of(place: tuple[int, int, str]) -> None:
    cursor = cursor_of("/fills", QUERY, place)
    assert len(cursor) <= CURSOR_LENGTH_MAX
    asked = read_query(FILLS, [("cursor", cursor), ("market", "TATA_INR")], account_id=7)
    assert place_of("/fills", asked, KINDS) == place


def test_without_a_cursor_there_is_no_place() -> None:
    assert place_of("/fills", QUERY, KINDS) is None


@given(st.text(st.sampled_from("ABCabc019-_"), min_size=1, max_size=CURSOR_LENGTH_MAX))
def test_what_somebody_made_up_is_refused(cursor: str) -> None:
    with pytest.raises(QueryFault):
        place_of("/fills", structs.replace(QUERY, cursor=cursor), KINDS)


def test_any_other_letter_makes_it_another_cursor() -> None:
    cursor = cursor_of("/fills", QUERY, (5, 6, "maker"))
    for at in range(len(cursor)):
        other = cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :]
        with pytest.raises(QueryFault):
            place_of("/fills", structs.replace(QUERY, cursor=other), KINDS)


@pytest.mark.parametrize(
    "place", [(1, 2), (1, "2", "maker"), (-1, 2, "maker"), (2**63, 2, "maker")]
)
def test_a_place_of_another_shape_is_refused(place: tuple[int | str, ...]) -> None:
    with pytest.raises(QueryFault):
        place_of("/fills", structs.replace(QUERY, cursor=cursor_of("/fills", QUERY, place)), KINDS)


def test_pages_of_a_question_may_differ_in_length_and_freshness() -> None:
    cursor = cursor_of("/fills", QUERY, (5, 6, "maker"))
    longer = structs.replace(QUERY, cursor=cursor, limit=99, min_sequence=5)
    assert place_of("/fills", longer, KINDS) == (5, 6, "maker")
    for name, value in (("market", "BTC_INR"), ("account_id", 8), ("side", "buy"), ("to_ns", 9)):
        with pytest.raises(QueryFault):
            place_of("/fills", structs.replace(longer, **{name: value}), KINDS)
    with pytest.raises(QueryFault):
        place_of("/ledger", longer, KINDS)

"""Where an update stands in regard to the last one, for each kind of chain."""

import pytest

from aggregator.books.chains import AFTER, JOINS, Place, is_restart
from aggregator.protocol import NONE, Chain
from tests.support.json_venue import book, snapshot

NEXT, OLD, GAP = Place.NEXT, Place.OLD, Place.GAP


@pytest.mark.parametrize(
    ("first_id", "last_id", "place"),
    [
        (11, 11, NEXT),
        (11, 14, NEXT),
        (8, 12, NEXT),  # It overlaps what is known.
        (12, 12, GAP),
        (10, 10, OLD),
        (3, 5, OLD),
    ],
)
def test_a_contiguous_update_begins_where_the_last_one_ended(
    first_id: int, last_id: int, place: Place
) -> None:
    update = book(first_id, last_id)

    assert AFTER[Chain.CONTIGUOUS](update, 10) is place
    assert JOINS[Chain.CONTIGUOUS](update, 10) is place


@pytest.mark.parametrize(
    ("previous_id", "last_id", "place"),
    [
        (10, 25, NEXT),
        (10, 3, NEXT),  # After maintenance the numbers begin anew.
        (10, 10, NEXT),  # Nothing has changed, and the venue says so.
        (12, 25, GAP),
        (8, 10, OLD),
        (2, 5, OLD),
    ],
)
def test_a_linked_update_names_the_one_before(previous_id: int, last_id: int, place: Place) -> None:
    update = book(NONE, last_id, previous_id=previous_id)

    assert AFTER[Chain.LINKED](update, 10) is place


@pytest.mark.parametrize(
    ("previous_id", "last_id", "place"),
    [
        (7, 10, NEXT),  # It ends where the snapshot does: spot's rule would drop it.
        (10, 15, NEXT),
        (7, 15, NEXT),
        (4, 9, OLD),
        (11, 15, GAP),
    ],
)
def test_a_linked_stream_joins_a_snapshot_by_the_update_that_reaches_it(
    previous_id: int, last_id: int, place: Place
) -> None:
    update = book(NONE, last_id, previous_id=previous_id)

    assert JOINS[Chain.LINKED](update, 10) is place


def test_without_numbers_whatever_comes_is_next() -> None:
    assert AFTER[Chain.NONE](book(NONE, NONE), NONE) is NEXT


def test_a_snapshot_of_the_first_number_is_a_restart() -> None:
    assert is_restart(snapshot(1, "", ""))
    assert not is_restart(snapshot(2, "", ""))

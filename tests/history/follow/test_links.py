"""Batches are taken over if they follow, and never otherwise."""

import pytest

from history.follow.links import BEGINNING, Missing, OtherVenue, digest_of, link
from history.projection.rows import CursorRow
from shared.messages import Applied, TimePassed
from shared.wire import encode


def batch(first_n: int, first_sequence: int, *counts: int, at_ns: int = 1_000) -> bytes:
    """Return packed entries with so many events each."""
    applied = []
    sequence = first_sequence
    for n, count in enumerate(counts, first_n):
        events = tuple(TimePassed(sequence=sequence + i) for i in range(count))
        sequence += count
        applied.append(Applied(n, at_ns, events))
    return encode(applied)


def test_a_batch_that_follows_moves_the_cursor_to_its_end() -> None:
    # given
    first, second = batch(1, 1, 2, 1), batch(3, 4, 1, at_ns=2_000)
    # when
    begun = link(first, BEGINNING)
    found = link(second, begun.cursor)
    # then
    assert begun.cursor == CursorRow(3, 2, 1_000, digest_of(first))
    assert found.cursor == CursorRow(4, 3, 2_000, digest_of(second))
    assert (begun.events, found.events, found.size) == (3, 1, len(second))


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(batch(3, 3, 1), id="an entry is left out"),
        pytest.param(batch(2, 3, 1), id="an event is left out"),
        pytest.param(batch(2, 2, 1, 1)[:-1], id="cut short"),
        pytest.param(b"\xff", id="no batch"),
        pytest.param(encode([Applied(2, 1_000, (TimePassed(2),)), Applied(4, 1_000, ())]), id="in"),
    ],
)
def test_what_does_not_follow_is_missing(payload: bytes) -> None:
    # given
    cursor = link(batch(1, 1, 1), BEGINNING).cursor
    # then
    with pytest.raises(Missing):
        link(payload, cursor)


def test_a_batch_that_has_begun_before_the_cursor_is_of_another_time() -> None:
    # given
    cursor = link(batch(1, 1, 1), BEGINNING).cursor
    # then
    with pytest.raises(OtherVenue, match="another venue, or of another time"):
        link(batch(1, 1, 1, 1), cursor)


def test_journal_time_that_goes_back_is_a_broken_invariant() -> None:
    # given
    cursor = link(batch(1, 1, 1, at_ns=2_000), BEGINNING).cursor
    # then
    with pytest.raises(AssertionError, match="goes back"):
        link(batch(2, 2, 1, at_ns=1_999), cursor)

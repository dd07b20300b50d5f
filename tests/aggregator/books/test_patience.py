"""How long a desk waits before it asks for the same thing again."""

from aggregator.books.patience import (
    FIRST_WAIT_NS,
    FORGIVEN_AFTER_NS,
    FREE_TRIES,
    WAIT_NS_MAX,
    Patience,
)

START_NS = 10**18


def test_the_first_tries_are_at_once_and_then_each_waits_twice_as_long() -> None:
    patience = Patience()

    waits = [patience.next_at_ns(START_NS) - START_NS for _ in range(FREE_TRIES + 3)]

    assert waits == [0] * FREE_TRIES + [FIRST_WAIT_NS, 2 * FIRST_WAIT_NS, 4 * FIRST_WAIT_NS]


def test_no_wait_is_longer_than_the_limit() -> None:
    patience = Patience()

    for _ in range(100):
        last_ns = patience.next_at_ns(START_NS)

    assert last_ns - START_NS == WAIT_NS_MAX


def test_what_went_well_for_a_while_is_tried_at_once_again() -> None:
    patience = Patience()
    for _ in range(10):
        last_ns = patience.next_at_ns(START_NS)
    later_ns = last_ns + FORGIVEN_AFTER_NS + 1

    assert patience.next_at_ns(later_ns) == later_ns

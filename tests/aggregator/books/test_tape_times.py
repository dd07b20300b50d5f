"""Trades whose times are damaged or late, and lists that are ahead of the stream.

The rule of this file: one tape, told what happens.
"""

import pytest

from aggregator.books.tape import HOLE_KEPT_NS
from tests.aggregator.books.test_tape import Heard, trade

FAR_NS = 10**18  # A time that nobody can believe.


def test_one_time_far_ahead_does_not_hide_what_is_lost_after_it() -> None:
    heard = Heard(has_numbers=False)
    heard.hear(5)
    heard.hear_at(FAR_NS, 6)
    heard.tape.lose()
    heard.hear(9)
    was_missing = heard.tape.is_missing

    heard.answer([5, 7, 8, 9])

    assert heard.ids == [5, 6, 9, 7, 8]
    assert (was_missing, heard.tape.is_missing) == (True, False)
    assert heard.counts.trade_gaps == 0


def test_a_time_far_ahead_in_a_list_is_no_proof_that_it_reaches_across_a_loss() -> None:
    heard = Heard(has_numbers=False)
    heard.hear(5, 6)
    heard.tape.lose()
    heard.hear(10)
    late = [trade(number, has_number=False, at=FAR_NS if number == 7 else 0) for number in (6, 7)]

    heard.told += heard.tape.take_answer(late, 1)
    was_missing = heard.tape.is_missing
    heard.answer([6, 7, 8, 9, 10])

    assert heard.ids == [5, 6, 10, 7, 8, 9]
    assert (was_missing, heard.tape.is_missing) == (True, False)


def test_a_first_trade_with_a_time_far_ahead_is_no_end_of_a_loss() -> None:
    heard = Heard(has_numbers=False)
    heard.hear(5, 6)
    heard.tape.lose()
    heard.hear_at(FAR_NS, 9)
    heard.hear(10)

    heard.answer([6, 7, 8, 10])

    assert heard.ids == [5, 6, 9, 10, 7, 8]
    assert not heard.tape.is_missing
    assert heard.counts.trade_gaps == 0


def test_where_our_clock_is_behind_the_venue_s_is_believed() -> None:
    heard = Heard(has_numbers=False)
    for number in (5, 6, 7):
        heard.hear_at(FAR_NS + number, number)
    heard.tape.lose()
    for number in (9, 10):
        heard.hear_at(FAR_NS + number, number)

    past = [trade(number, has_number=False, at=FAR_NS + number) for number in range(6, 11)]
    heard.told += heard.tape.take_answer(past, 1)

    assert heard.ids == [5, 6, 7, 9, 10, 8]
    assert not heard.tape.is_missing
    assert heard.counts.trade_gaps == 0


def test_a_loss_after_which_only_older_trades_come_is_counted_in_the_end() -> None:
    heard = Heard(has_numbers=False)
    heard.hear(500)
    heard.tape.lose()
    heard.hear(6, 7)

    heard.tape.look_for_lost(HOLE_KEPT_NS + 2)

    assert heard.counts.trade_gaps == 1
    assert not heard.tape.is_missing


@pytest.mark.parametrize("has_numbers", [True, False])
def test_nothing_is_missing_any_more_after_a_history_that_reaches_back(has_numbers: bool) -> None:
    heard = Heard(has_numbers=has_numbers)
    heard.hear(5, 6)
    heard.tape.lose()

    heard.history([5, 6, 7])

    assert not heard.tape.is_missing


def test_what_a_list_brings_before_the_stream_is_not_taken_for_told() -> None:
    heard = Heard(has_numbers=False)
    heard.hear(5, 6)

    heard.answer([5, 6, 7])
    heard.hear(7, 8)

    assert heard.ids == [5, 6, 7, 8]

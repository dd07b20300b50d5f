"""Trades: each once, in order, across lost connections, and none lost without being counted."""

from collections.abc import Iterable

import pytest

from aggregator.books.tape import HOLE_KEPT_NS, HOLES_MAX, TRADE_IDS_MAX, Tape
from aggregator.books.words import BookCounts, Trade
from aggregator.protocol import NONE, Memory, TradeUpdate
from shared.messages import Side


def trade(number: int, *, at: int = 0, has_number: bool = True, **fields: bool) -> TradeUpdate:
    return TradeUpdate(
        "BTCUSDT",
        str(number),
        "100",
        "1",
        Side.BUY,
        venue_at_ns=at or number,
        number=number if has_number else NONE,
        **fields,
    )


class Heard:
    """A tape and what it has told."""

    def __init__(self, *, has_numbers: bool = True) -> None:
        self.counts = BookCounts()
        self.tape = Tape("json:spot:BTC/USDT", Memory(100), self.counts)
        self.told: list[Trade] = []
        self._has_numbers = has_numbers

    def hear(self, *numbers: int) -> None:
        for number in numbers:
            told = self.tape.take(trade(number, has_number=self._has_numbers), 1)
            self.told += [told] if told else []

    def hear_at(self, venue_at_ns: int, number: int) -> None:
        """Hear a trade with a time of its own."""
        update = trade(number, at=venue_at_ns, has_number=self._has_numbers)
        told = self.tape.take(update, 1)
        self.told += [told] if told else []

    def history(self, numbers: Iterable[int]) -> None:
        updates = [
            trade(number, has_number=self._has_numbers, is_history=True) for number in numbers
        ]
        self.told += self.tape.take_history(updates, 1)

    def answer(self, numbers: Iterable[int]) -> None:
        updates = [
            trade(number, has_number=self._has_numbers, is_history=True) for number in numbers
        ]
        self.told += self.tape.take_answer(updates, 1)

    @property
    def ids(self) -> list[int]:
        return [int(one.trade_id) for one in self.told]

    @property
    def recovered(self) -> list[int]:
        return [int(one.trade_id) for one in self.told if one.is_recovered]


@pytest.mark.parametrize("has_numbers", [True, False])
def test_a_trade_that_comes_twice_is_told_once(has_numbers: bool) -> None:
    heard = Heard(has_numbers=has_numbers)

    heard.hear(5, 6, 6, 5, 7)

    assert heard.ids == [5, 6, 7]
    assert heard.counts.duplicates == 2
    assert heard.counts.trades == 3


@pytest.mark.parametrize("has_numbers", [True, False])
def test_the_history_before_the_first_trade_is_not_told(has_numbers: bool) -> None:
    heard = Heard(has_numbers=has_numbers)

    heard.history([4, 3, 2])
    heard.hear(5)

    assert heard.ids == [5]
    assert not heard.tape.is_missing


@pytest.mark.parametrize("has_numbers", [True, False])
def test_what_a_lost_connection_missed_is_told_in_order_and_marked(has_numbers: bool) -> None:
    heard = Heard(has_numbers=has_numbers)
    heard.hear(5, 6)

    heard.tape.lose()
    assert heard.tape.is_missing
    heard.history([9, 8, 7, 6, 5, 4])
    heard.hear(9, 10)

    assert heard.ids == [5, 6, 7, 8, 9, 10]
    assert heard.recovered == [7, 8, 9]


def test_a_hole_in_the_numbers_is_asked_for_and_filled() -> None:
    heard = Heard()
    heard.hear(5, 9)
    was_missing = heard.tape.is_missing

    heard.answer(range(1, 10))

    assert heard.ids == [5, 9, 6, 7, 8]
    assert heard.recovered == [6, 7, 8]
    assert (was_missing, heard.tape.is_missing) == (True, False)
    assert heard.counts.trades_missed == 0


def test_a_trade_that_comes_late_fills_its_hole_without_being_asked_for() -> None:
    heard = Heard()
    heard.hear(5, 7, 6)

    assert heard.ids == [5, 7, 6]
    assert heard.recovered == []
    heard.answer([5, 6, 7])
    assert heard.ids == [5, 7, 6]


def test_what_an_answer_does_not_have_any_more_is_counted_as_missed() -> None:
    heard = Heard()
    heard.hear(5, 20)

    heard.answer(range(15, 21))

    assert heard.ids == [5, 20, 15, 16, 17, 18, 19]
    assert heard.counts.trades_missed == 9


def test_a_hole_newer_than_the_answer_stays_open() -> None:
    heard = Heard()
    heard.hear(5, 9)

    heard.answer([4, 5, 6])

    assert heard.ids == [5, 9, 6]
    assert heard.tape.is_missing
    heard.tape.look_for_lost(HOLE_KEPT_NS + 2)
    assert heard.counts.trades_missed == 2


def test_more_holes_than_can_be_filled_are_counted_at_once() -> None:
    heard = Heard()

    heard.hear(1, HOLES_MAX + 12, HOLES_MAX + 13)

    assert heard.counts.trades_missed == 10
    heard.hear(12)
    assert heard.ids == [1, HOLES_MAX + 12, HOLES_MAX + 13, 12]


def test_ids_are_remembered_up_to_a_limit() -> None:
    heard = Heard(has_numbers=False)

    heard.hear(*range(TRADE_IDS_MAX + 1))
    heard.hear(1)
    assert heard.counts.duplicates == 1


def test_a_trade_older_than_the_loss_is_not_told_after_it() -> None:
    heard = Heard(has_numbers=False)
    heard.hear(5, 6)
    heard.tape.lose()

    heard.history([3, 4, 7])

    assert heard.ids == [5, 6, 7]


def test_a_trade_that_cannot_be_read_is_counted() -> None:
    heard = Heard()
    bad = trade(5)
    bad.price = "NaN"

    assert heard.tape.take(bad, 1) is None
    assert (heard.counts.malformed, heard.counts.trades) == (1, 0)


def test_of_aggregates_and_single_trades_only_one_kind_is_counted() -> None:
    heard = Heard()
    heard.hear(5)

    assert heard.tape.take(trade(900, is_aggregate=True), 1) is None
    assert heard.tape.take_answer([trade(901, is_aggregate=True)], 1) == []
    heard.hear(6)
    assert heard.ids == [5, 6]
    assert not heard.tape.is_missing


def test_one_damaged_number_makes_no_later_trade_a_repeat() -> None:
    heard = Heard()

    heard.hear(5, 6, 9_000_000_007, 8, 9)

    assert heard.ids == [5, 6, 9_000_000_007, 8, 9]
    assert heard.counts.duplicates == 0


def test_a_venue_that_begins_to_count_anew_is_followed() -> None:
    heard = Heard()

    heard.hear(50_000, 50_001, 1, 2, 2, 3)

    assert heard.ids == [50_000, 50_001, 1, 2, 3]
    assert heard.counts.duplicates == 1


def test_a_long_outage_is_counted_once_two_trades_agree_on_it() -> None:
    heard = Heard()

    heard.hear(1, 100_000, 100_000, 100_001)

    assert heard.ids == [1, 100_000, 100_001]
    assert heard.counts.duplicates == 1
    assert heard.tape.is_missing
    assert heard.counts.trades_missed == 99_998 - HOLES_MAX


def test_an_answer_from_before_the_new_subscription_is_not_the_last_word() -> None:
    # Between the answer and the first trade of the new connection there may have been others.
    heard = Heard(has_numbers=False)
    heard.hear(5, 6)
    heard.tape.lose()

    heard.answer([4, 5, 6, 7])
    heard.hear(10)
    was_missing = heard.tape.is_missing
    heard.answer([6, 7, 8, 9, 10])

    assert heard.ids == [5, 6, 7, 10, 8, 9]
    assert (was_missing, heard.tape.is_missing) == (True, False)
    assert heard.counts.trade_gaps == 0


def test_an_answer_without_the_first_trade_after_a_loss_is_asked_for_again() -> None:
    # A venue's list may be a moment behind its stream.
    heard = Heard(has_numbers=False)
    heard.hear(5, 6)
    heard.tape.lose()
    heard.hear(10)

    heard.answer([5, 6, 7, 8])
    was_missing = heard.tape.is_missing
    heard.answer([5, 6, 7, 8, 9, 10, 11])

    assert heard.ids == [5, 6, 10, 7, 8, 9, 11]
    assert (was_missing, heard.tape.is_missing) == (True, False)
    assert heard.counts.trade_gaps == 0


def test_a_loss_that_is_longer_than_a_history_without_numbers_is_told() -> None:
    heard = Heard(has_numbers=False)
    heard.hear(5, 6)
    heard.tape.lose()
    heard.hear(20)

    heard.answer([15, 16, 17, 18, 19, 20])

    assert heard.ids == [5, 6, 20, 15, 16, 17, 18, 19]
    assert not heard.tape.is_missing
    assert heard.counts.trade_gaps == 1


def test_a_loss_that_no_answer_covers_is_given_up_in_the_end_and_told() -> None:
    heard = Heard(has_numbers=False)
    heard.hear(5, 6)
    heard.tape.lose()
    heard.hear(10)
    heard.answer([5, 6])

    heard.tape.look_for_lost(HOLE_KEPT_NS + 2)

    assert not heard.tape.is_missing
    assert heard.counts.trade_gaps == 1


def test_a_loss_where_the_venue_cannot_be_asked_is_told_with_the_next_trade() -> None:
    heard = Heard(has_numbers=False)
    heard.hear(5, 6)
    heard.tape.lose()
    heard.tape.cannot_ask()
    before = heard.counts.trade_gaps

    heard.hear(9, 10)

    assert (before, heard.counts.trade_gaps) == (0, 1)
    assert not heard.tape.is_missing


def test_a_loss_of_numbered_trades_is_told_by_their_numbers_alone() -> None:
    heard = Heard()
    heard.hear(5, 6)
    heard.tape.lose()
    heard.tape.cannot_ask()

    heard.hear(9)

    assert heard.counts.trade_gaps == 0
    assert heard.tape.missing_count == 2


def test_the_history_of_a_new_subscription_ends_a_loss_that_it_reaches_back_to() -> None:
    heard = Heard(has_numbers=False)
    heard.hear(5, 6)
    heard.tape.lose()
    heard.history([4, 5, 6, 7])
    heard.hear(8)
    reached = heard.counts.trade_gaps

    heard.tape.lose()
    heard.history([20, 21])
    heard.hear(22)

    assert heard.ids == [5, 6, 7, 8, 20, 21, 22]
    assert (reached, heard.counts.trade_gaps) == (0, 1)


def test_what_is_older_than_a_history_is_not_to_be_had_any_more() -> None:
    heard = Heard()
    heard.hear(5, 20)

    heard.history([20, 19, 18, 17])

    assert heard.ids == [5, 20, 17, 18, 19]
    assert heard.counts.trades_missed == 11
    assert heard.tape.missing_count == 11


def test_a_list_has_to_reach_back_only_to_the_end_of_the_list_before_it() -> None:
    heard = Heard(has_numbers=False)
    heard.hear(5, 6)
    heard.tape.lose()
    heard.answer([5, 6, 7, 8])
    heard.hear(11)

    heard.answer([8, 9, 10, 11])

    assert heard.ids == [5, 6, 7, 8, 11, 9, 10]
    assert heard.counts.trade_gaps == 0


def test_each_of_two_losses_that_no_list_reaches_back_to_is_told() -> None:
    heard = Heard(has_numbers=False)
    heard.hear(5, 6)
    heard.tape.lose()
    heard.hear(10)
    heard.tape.lose()
    heard.hear(20)

    heard.answer([19, 20])

    assert heard.ids == [5, 6, 10, 20, 19]
    assert heard.counts.trade_gaps == 2

"""Icebergs, told as tables: only a part is shown, and each next part is the last in its queue."""

import pytest

from tests.support.scenario import FUNDED, play


def test_the_book_shows_only_the_part() -> None:
    play(f"""{FUNDED}
        sell alice #1 10 @ 100 shows 3
        book bids asks 100:3
        balance alice BTC 990 held 10
        buy bob #2 1 @ 100  -> accepted, trade with #1: 1 @ 100
        book bids asks 100:2
        cancel alice #1     -> cancelled 9
        book bids asks
    """)


def test_the_next_part_queues_up_behind_the_others_at_once() -> None:
    play(f"""{FUNDED}
        sell alice #1 10 @ 100 shows 3
        sell bob #2 5 @ 100
        queue #1 #2
        buy carol #3 9 @ 100  -> accepted, trade with #1: 3 @ 100, trade with #2: 5 @ 100, \
trade with #1: 1 @ 100
        book bids asks 100:2
        buy carol #4 2 @ 100  -> accepted, trade with #1: 2 @ 100
        book bids asks 100:3
    """)


def test_a_used_up_part_loses_its_place_and_a_partly_used_one_keeps_it() -> None:
    play(f"""{FUNDED}
        sell alice #1 6 @ 100 shows 2
        sell bob #2 5 @ 100
        buy carol #3 1 @ 100  -> accepted, trade with #1: 1 @ 100
        queue #1 #2
        buy carol #4 1 @ 100  -> accepted, trade with #1: 1 @ 100
        queue #2 #1
        book bids asks 100:7
    """)


def test_two_icebergs_take_turns_until_both_are_used_up() -> None:
    play(f"""{FUNDED}
        sell alice #1 4 @ 100 shows 2
        sell bob #2 3 @ 100 shows 1
        buy carol #3 9 @ 100  -> accepted, trade with #1: 2 @ 100, trade with #2: 1 @ 100, \
trade with #1: 2 @ 100, trade with #2: 1 @ 100, trade with #2: 1 @ 100
        book bids 100:2 asks
    """)


def test_as_a_taker_it_takes_with_its_whole_quantity() -> None:
    play(f"""{FUNDED}
        sell alice #1 5 @ 100
        buy bob #2 8 @ 100 shows 2  -> accepted, trade with #1: 5 @ 100
        book bids 100:2 asks
        holds #2 300
    """)


def test_fill_or_kill_counts_what_is_hidden() -> None:
    play(f"""{FUNDED}
        sell alice #1 5 @ 100 shows 1
        buy bob #2 6 @ 100 fok  -> accepted, expired fok_not_fillable 6
        buy bob #3 5 @ 100 fok  -> accepted, trade with #1: 1 @ 100, trade with #1: 1 @ 100, \
trade with #1: 1 @ 100, trade with #1: 1 @ 100, trade with #1: 1 @ 100
    """)


def test_a_smaller_quantity_keeps_its_place_and_shows_what_is_left_of_the_part() -> None:
    play(f"""{FUNDED}
        sell alice #1 10 @ 100 shows 4
        sell bob #2 5 @ 100
        amend alice #1 6      -> amended 6
        book bids asks 100:9
        amend alice #1 3      -> amended 3
        book bids asks 100:8
        queue #1 #2
    """)


def test_a_larger_quantity_loses_its_place_and_shows_a_whole_part_anew() -> None:
    play(f"""{FUNDED}
        sell alice #1 10 @ 100 shows 4
        sell bob #2 5 @ 100
        buy carol #3 3 @ 100  -> accepted, trade with #1: 3 @ 100
        book bids asks 100:6
        amend alice #1 12     -> amended 9
        book bids asks 100:9
        queue #2 #1
    """)


@pytest.mark.parametrize(
    "words", ["10 @ 100 shows 10", "10 @ 100 shows 11", "10 @ 100 shows -1", "10 @ 100 shows 3 ioc",
              "10 @ 100 shows 3 fok", "10 market shows 3", "10 @ 100 stop 90 shows 3"],
)  # fmt: skip
def test_a_part_is_less_than_the_whole_of_a_limit_order_that_rests(words: str) -> None:
    play(f"""{FUNDED}
        sell alice #1 {words}  -> INVALID_DISPLAY_QUANTITY
    """)

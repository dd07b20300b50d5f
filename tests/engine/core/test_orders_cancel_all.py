"""Many cancels at once, told as tables: by their owner, and by the timer that the owner has set."""

import pytest

from tests.support.scenario import FUNDED, play


def test_cancel_all_cancels_what_rests_and_what_waits_by_order_id() -> None:
    play(f"""{FUNDED}
        buy bob #1 1 @ 90
        buy alice #2 1 @ 90
        sell bob #3 1 stop 80
        sell bob #4 1 @ 120
        cancel_all bob  -> orders requested 3, #1 cancelled 1, #3 cancelled 1, #4 cancelled 1
        cancel_all bob  -> orders requested 0
        open alice #2
        balance bob USD 100000 held 0
        balance bob BTC 1000 held 0
    """)


def test_cancel_all_of_one_side_leaves_the_other() -> None:
    play(f"""{FUNDED}
        buy bob #1 1 @ 90
        sell bob #2 1 @ 120
        sell bob #3 1 stop 80
        cancel_all bob sell  -> orders requested 2, #2 cancelled 1, #3 cancelled 1
        open bob #1
    """)


def test_cancel_all_takes_pairs_along() -> None:
    play(f"""{FUNDED}
        oco bob #1 buy 1 @ 90 / #2 buy 1 stop 120
        oto bob #3 buy 1 @ 89 / #4 sell 1 @ 130
        cancel_all bob buy  -> orders requested 4, #1 cancelled 1, #2 cancelled linked 1, \
#3 cancelled 1, #4 cancelled linked 1
        open bob
    """)


def test_cancel_all_passes_over_a_halted_market() -> None:
    play(f"""{FUNDED}
        buy bob #1 1 @ 90
        status halted
        cancel_all bob     -> orders requested 0
        status cancel_only
        cancel_all bob     -> orders requested 1, #1 cancelled 1
    """)


def test_the_timer_cancels_everything_when_it_runs_out() -> None:
    play(f"""{FUNDED}
        buy bob #1 1 @ 90
        sell bob #2 1 stop 80
        timer bob 5s   -> done
        wait 4s
        open bob #1 #2
        wait 1s        -> orders cancel_timer 2, #1 cancelled cancel_timer 1, \
#2 cancelled cancel_timer 1
        buy bob #3 1 @ 90
        wait 60s
        open bob #3
    """)


def test_a_timer_set_anew_counts_from_then_and_none_can_be_taken_away() -> None:
    play(f"""{FUNDED}
        buy bob #1 1 @ 90
        timer bob 5s
        wait 4s
        timer bob 5s
        wait 4s
        open bob #1
        timer bob 0
        wait 9s
        open bob #1
    """)


def test_a_timer_that_finds_nothing_says_nothing() -> None:
    play(f"""{FUNDED}
        timer bob 5s
        wait 5s
        buy bob #1 1 @ 90
        wait 9s
        open bob #1
    """)


def test_a_timer_works_in_a_halted_market_and_before_the_orders_own_times() -> None:
    play(f"""{FUNDED}
        buy bob #1 1 @ 90 gtd 5s
        buy alice #2 1 @ 90 gtd 5s
        timer bob 5s
        status halted
        wait 5s  -> orders cancel_timer 1, #1 cancelled cancel_timer 1, #2 expired time 1
    """)


@pytest.mark.parametrize("span", ["1ms", "999ms", "86401s", "-1s"])
def test_a_timer_is_between_a_second_and_a_day(span: str) -> None:
    play(f"""{FUNDED}
        timer bob {span}   -> INVALID_TIMEOUT
        timer bob 1s       -> done
        timer bob 86400s   -> done
    """)

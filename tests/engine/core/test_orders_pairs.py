"""Pairs, told as tables: one cancels the other (OCO), and one triggers the other (OTO)."""

import pytest

from tests.support.scenario import FUNDED, play

# ---- one cancels the other ----


def test_a_pair_holds_the_larger_of_its_two_holds_once() -> None:
    play(f"""{FUNDED}
        oco bob #1 buy 2 @ 95 / #2 buy 2 stop 110   -> accepted, accepted
        balance bob USD 99780 held 220
        holds #1 220
        holds #2 0
        oco bob #3 sell 2 @ 120 / #4 sell 2 stop 80 -> accepted, accepted
        balance bob BTC 998 held 2
        book bids 95:2 asks 120:2
        open bob #1 #2 #3 #4
    """)


def test_the_first_trade_of_the_limit_leg_cancels_the_stop_and_frees_what_it_needed() -> None:
    play(f"""{FUNDED}
        oco bob #1 buy 2 @ 95 / #2 buy 2 stop 110
        sell alice #3 1 @ 95  -> accepted, #2 cancelled linked 2, trade with #1: 1 @ 95
        holds #1 95
        balance bob USD 99810 held 95
        amend bob #1 1        -> cancelled 1
        balance bob USD 99905 held 0
    """)


def test_when_the_stop_leg_fires_the_limit_leg_is_cancelled_first() -> None:
    play(f"""{FUNDED}
        sell alice #3 1 @ 110
        sell alice #4 5 @ 111
        oco bob #1 buy 2 @ 95 / #2 buy 2 stop 110
        buy carol #5 1 @ 110  -> accepted, trade with #3: 1 @ 110, #1 cancelled linked 2, \
#2 triggered at 110, #2 trade with #4: 2 @ 111
        balance bob USD 99778 held 0
        book bids asks 111:3
    """)


def test_a_stop_limit_leg_that_fires_rests_as_a_limit_order() -> None:
    play(f"""{FUNDED}
        buy alice #3 1 @ 80
        oco bob #1 sell 2 @ 120 / #2 sell 2 @ 85 stop 80
        sell carol #4 1 @ 80  -> accepted, trade with #3: 1 @ 80, #1 cancelled linked 2, \
#2 triggered at 80
        book bids asks 85:2
        balance bob BTC 998 held 2
    """)


@pytest.mark.parametrize(("named", "other"), [("#1", "#2"), ("#2", "#1")])
def test_a_cancel_of_one_leg_cancels_the_other_after_it(named: str, other: str) -> None:
    play(f"""{FUNDED}
        oco bob #1 buy 2 @ 95 / #2 buy 2 stop 110
        cancel bob {named}  -> cancelled 2, {other} cancelled linked 2
        balance bob USD 100000 held 0
        open bob
    """)


def test_the_time_of_one_leg_ends_both() -> None:
    play(f"""{FUNDED}
        oco bob #1 buy 2 @ 95 gtd 5s / #2 buy 2 stop 110
        wait 5s  -> #1 expired time 2, #2 cancelled linked 2
        oco bob #3 buy 2 @ 95 / #4 buy 2 stop 110 gtd 5s
        wait 5s  -> #4 expired time 2, #3 cancelled linked 2
        balance bob USD 100000 held 0
    """)


def test_a_pair_rests_first_or_is_refused_as_a_whole() -> None:
    play(f"""{FUNDED}
        sell alice #1 5 @ 100
        buy carol #2 1 @ 100                          -> accepted, trade with #1: 1 @ 100
        oco bob #3 buy 2 @ 100 / #4 buy 2 stop 110    -> POST_ONLY_WOULD_TAKE
        oco bob #3 buy 2 @ 95 / #4 buy 2 stop 100     -> STOP_ALREADY_MET
        oco bob #3 sell 2 @ 120 / #4 sell 2 stop 100  -> STOP_ALREADY_MET
        open bob
        balance bob USD 100000 held 0
    """)


@pytest.mark.parametrize(
    "legs",
    [
        "#1 buy 2 @ 95 / #2 buy 3 stop 110",
        "#1 buy 2 @ 95 / #2 sell 2 stop 90",
        "#1 buy 2 @ 95 / #2 buy 2 @ 96",
        "#1 buy 2 @ 95 / #2 buy 2 trail 5",
        "#1 buy 2 @ 95 ioc / #2 buy 2 stop 110",
        "#1 buy 2 @ 95 fok / #2 buy 2 stop 110",
        "#1 buy 2 stop 95 / #2 buy 2 stop 110",
        "#1 buy 2 market / #2 buy 2 stop 110",
    ],
)
def test_two_orders_that_are_no_pair_are_refused(legs: str) -> None:
    play(f"""{FUNDED}
        oco bob {legs}  -> INVALID_ORDER_PAIR
        open bob
    """)


def test_the_names_of_a_pair_are_two_names_in_use() -> None:
    play(f"""{FUNDED}
        oco bob #1 buy 2 @ 95 / #1 buy 2 stop 110 -> DUPLICATE_CLIENT_ORDER_ID
        oco bob #1 buy 2 @ 95 / #2 buy 2 stop 110 -> accepted, accepted
        buy bob #2 1 @ 90                         -> DUPLICATE_CLIENT_ORDER_ID
        cancel bob #1                             -> cancelled 2, #2 cancelled linked 2
        buy bob #2 1 @ 90                         -> accepted
    """)


def test_a_leg_of_a_living_pair_cannot_be_amended_and_one_that_is_left_can() -> None:
    play(f"""{FUNDED}
        oco bob #1 buy 2 @ 95 / #2 buy 2 stop 110
        amend bob #1 1        -> LINKED_ORDER
        amend bob #2 stop 111 -> LINKED_ORDER
        sell alice #3 1 @ 95  -> accepted, #2 cancelled linked 2, trade with #1: 1 @ 95
        amend bob #1 5        -> amended 4
    """)


def test_a_limit_leg_may_be_an_iceberg_or_post_only() -> None:
    play(f"""{FUNDED}
        oco bob #1 buy 5 @ 95 shows 2 / #2 buy 5 stop 110      -> accepted, accepted
        oco carol #3 buy 5 @ 94 post-only / #4 buy 5 stop 110  -> accepted, accepted
        book bids 95:2 94:5 asks
        sell alice #5 3 @ 95 -> accepted, #2 cancelled linked 5, trade with #1: 2 @ 95, \
trade with #1: 1 @ 95
    """)


def test_a_decremented_limit_leg_is_parted_from_its_stop_first() -> None:
    play(f"""{FUNDED}
        oco bob #1 buy 5 @ 95 / #2 buy 5 stop 110
        sell bob #3 2 @ 95 self-trade decrement -> accepted, #2 cancelled linked 5, \
#1 amended 3, expired self_trade 2
        holds #1 285
    """)


def test_a_stop_leg_in_the_queue_dies_with_the_trade_of_its_limit_leg() -> None:
    play(f"""{FUNDED}
        oco bob #1 sell 2 @ 101 / #2 sell 2 stop 100
        buy alice #3 1 @ 100
        buy dave #4 2 stop 100
        sell carol #5 1 @ 100 -> accepted, trade with #3: 1 @ 100, #4 triggered at 100, \
#2 cancelled linked 2, #4 trade with #1: 2 @ 101
        open bob
    """)


# ---- one triggers the other ----


def test_a_child_is_triggered_when_its_parent_is_filled_and_not_before() -> None:
    play(f"""{FUNDED}
        oto bob #1 buy 2 @ 100 / #2 sell 2 @ 110  -> accepted, accepted
        holds #2 0
        balance bob BTC 1000 held 0
        sell alice #3 1 @ 100  -> accepted, trade with #1: 1 @ 100
        book bids 100:1 asks
        sell alice #4 1 @ 100  -> accepted, trade with #1: 1 @ 100, #2 triggered
        book bids asks 110:2
        holds #2 2
    """)


def test_a_parent_that_is_filled_as_a_taker_triggers_its_child_in_the_same_command() -> None:
    play(f"""{FUNDED}
        sell alice #3 2 @ 100
        buy alice #4 2 @ 90
        oto bob #1 buy 2 @ 100 / #2 sell 2 market  -> accepted, accepted, \
trade with #3: 2 @ 100, #2 triggered, #2 trade with #4: 2 @ 90
    """)


def test_a_child_pays_with_what_its_parent_has_bought() -> None:
    play("""
        deposit alice 2 BTC
        deposit bob 200 USD
        oto bob #1 buy 2 @ 100 / #2 sell 2 @ 110
        sell alice #3 2 @ 100  -> accepted, trade with #1: 2 @ 100, #2 triggered
        balance bob BTC 0 held 2
    """)


def test_a_child_that_its_account_cannot_pay_expires() -> None:
    play("""
        deposit alice 2 BTC
        deposit bob 200 USD
        oto bob #1 buy 2 @ 100 / #2 buy 2 @ 90
        sell alice #3 2 @ 100  -> accepted, trade with #1: 2 @ 100, #2 expired insufficient_funds 2
        open bob
    """)


def test_a_parent_that_ends_otherwise_takes_its_child_along() -> None:
    play(f"""{FUNDED}
        oto bob #1 buy 2 @ 100 / #2 sell 2 @ 110
        cancel bob #1   -> cancelled 2, #2 cancelled linked 2
        oto bob #3 buy 2 @ 100 ioc / #4 sell 2 @ 110 -> accepted, accepted, \
expired ioc_remainder 2, #4 cancelled linked 2
        oto bob #5 buy 2 @ 100 fok / #6 sell 2 @ 110 -> accepted, accepted, \
expired fok_not_fillable 2, #6 cancelled linked 2
        oto bob #7 buy 2 @ 100 gtd 5s / #8 sell 2 @ 110
        wait 5s         -> #7 expired time 2, #8 cancelled linked 2
        oto bob #9 buy 2 @ 100 / #10 sell 2 @ 110
        amend bob #9 0  -> cancelled 2, #10 cancelled linked 2
        open bob
    """)


def test_a_child_that_ends_leaves_its_parent_alone() -> None:
    play(f"""{FUNDED}
        oto bob #1 buy 2 @ 100 / #2 sell 2 @ 110
        cancel bob #2   -> cancelled 2
        oto bob #3 buy 2 @ 99 / #4 sell 2 @ 110 gtd 5s
        wait 5s         -> #4 expired time 2
        sell alice #5 4 @ 99 -> accepted, trade with #1: 2 @ 100, trade with #3: 2 @ 99
    """)


def test_a_stop_as_a_child_waits_or_fires_at_once_if_it_is_met() -> None:
    play(f"""{FUNDED}
        buy alice #9 9 @ 90
        oto bob #1 buy 2 @ 100 / #2 sell 2 stop 95
        sell alice #3 2 @ 100  -> accepted, trade with #1: 2 @ 100, #2 triggered
        holds #2 2
        open bob #2
        oto bob #4 buy 2 @ 100 / #5 sell 2 stop 101
        sell alice #6 2 @ 100  -> accepted, trade with #4: 2 @ 100, #5 triggered, \
#5 triggered at 101, #5 trade with #9: 2 @ 90, #2 triggered at 95, #2 trade with #9: 2 @ 90
    """)


def test_a_trailing_child_starts_at_the_price_that_filled_its_parent() -> None:
    play(f"""{FUNDED}
        oto bob #1 buy 2 @ 100 / #2 sell 2 trail 5  -> accepted, accepted
        sell alice #3 2 @ 100  -> accepted, trade with #1: 2 @ 100, #2 triggered
        stops #2 at 95
    """)


def test_a_post_only_child_that_would_take_expires() -> None:
    play(f"""{FUNDED}
        buy alice #9 1 @ 90
        oto bob #1 buy 2 @ 100 / #2 sell 2 @ 90 post-only
        sell alice #3 2 @ 100  -> accepted, trade with #1: 2 @ 100, #2 expired post_only 2
    """)


def test_children_come_before_the_stops_of_the_same_taker() -> None:
    play(f"""{FUNDED}
        buy dave #9 9 @ 90
        sell carol #4 1 stop 100
        oto bob #1 buy 1 @ 101 / #2 sell 1 market
        oto bob #5 buy 1 @ 100 / #6 sell 1 market
        sell alice #3 2 @ 100  -> accepted, trade with #1: 1 @ 101, trade with #5: 1 @ 100, \
#2 triggered, #2 trade with #9: 1 @ 90, #6 triggered, #6 trade with #9: 1 @ 90, \
#4 triggered at 100, #4 trade with #9: 1 @ 90
    """)


def test_a_child_expires_where_the_fill_of_its_parent_halts_the_market() -> None:
    play(f"""{FUNDED}
        rules halt_move_ppm=50000
        buy dave #9 1 @ 100
        oto bob #1 buy 1 @ 90 / #2 sell 1 @ 120
        sell alice #3 1 @ 100  -> accepted, trade with #9: 1 @ 100
        sell alice #4 1 @ 90   -> accepted, trade with #1: 1 @ 90, market halted volatility, \
#2 expired market_not_open 1
    """)


def test_a_waiting_child_cannot_be_amended_and_its_parent_can() -> None:
    play(f"""{FUNDED}
        oto bob #1 buy 2 @ 100 / #2 sell 2 @ 110
        amend bob #2 3         -> LINKED_ORDER
        amend bob #1 1 @ 101   -> amended 1
        sell alice #3 1 @ 101  -> accepted, trade with #1: 1 @ 101, #2 triggered
        amend bob #2 3 @ 111   -> amended 3
        book bids asks 111:3
    """)


def test_a_parent_is_a_limit_order() -> None:
    play(f"""{FUNDED}
        oto bob #1 buy 2 stop 100 / #2 sell 2 @ 110  -> INVALID_ORDER_PAIR
        oto bob #1 buy 2 market / #2 sell 2 @ 110    -> INVALID_ORDER_PAIR
    """)


def test_a_pair_counts_as_two_open_orders() -> None:
    play(f"""{FUNDED}
        rules open_orders_max=3
        oto bob #1 buy 2 @ 100 / #2 sell 2 @ 110       -> accepted, accepted
        oco bob #3 buy 2 @ 100 / #4 buy 2 stop 110     -> TOO_MANY_OPEN_ORDERS
        buy bob #3 1 @ 100                             -> accepted
        buy bob #4 1 @ 100                             -> TOO_MANY_OPEN_ORDERS
        buy bob #4 1 @ 100 ioc                         -> accepted, expired ioc_remainder 1
    """)

"""Stop and stop-limit orders, told as tables: when they fire, in what order, what they hold."""

from shared.messages import FeeAsset
from tests.support.scenario import FUNDED, opened_exchange, play


def test_a_buy_stop_waits_until_the_price_has_risen_to_it() -> None:
    play(f"""{FUNDED}
        sell alice #1 1 @ 100
        sell alice #2 5 @ 105
        buy bob #3 2 stop 105  -> accepted
        buy carol #4 1 @ 100   -> accepted, trade with #1: 1 @ 100
        buy carol #5 1 @ 105   -> accepted, trade with #2: 1 @ 105, #3 triggered at 105, \
#3 trade with #2: 2 @ 105
        book bids asks 105:2
        open bob
    """)


def test_a_sell_stop_waits_until_the_price_has_fallen_to_it() -> None:
    play(f"""{FUNDED}
        buy alice #1 1 @ 100
        buy alice #2 5 @ 95
        sell bob #3 2 stop 95   -> accepted
        sell carol #4 1 @ 100   -> accepted, trade with #1: 1 @ 100
        sell carol #5 1 @ 95    -> accepted, trade with #2: 1 @ 95, #3 triggered at 95, \
#3 trade with #2: 2 @ 95
        book bids 95:2 asks
    """)


def test_a_stop_that_is_met_at_placement_fires_at_once_or_is_refused_if_asked_so() -> None:
    play(f"""{FUNDED}
        sell alice #1 4 @ 100
        buy bob #2 1 @ 100                       -> accepted, trade with #1: 1 @ 100
        buy bob #3 1 stop 100                    -> accepted, triggered at 100, \
trade with #1: 1 @ 100
        buy bob #4 1 stop 99 reject-if-met       -> STOP_ALREADY_MET
        sell bob #5 1 stop 100 reject-if-met     -> STOP_ALREADY_MET
        buy bob #6 1 stop 101 reject-if-met      -> accepted
        open bob #6
    """)


def test_without_a_last_price_no_stop_is_met() -> None:
    play(f"""{FUNDED}
        rules reference_price_ticks=100
        sell alice #1 4 @ 100
        buy bob #2 1 stop 90 reject-if-met  -> accepted
        open bob #2
    """)


def test_a_fired_stop_limit_trades_to_its_limit_and_rests_there() -> None:
    play(f"""{FUNDED}
        buy alice #1 1 @ 100
        buy alice #2 2 @ 98
        buy alice #3 5 @ 97
        sell bob #4 3 @ 98 stop 100  -> accepted
        sell carol #5 1 @ 100        -> accepted, trade with #1: 1 @ 100, #4 triggered at 100, \
#4 trade with #2: 2 @ 98
        book bids 97:5 asks 98:1
        open bob #4
    """)


def test_five_stops_trigger_one_another_within_one_command() -> None:
    play(f"""{FUNDED}
        sell alice #1 1 @ 100
        sell alice #2 1 @ 101
        sell alice #3 1 @ 102
        sell alice #4 1 @ 103
        sell alice #5 1 @ 104
        sell alice #6 1 @ 105
        buy bob #15 1 stop 104
        buy bob #14 1 stop 103
        buy bob #13 1 stop 102
        buy bob #12 1 stop 101
        buy bob #11 1 stop 100
        buy carol #20 1 @ 100  -> accepted, trade with #1: 1 @ 100, \
#11 triggered at 100, #11 trade with #2: 1 @ 101, #12 triggered at 101, \
#12 trade with #3: 1 @ 102, #13 triggered at 102, #13 trade with #4: 1 @ 103, \
#14 triggered at 103, #14 trade with #5: 1 @ 104, #15 triggered at 104, #15 trade with #6: 1 @ 105
        book bids asks
        open bob
    """)


def test_the_stops_nearest_to_their_trigger_come_first_and_buys_before_sells() -> None:
    play(f"""{FUNDED}
        sell alice #1 1 @ 105
        sell alice #2 5 @ 106
        buy alice #3 5 @ 104
        buy bob #4 1 stop 103
        buy bob #5 1 stop 102
        sell carol #6 1 stop 106
        sell carol #7 1 stop 107
        buy dave #8 1 @ 105  -> accepted, trade with #1: 1 @ 105, \
#5 triggered at 102, #5 trade with #2: 1 @ 106, #4 triggered at 103, #4 trade with #2: 1 @ 106, \
#7 triggered at 107, #7 trade with #3: 1 @ 104, #6 triggered at 106, #6 trade with #3: 1 @ 104
    """)


def test_stops_at_one_price_fire_in_the_order_in_which_they_came_to_it() -> None:
    play(f"""{FUNDED}
        sell alice #1 1 @ 105
        sell alice #2 9 @ 106
        buy bob #3 1 stop 105
        buy carol #4 1 stop 105
        amend bob #3 2            -> amended 2
        amend bob #3 stop 104     -> amended 2
        amend bob #3 stop 105     -> amended 2
        buy dave #5 1 @ 105       -> accepted, trade with #1: 1 @ 105, \
#4 triggered at 105, #4 trade with #2: 1 @ 106, #3 triggered at 105, #3 trade with #2: 2 @ 106
    """)


def test_the_first_price_of_a_sweep_elects_as_well_as_its_last() -> None:
    play(f"""{FUNDED}
        sell alice #1 1 @ 105
        buy bob #2 1 @ 105           -> accepted, trade with #1: 1 @ 105
        buy dave #3 1 @ 90
        sell carol #4 1 stop 101     -> accepted
        sell alice #5 1 @ 100
        sell alice #6 1 @ 103
        buy bob #7 2 @ 103           -> accepted, trade with #5: 1 @ 100, trade with #6: 1 @ 103, \
#4 triggered at 101, #4 trade with #3: 1 @ 90
    """)


def test_a_buy_stop_holds_its_stop_price_and_then_what_its_trades_cost() -> None:
    play(f"""{FUNDED}
        sell alice #1 1 @ 105
        sell alice #2 5 @ 103
        buy bob #3 5 stop 104
        balance bob USD 99480 held 520
        buy carol #4 6 @ 105  -> accepted, trade with #2: 5 @ 103, trade with #1: 1 @ 105, \
#3 triggered at 104, #3 expired market_remainder 5
        balance bob USD 100000 held 0
    """)


def test_a_stop_that_its_account_cannot_pay_expires_as_a_whole() -> None:
    play("""
        deposit alice 10 BTC
        deposit bob 530 USD
        deposit carol 105 USD
        sell alice #1 1 @ 105
        sell alice #2 5 @ 110
        buy bob #3 5 stop 105
        balance bob USD 5 held 525
        buy carol #4 1 @ 105  -> accepted, trade with #1: 1 @ 105, #3 expired insufficient_funds 5
        balance bob USD 530 held 0
    """)


def test_a_stop_takes_what_it_lacks_from_the_available_balance() -> None:
    play("""
        deposit alice 10 BTC
        deposit bob 550 USD
        deposit carol 105 USD
        sell alice #1 1 @ 105
        sell alice #2 5 @ 110
        buy bob #3 5 stop 105
        buy carol #4 1 @ 105  -> accepted, trade with #1: 1 @ 105, #3 triggered at 105, \
#3 trade with #2: 5 @ 110
        balance bob USD 0 held 0
        balance bob BTC 5 held 0
    """)


def test_a_stop_holds_the_fee_on_top_where_fees_are_in_quote() -> None:
    audited = opened_exchange(FeeAsset.QUOTE, taker_fee_ppm=10_000)
    play(
        """
        deposit bob 1000 USD
        buy bob #1 5 stop 100       -> accepted
        balance bob USD 495 held 505
        buy bob #2 4 @ 100 stop 90  -> accepted
        holds #2 404
        cancel bob #1               -> cancelled 5
        balance bob USD 596 held 404
    """,
        audited,
    )


def test_a_buy_stop_by_budget_spends_at_most_that() -> None:
    play(f"""{FUNDED}
        sell alice #1 1 @ 100
        sell alice #2 9 @ 101
        buy bob #3 budget 400 stop 100
        balance bob USD 99600 held 400
        buy carol #4 1 @ 100  -> accepted, trade with #1: 1 @ 100, #3 triggered at 100, \
#3 trade with #2: 3 @ 101
        balance bob USD 99697 held 0
        balance bob BTC 1003 held 0
    """)


def test_a_sell_stop_holds_its_base() -> None:
    play(f"""{FUNDED}
        sell bob #1 5 stop 90
        balance bob BTC 995 held 5
        cancel bob #1  -> cancelled 5
        balance bob BTC 1000 held 0
        sell bob #2 1001 stop 90  -> INSUFFICIENT_FUNDS
    """)


def test_fill_or_kill_begins_to_matter_when_the_stop_fires() -> None:
    play(f"""{FUNDED}
        sell alice #1 1 @ 100
        sell alice #2 4 @ 101
        buy bob #3 5 stop 100 fok
        buy carol #4 1 @ 100  -> accepted, trade with #1: 1 @ 100, #3 triggered at 100, \
#3 expired fok_not_fillable 5
        book bids asks 101:4
    """)


def test_a_stop_waits_while_the_market_is_not_open_and_fires_when_it_opens() -> None:
    play(f"""{FUNDED}
        sell alice #1 4 @ 100
        buy bob #2 1 @ 100     -> accepted, trade with #1: 1 @ 100
        status post_only       -> market post_only operator
        buy carol #3 2 stop 99 -> accepted
        wait 1s
        open carol #3
        status open            -> market open operator, #3 triggered at 99, \
#3 trade with #1: 2 @ 100
    """)


def test_a_stop_limit_reached_in_time_outlives_its_trigger_but_not_its_own_time() -> None:
    play(f"""{FUNDED}
        buy alice #1 1 @ 100
        sell bob #2 3 @ 101 stop 100 gtd 5s
        sell bob #3 3 stop 90 gtd 3s
        sell carol #4 1 @ 100  -> accepted, trade with #1: 1 @ 100, #2 triggered at 100
        book bids asks 101:3
        wait 3s                -> #3 expired time 3
        wait 2s                -> #2 expired time 3
        book bids asks
    """)

"""The volatility halt, told as tables: what sets it off, what waits, how a market comes back."""

from tests.support.scenario import FUNDED, play

RULES = "rules halt_move_ppm=50000 halt_window_ns=16000000000 halt_ns=10000000000 \
reopen_ns=5000000000"


def test_a_move_beyond_the_limit_halts_and_the_market_comes_back_by_itself() -> None:
    play(f"""{FUNDED}
        {RULES}
        sell alice #1 1 @ 100
        sell alice #2 1 @ 105
        sell alice #3 9 @ 106
        buy bob #4 1 @ 100   -> accepted, trade with #1: 1 @ 100
        buy bob #5 1 @ 105   -> accepted, trade with #2: 1 @ 105
        buy bob #6 2 @ 106   -> accepted, trade with #3: 2 @ 106, market halted volatility
        cancel alice #3      -> MARKET_HALTED
        buy bob #7 1 @ 90    -> MARKET_HALTED
        wait 9s
        buy bob #7 1 @ 90    -> MARKET_HALTED
        wait 1s              -> market post_only reopening
        buy bob #7 1 @ 106   -> MARKET_POST_ONLY
        buy bob #7 1 @ 90    -> accepted
        wait 5s              -> market open reopening
        buy bob #8 1 @ 106   -> accepted, trade with #3: 1 @ 106
    """)


def test_the_trades_stand_and_the_rest_of_the_taker_rests() -> None:
    play(f"""{FUNDED}
        {RULES}
        sell alice #1 1 @ 100
        sell alice #2 1 @ 110
        buy bob #3 5 @ 110   -> accepted, trade with #1: 1 @ 100, trade with #2: 1 @ 110, \
market halted volatility
        book bids 110:3 asks
        balance bob USD 99460 held 330
    """)


def test_a_remainder_expires_before_the_halt_is_told() -> None:
    play(f"""{FUNDED}
        {RULES}
        sell alice #1 1 @ 100
        sell alice #2 1 @ 110
        buy bob #3 5 market  -> accepted, trade with #1: 1 @ 100, trade with #2: 1 @ 110, \
expired market_remainder 3, market halted volatility
    """)


def test_a_move_that_takes_longer_than_the_window_is_no_move() -> None:
    play(f"""{FUNDED}
        {RULES}
        sell alice #1 1 @ 100
        sell alice #2 1 @ 105
        sell alice #3 1 @ 110
        buy bob #4 1 @ 100   -> accepted, trade with #1: 1 @ 100
        wait 15s
        buy bob #5 1 @ 105   -> accepted, trade with #2: 1 @ 105
        wait 1s
        buy bob #6 1 @ 110   -> accepted, trade with #3: 1 @ 110
    """)


def test_a_fall_is_measured_from_the_lowest_price_of_the_window() -> None:
    play(f"""{FUNDED}
        {RULES}
        buy alice #1 1 @ 105
        buy alice #2 1 @ 100
        buy alice #3 1 @ 99
        sell bob #4 1 @ 105  -> accepted, trade with #1: 1 @ 105
        sell bob #5 1 @ 100  -> accepted, trade with #2: 1 @ 100
        sell bob #6 1 @ 99   -> accepted, trade with #3: 1 @ 99, market halted volatility
    """)


def test_a_stop_elected_by_the_halting_taker_waits_until_the_market_is_open_again() -> None:
    play(f"""{FUNDED}
        {RULES}
        buy alice #1 1 @ 100
        buy alice #2 1 @ 90
        buy alice #3 5 @ 89
        sell carol #4 2 stop 95
        sell bob #5 2 @ 90   -> accepted, trade with #1: 1 @ 100, trade with #2: 1 @ 90, \
market halted volatility
        open carol #4
        wait 10s             -> market post_only reopening
        open carol #4
        wait 5s              -> market open reopening, #4 triggered at 95, #4 trade with #3: 2 @ 89
    """)


def test_a_trailing_stop_follows_the_price_that_halts() -> None:
    play(f"""{FUNDED}
        {RULES}
        sell alice #1 1 @ 100
        sell alice #2 1 @ 110
        buy bob #3 1 @ 100   -> accepted, trade with #1: 1 @ 100
        sell carol #4 2 trail 3
        buy bob #5 1 @ 110   -> accepted, trade with #2: 1 @ 110, market halted volatility
        stops #4 at 107
    """)


def test_after_a_halt_the_window_begins_anew() -> None:
    play(f"""{FUNDED}
        {RULES}
        sell alice #1 1 @ 100
        sell alice #2 1 @ 110
        sell alice #3 1 @ 112
        buy bob #4 2 @ 110   -> accepted, trade with #1: 1 @ 100, trade with #2: 1 @ 110, \
market halted volatility
        status open          -> market open operator
        buy bob #5 1 @ 112   -> accepted, trade with #3: 1 @ 112
        wait 30s
        buy bob #6 1 @ 90    -> accepted
    """)


def test_an_operators_status_ends_the_timers_of_a_halt() -> None:
    play(f"""{FUNDED}
        {RULES}
        sell alice #1 1 @ 100
        sell alice #2 1 @ 110
        buy bob #3 2 @ 110   -> accepted, trade with #1: 1 @ 100, trade with #2: 1 @ 110, \
market halted volatility
        status cancel_only   -> market cancel_only operator
        wait 60s
        buy bob #4 1 @ 90    -> MARKET_CANCEL_ONLY
    """)


def test_orders_expire_in_a_halted_market() -> None:
    play(f"""{FUNDED}
        buy bob #1 1 @ 90 gtd 5s
        status halted
        wait 5s              -> #1 expired time 1
    """)

"""Amends, told as tables: what keeps its place, what comes to the market again, what is refused."""

import pytest

from tests.support.scenario import FUNDED, play


def test_only_a_smaller_quantity_keeps_the_place() -> None:
    play(f"""{FUNDED}
        sell alice #1 5 @ 100
        sell bob #2 5 @ 100
        amend alice #1 3  -> amended 3
        queue #1 #2
        balance alice BTC 997 held 3
        amend alice #1 4  -> amended 4
        queue #2 #1
        balance alice BTC 996 held 4
    """)


def test_a_new_price_goes_to_the_back_of_its_queue() -> None:
    play(f"""{FUNDED}
        buy alice #1 5 @ 99
        buy bob #2 5 @ 100
        amend alice #1 @ 100  -> amended 5
        queue #2 #1
        balance alice USD 99500 held 500
        amend alice #1 2 @ 98 -> amended 2
        balance alice USD 99804 held 196
        book bids 100:5 98:2 asks
    """)


def test_an_amended_price_may_trade_and_the_rest_rests() -> None:
    play(f"""{FUNDED}
        sell alice #1 3 @ 105
        buy bob #2 5 @ 100
        amend bob #2 @ 106   -> amended 5, trade with #1: 3 @ 105
        book bids 106:2 asks
        balance bob USD 99473 held 212
    """)


def test_a_total_at_or_below_what_is_filled_cancels_whatever_else_is_asked() -> None:
    play(f"""{FUNDED}
        buy bob #1 5 @ 100
        sell alice #2 2 @ 100
        amend bob #1 2 @ 300 -> cancelled 3
        buy bob #3 5 @ 100
        amend bob #3 0       -> cancelled 5
        buy bob #4 5 @ 100
        amend bob #4 -1      -> INVALID_QUANTITY
    """)


@pytest.mark.parametrize("words", ["", "5", "@ 100", "5 @ 100"])
def test_nothing_new_is_refused(words: str) -> None:
    play(f"""{FUNDED}
        buy bob #1 5 @ 100
        amend bob #1 {words} -> NOTHING_TO_AMEND
    """)


def test_prices_that_an_order_does_not_have_cannot_be_amended() -> None:
    play(f"""{FUNDED}
        buy bob #1 5 @ 100
        amend bob #1 stop 90          -> INVALID_STOP_PRICE
        buy bob #2 5 stop 120
        amend bob #2 @ 90             -> INVALID_PRICE
        buy bob #3 budget 500 stop 120
        amend bob #3 5                -> INVALID_QUANTITY
        amend bob #3 stop 121         -> amended 0
        sell alice #4 1 @ 110
        buy bob #5 5 @ 100 stop 110
        buy alice #6 1 @ 110          -> accepted, trade with #4: 1 @ 110, #5 triggered at 110
        amend bob #5 stop 115         -> INVALID_STOP_PRICE
        amend bob #5 @ 101            -> amended 5
    """)


def test_new_terms_are_checked_like_those_of_a_new_order() -> None:
    play("""
        deposit bob 500 USD
        deposit alice 9 BTC
        sell alice #9 1 @ 200
        rules price_step_ticks=5 quantity_step_lots=2 quantity_min_lots=2 quantity_max_lots=8 \
notional_min_atoms=100
        buy bob #1 4 @ 100
        amend bob #1 @ 101      -> INVALID_TICK
        amend bob #1 5          -> INVALID_LOT
        amend bob #1 10         -> QUANTITY_TOO_LARGE
        amend bob #1 2 @ 45     -> NOTIONAL_TOO_SMALL
        amend bob #1 6          -> INSUFFICIENT_FUNDS
        amend bob #1 @ 130      -> INSUFFICIENT_FUNDS
        amend bob #1 @ 125      -> amended 4
        balance bob USD 0 held 500
    """)


def test_a_post_only_order_cannot_be_amended_into_a_taker() -> None:
    play(f"""{FUNDED}
        sell alice #1 1 @ 105
        buy bob #2 5 @ 100 post-only
        amend bob #2 @ 105  -> POST_ONLY_WOULD_TAKE
        amend bob #2 @ 104  -> amended 5
    """)


def test_what_is_not_new_is_not_checked_again() -> None:
    play(f"""{FUNDED}
        buy bob #1 5 @ 101
        rules price_step_ticks=5
        amend bob #1 4      -> amended 4
        amend bob #1 6      -> amended 6
        amend bob #1 @ 102  -> INVALID_TICK
    """)


def test_a_waiting_stop_gets_new_terms_and_fires_if_they_are_met() -> None:
    play(f"""{FUNDED}
        sell alice #1 9 @ 100
        buy bob #2 1 @ 100      -> accepted, trade with #1: 1 @ 100
        buy carol #3 2 stop 110
        amend carol #3 4        -> amended 4
        balance carol USD 99560 held 440
        amend carol #3 stop 105 -> amended 4
        balance carol USD 99580 held 420
        amend carol #3 stop 100 -> amended 4, triggered at 100, trade with #1: 4 @ 100
        balance carol USD 99600 held 0
    """)


def test_a_waiting_stop_limit_gets_another_price() -> None:
    play(f"""{FUNDED}
        buy bob #1 2 @ 105 stop 110
        holds #1 210
        amend bob #1 @ 120  -> amended 2
        holds #1 240
        book bids asks
    """)


def test_fees_stay_those_of_the_entry() -> None:
    play(f"""{FUNDED}
        sell alice #1 5 @ 100
        rules maker_fee_ppm=100000 taker_fee_ppm=100000
        amend alice #1 @ 101 -> amended 5
        buy bob #2 5 @ 101   -> accepted, trade with #1: 5 @ 101 fees 0 1
    """)


@pytest.mark.parametrize(
    ("status", "smaller", "dearer"),
    [
        ("open", "amended 3", "amended 5"),
        ("post_only", "amended 3", "amended 5"),
        ("cancel_only", "MARKET_CANCEL_ONLY", "MARKET_CANCEL_ONLY"),
        ("halted", "MARKET_HALTED", "MARKET_HALTED"),
    ],
)
def test_the_markets_status_decides_what_may_be_amended(
    status: str, smaller: str, dearer: str
) -> None:
    play(f"""{FUNDED}
        sell alice #1 1 @ 105
        buy bob #2 4 @ 100
        buy bob #3 4 @ 100
        status {status}
        amend bob #2 3       -> {smaller}
        amend bob #3 5 @ 101 -> {dearer}
    """)


def test_an_amend_that_would_take_is_refused_while_none_may() -> None:
    play(f"""{FUNDED}
        sell alice #1 1 @ 105
        buy bob #2 4 @ 100
        status post_only
        amend bob #2 @ 105  -> MARKET_POST_ONLY
        status cancel_only
        amend bob #2 0      -> cancelled 4
    """)


def test_only_the_owner_amends() -> None:
    play(f"""{FUNDED}
        buy bob #1 4 @ 100
        amend alice #1 3  -> UNKNOWN_ORDER
        amend bob #7 3    -> UNKNOWN_ORDER
    """)

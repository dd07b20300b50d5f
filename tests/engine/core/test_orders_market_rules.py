"""A market's rules and statuses, told as tables: what is refused, by what, and in which order."""

import pytest

from tests.support.scenario import FUNDED, play

LAST_IS_100 = """
    sell carol #8 1 @ 100
    buy dave #9 1 @ 100
"""


@pytest.mark.parametrize(
    ("rules", "words", "code"),
    [
        ("price_step_ticks=5", "4 @ 101", "INVALID_TICK"),
        ("price_step_ticks=5", "4 stop 101", "INVALID_TICK"),
        ("price_step_ticks=5", "4 @ 101 stop 105", "INVALID_TICK"),
        ("quantity_step_lots=2", "5 @ 100", "INVALID_LOT"),
        ("quantity_step_lots=2", "6 @ 100 shows 3", "INVALID_LOT"),
        ("quantity_min_lots=3", "2 @ 100", "QUANTITY_TOO_SMALL"),
        ("quantity_min_lots=3", "2 market", "QUANTITY_TOO_SMALL"),
        ("quantity_max_lots=9", "10 @ 100", "QUANTITY_TOO_LARGE"),
        ("notional_min_atoms=500", "4 @ 100", "NOTIONAL_TOO_SMALL"),
        ("notional_min_atoms=500", "4 stop 110", "NOTIONAL_TOO_SMALL"),
        ("notional_min_atoms=500", "4 @ 100 stop 200", "NOTIONAL_TOO_SMALL"),
        ("notional_min_atoms=500", "4 market", "NOTIONAL_TOO_SMALL"),
        ("notional_min_atoms=500", "4 trail 50", "NOTIONAL_TOO_SMALL"),
        ("notional_min_atoms=500", "market budget 499", "NOTIONAL_TOO_SMALL"),
    ],
)
def test_an_order_outside_a_rule_is_refused(rules: str, words: str, code: str) -> None:
    play(f"""{FUNDED}{LAST_IS_100}
        rules {rules}
        buy bob #1 {words}  -> {code}
        open bob
    """)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ("price_step_ticks=5", "4 @ 105"),
        ("quantity_step_lots=2", "6 @ 100 shows 2"),
        ("quantity_min_lots=3", "3 @ 100"),
        ("quantity_max_lots=9", "9 @ 100"),
        ("notional_min_atoms=500", "5 @ 100"),
        ("notional_min_atoms=500", "5 stop 101"),
        ("notional_min_atoms=500", "5 trail 3"),
    ],
)
def test_an_order_at_the_edge_of_a_rule_is_accepted(rules: str, words: str) -> None:
    play(f"""{FUNDED}{LAST_IS_100}
        rules {rules}
        buy bob #1 {words}  -> accepted
        open bob #1
    """)


def test_without_any_price_a_market_order_has_no_notional() -> None:
    play(f"""{FUNDED}
        rules notional_min_atoms=500
        buy bob #1 1 market -> accepted, expired market_remainder 1
        rules reference_price_ticks=100
        buy bob #1 1 market -> NOTIONAL_TOO_SMALL
    """)


def test_new_rules_leave_what_rests_alone() -> None:
    play(f"""{FUNDED}
        buy bob #1 5 @ 101
        rules price_step_ticks=5 quantity_step_lots=10 quantity_min_lots=10
        sell alice #2 10 @ 100 -> accepted, trade with #1: 5 @ 101
        cancel alice #2        -> cancelled 5
    """)


def test_prices_lie_within_the_band_of_their_side() -> None:
    play(f"""{FUNDED}{LAST_IS_100}
        rules buy_band_ppm=100000 sell_band_ppm=55000
        buy bob #1 1 @ 111          -> PRICE_OUT_OF_BAND
        buy bob #1 1 @ 89           -> PRICE_OUT_OF_BAND
        buy bob #1 1 @ 111 stop 105 -> PRICE_OUT_OF_BAND
        buy bob #1 1 @ 110          -> accepted
        buy bob #2 1 @ 90           -> accepted
        buy bob #3 1 stop 300       -> accepted
        sell alice #4 1 @ 106       -> PRICE_OUT_OF_BAND
        sell alice #4 1 @ 94        -> PRICE_OUT_OF_BAND
    """)


def test_before_the_first_trade_the_band_lies_around_the_reference_price_or_nowhere() -> None:
    play(f"""{FUNDED}
        rules buy_band_ppm=100000
        buy bob #1 1 @ 500  -> accepted
        rules reference_price_ticks=100
        buy bob #2 1 @ 111  -> PRICE_OUT_OF_BAND
        buy bob #2 1 @ 110  -> accepted
    """)


def test_a_market_order_stops_at_the_edge_of_its_band_as_it_was_at_the_start() -> None:
    play(f"""{FUNDED}{LAST_IS_100}
        sell alice #1 2 @ 105
        sell alice #2 2 @ 110
        sell alice #3 2 @ 111
        rules buy_band_ppm=100000
        buy bob #4 6 market -> accepted, trade with #1: 2 @ 105, trade with #2: 2 @ 110, \
expired market_remainder 2
        balance bob USD 99570 held 0
        buy bob #5 2 market -> accepted, trade with #3: 2 @ 111
    """)


def test_a_fired_stop_stops_at_the_edge_of_the_band() -> None:
    play(f"""{FUNDED}{LAST_IS_100}
        buy alice #1 2 @ 100
        buy alice #2 2 @ 95
        buy alice #3 2 @ 80
        sell bob #4 5 stop 99
        rules sell_band_ppm=100000
        sell dave #5 3 @ 95  -> accepted, trade with #1: 2 @ 100, trade with #2: 1 @ 95, \
#4 triggered at 99, #4 trade with #2: 1 @ 95, #4 expired market_remainder 4
        book bids 80:2 asks
    """)


def test_an_account_has_so_many_open_orders_in_a_market_and_no_more() -> None:
    play(f"""{FUNDED}
        rules open_orders_max=2
        buy bob #1 1 @ 100
        sell bob #2 1 stop 90
        buy bob #3 1 @ 100          -> TOO_MANY_OPEN_ORDERS
        sell bob #3 1 stop 90 ioc   -> TOO_MANY_OPEN_ORDERS
        buy alice #3 1 @ 100        -> accepted
        buy bob #3 1 @ 100 ioc      -> accepted, expired ioc_remainder 1
        buy bob #3 1 @ 100 fok      -> accepted, expired fok_not_fillable 1
        sell bob #3 1 market        -> accepted, trade with #1: 1 @ 100
        buy bob #3 1 @ 100          -> accepted
    """)


def test_of_several_broken_rules_the_first_of_the_list_is_named() -> None:
    play("""
        deposit bob 1 USD
        rules price_step_ticks=5 quantity_step_lots=2 quantity_min_lots=4 notional_min_atoms=500 \
reference_price_ticks=100 buy_band_ppm=100000 open_orders_max=1
        buy bob #1 0 @ 201 post-only ioc -> INVALID_QUANTITY
        suspend bob
        status halted
        buy bob #1 1 @ 201  -> INVALID_TICK
        buy bob #1 1 @ 205  -> INVALID_LOT
        buy bob #1 2 @ 205  -> QUANTITY_TOO_SMALL
        buy bob #1 4 @ 5    -> NOTIONAL_TOO_SMALL
        buy bob #1 4 @ 205  -> ACCOUNT_SUSPENDED
        resume bob
        buy bob #1 4 @ 205  -> MARKET_HALTED
        status open
        buy bob #1 4 @ 205  -> PRICE_OUT_OF_BAND
        buy bob #1 6 @ 100  -> INSUFFICIENT_FUNDS
    """)


# ---- statuses ----


@pytest.mark.parametrize(
    ("status", "rests", "takes", "waits", "cancels"),
    [
        ("open", "accepted", "accepted, trade with #1: 1 @ 105", "accepted", "cancelled 5"),
        ("post_only", "accepted", "MARKET_POST_ONLY", "accepted", "cancelled 5"),
        ("cancel_only", *["MARKET_CANCEL_ONLY"] * 3, "cancelled 5"),
        ("halted", *["MARKET_HALTED"] * 4),
        ("closed", *["MARKET_CLOSED"] * 3, "UNKNOWN_ORDER"),
    ],
)
def test_the_status_decides_what_an_order_may_do(
    status: str, rests: str, takes: str, waits: str, cancels: str
) -> None:
    play(f"""{FUNDED}
        sell alice #1 5 @ 105
        buy bob #2 5 @ 90
        status {status}
        buy bob #3 1 @ 95      -> {rests}
        buy bob #4 1 @ 105     -> {takes}
        buy bob #5 1 stop 120  -> {waits}
        cancel bob #2          -> {cancels}
    """)


def test_while_only_posting_is_allowed_nothing_takes_and_nothing_is_at_once() -> None:
    play(f"""{FUNDED}
        status post_only
        buy bob #1 1 market         -> MARKET_POST_ONLY
        buy bob #1 market budget 50 -> MARKET_POST_ONLY
        buy bob #1 1 @ 100 ioc      -> MARKET_POST_ONLY
        buy bob #1 1 @ 100 fok      -> MARKET_POST_ONLY
        oco bob #1 buy 1 @ 100 / #2 buy 1 stop 110   -> accepted, accepted
        oto bob #3 buy 1 @ 100 / #4 sell 1 market    -> accepted, accepted
        sell alice #5 1 @ 100       -> MARKET_POST_ONLY
        sell alice #5 1 @ 101       -> accepted
    """)


def test_closing_cancels_everything_account_by_account_and_the_market_may_open_again() -> None:
    play(f"""{FUNDED}
        buy bob #1 1 @ 90
        buy alice #2 1 @ 91
        oco bob #3 sell 1 @ 120 / #4 sell 1 stop 80
        status closed    -> market closed operator, \
orders market_closed 1, #2 cancelled market_closed 1, \
orders market_closed 3, #1 cancelled market_closed 1, #3 cancelled market_closed 1, \
#4 cancelled linked 1
        balance bob USD 100000 held 0
        balance bob BTC 1000 held 0
        status open      -> market open operator
        buy bob #1 1 @ 90 -> accepted
    """)


# ---- accounts ----


def test_a_suspended_account_may_cancel_and_receive_and_nothing_else() -> None:
    play(f"""{FUNDED}
        buy bob #1 5 @ 100
        buy bob #2 5 @ 100
        suspend bob keep       -> done
        open bob #1 #2
        buy bob #3 1 @ 100     -> ACCOUNT_SUSPENDED
        amend bob #1 3         -> ACCOUNT_SUSPENDED
        withdraw bob 1 USD     -> ACCOUNT_SUSPENDED
        transfer bob alice 1 USD -> ACCOUNT_SUSPENDED
        transfer alice bob 1 USD -> done, done
        deposit bob 1 USD      -> done
        cancel bob #1          -> cancelled 5
        cancel_all bob         -> orders requested 1, #2 cancelled 5
        resume bob             -> done
        buy bob #3 1 @ 100     -> accepted
    """)


def test_the_kill_switch_cancels_even_in_a_halted_market() -> None:
    play(f"""{FUNDED}
        buy bob #1 5 @ 100
        sell bob #2 5 stop 90
        status halted
        suspend bob -> done, orders account_suspended 2, #1 cancelled account_suspended 5, \
#2 cancelled account_suspended 5
        balance bob USD 100000 held 0
    """)


def test_the_stops_of_a_suspended_account_still_fire() -> None:
    play(f"""{FUNDED}
        buy alice #1 1 @ 100
        buy alice #2 5 @ 95
        sell bob #3 2 stop 100
        suspend bob keep
        sell carol #4 1 @ 100 -> accepted, trade with #1: 1 @ 100, #3 triggered at 100, \
#3 trade with #2: 2 @ 95
    """)


def test_a_transfer_needs_an_available_balance_and_another_account() -> None:
    play("""
        deposit bob 500 USD
        buy bob #1 4 @ 100
        transfer bob alice 101 USD -> INSUFFICIENT_FUNDS
        transfer bob bob 1 USD     -> INVALID_ACCOUNT
        transfer bob alice 0 USD   -> INVALID_AMOUNT
        transfer bob alice 1 EUR   -> UNKNOWN_ASSET
        transfer bob alice 100 USD -> done, done
        balance alice USD 100 held 0
        balance bob USD 0 held 400
    """)

"""Times in force, post-only and budgets, told as tables."""

import pytest

from shared.messages import FeeAsset
from tests.support.scenario import FUNDED, opened_exchange, play


def test_immediate_or_cancel_never_rests() -> None:
    play(f"""{FUNDED}
        sell alice #1 3 @ 100
        sell alice #2 3 @ 102
        buy bob #3 5 @ 101 ioc  -> accepted, trade with #1: 3 @ 100, expired ioc_remainder 2
        buy bob #4 5 @ 101 ioc  -> accepted, expired ioc_remainder 5
        book bids asks 102:3
        balance bob USD 99700 held 0
    """)


def test_fill_or_kill_is_all_at_once_or_nothing() -> None:
    play(f"""{FUNDED}
        sell alice #1 3 @ 100
        sell alice #2 3 @ 101
        sell alice #3 3 @ 102
        buy bob #4 7 @ 101 fok  -> accepted, expired fok_not_fillable 7
        book bids asks 100:3 101:3 102:3
        buy bob #5 6 @ 101 fok  -> accepted, trade with #1: 3 @ 100, trade with #2: 3 @ 101
        buy bob #6 4 market fok -> accepted, expired fok_not_fillable 4
        buy bob #7 3 market fok -> accepted, trade with #3: 3 @ 102
        balance bob USD 99091 held 0
    """)


def test_good_till_date_ends_at_its_time_and_not_before() -> None:
    play(f"""{FUNDED}
        wait 10s
        buy bob #1 5 @ 100 gtd 5s
        buy bob #2 5 @ 99
        wait 4s
        book bids 100:5 99:5 asks
        wait 1s                 -> #1 expired time 5
        book bids 99:5 asks
        balance bob USD 99505 held 495
    """)


def test_an_order_whose_time_is_over_never_trades() -> None:
    play(f"""{FUNDED}
        buy bob #1 5 @ 100 gtd 5s
        sell alice #2 1 @ 100 gtd 20s -> accepted, trade with #1: 1 @ 100
        wait 5s                       -> #1 expired time 4
        sell alice #3 1 @ 100         -> accepted
        book bids asks 100:1
    """)


def test_several_orders_expire_in_the_order_of_their_times() -> None:
    play(f"""{FUNDED}
        buy bob #1 1 @ 100 gtd 5s
        buy bob #2 1 @ 100 gtd 3s
        buy bob #3 1 @ 100 gtd 5s
        wait 9s  -> #2 expired time 1, #1 expired time 1, #3 expired time 1
    """)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("5 @ 100 gtd 0", "INVALID_EXPIRY"),
        ("5 market gtd 5s", "INVALID_TIME_IN_FORCE"),
        ("market budget 500 fok", "INVALID_TIME_IN_FORCE"),
        ("budget 500 stop 100 fok", "INVALID_TIME_IN_FORCE"),
        ("5 @ 100 ioc post-only", "INVALID_POST_ONLY"),
        ("5 @ 100 fok post-only", "INVALID_POST_ONLY"),
        ("5 market post-only", "INVALID_POST_ONLY"),
        ("5 @ 100 stop 90 post-only", "INVALID_POST_ONLY"),
        ("5 market @ 100", "INVALID_PRICE"),
        ("5 @ 0", "INVALID_PRICE"),
        ("5 @ -1", "INVALID_PRICE"),
        ("0 @ 100", "INVALID_QUANTITY"),
        ("-5 @ 100", "INVALID_QUANTITY"),
        ("@ 100", "INVALID_QUANTITY"),
        ("5 market budget 500", "INVALID_QUANTITY"),
        ("market budget -1", "INVALID_BUDGET"),
        ("5 stop 0", "INVALID_STOP_PRICE"),
        ("5 stop -1", "INVALID_STOP_PRICE"),
        ("5 stop 90 trail 3", "INVALID_STOP_PRICE"),
    ],
)
def test_a_field_out_of_place_is_named(words: str, code: str) -> None:
    play(f"""{FUNDED}
        buy bob #1 {words}  -> {code}
        open bob
    """)


def test_post_only_rests_or_is_refused() -> None:
    play(f"""{FUNDED}
        sell alice #1 3 @ 100
        buy bob #2 5 @ 100 post-only  -> POST_ONLY_WOULD_TAKE
        buy bob #2 5 @ 101 post-only  -> POST_ONLY_WOULD_TAKE
        buy bob #2 5 @ 99 post-only   -> accepted
        sell alice #3 1 @ 99 post-only -> POST_ONLY_WOULD_TAKE
        sell alice #3 1 @ 99          -> accepted, trade with #2: 1 @ 99
    """)


def test_post_only_looks_at_prices_whoever_owns_them() -> None:
    play(f"""{FUNDED}
        sell bob #1 3 @ 100
        buy bob #2 5 @ 100 post-only self-trade expire_maker  -> POST_ONLY_WOULD_TAKE
    """)


def test_the_remainder_of_a_market_order_expires() -> None:
    play(f"""{FUNDED}
        sell alice #1 3 @ 100
        buy bob #2 5 market      -> accepted, trade with #1: 3 @ 100, expired market_remainder 2
        sell bob #3 5 market     -> accepted, expired market_remainder 5
        balance bob USD 99700 held 0
        balance bob BTC 1003 held 0
    """)


def test_a_buy_by_budget_spends_it_with_the_fee_and_gets_the_rest_back() -> None:
    audited = opened_exchange(FeeAsset.QUOTE, taker_fee_ppm=10_000)
    play(
        f"""{FUNDED}
        sell alice #1 3 @ 100
        sell alice #2 9 @ 101
        buy bob #3 market budget 404  -> accepted, trade with #1: 3 @ 100 fees 0 3
        balance bob USD 99697 held 0
        buy bob #4 market budget 101  -> accepted, expired market_remainder 0
        buy bob #5 market budget 103  -> accepted, trade with #2: 1 @ 101 fees 0 2
        balance bob USD 99594 held 0
    """,
        audited,
    )


def test_a_sell_by_budget_sells_what_brings_at_most_the_budget() -> None:
    play(f"""{FUNDED}
        buy alice #1 3 @ 100
        buy alice #2 3 @ 90
        sell bob #3 market budget 400 -> accepted, trade with #1: 3 @ 100, trade with #2: 1 @ 90
        balance bob USD 100390 held 0
        balance bob BTC 996 held 0
        sell bob #4 market budget 89  -> accepted, expired market_remainder 0
        sell bob #5 market budget 900 -> accepted, trade with #2: 2 @ 90, \
expired market_remainder 0
    """)


def test_a_client_order_id_is_free_again_when_its_order_has_ended() -> None:
    play(f"""{FUNDED}
        buy bob #1 5 @ 100
        buy bob #1 5 @ 101       -> DUPLICATE_CLIENT_ORDER_ID
        buy alice #1 5 @ 99      -> accepted
        sell bob #2 5 stop 90
        sell bob #2 5 @ 120      -> DUPLICATE_CLIENT_ORDER_ID
        cancel_own bob #2        -> cancelled 5
        sell bob #2 5 @ 120      -> accepted
        cancel_own bob #1        -> cancelled 5
        buy bob #1 5 @ 98 ioc    -> accepted, expired ioc_remainder 5
        buy bob #1 5 @ 98        -> accepted
    """)

"""Self-trade prevention, told as tables: five ways not to trade with oneself."""

import pytest

from tests.support.scenario import FUNDED, play


def test_allowed_it_is_a_trade_like_any_other() -> None:
    play(f"""{FUNDED}
        sell alice #1 5 @ 100
        buy alice #2 3 @ 100 self-trade allow  -> accepted, trade with #1: 3 @ 100
        balance alice USD 100000 held 0
        balance alice BTC 998 held 2
    """)


def test_the_taker_expires_and_nothing_more_happens() -> None:
    play(f"""{FUNDED}
        sell bob #1 1 @ 99
        sell alice #2 5 @ 100
        sell bob #3 5 @ 100
        buy alice #4 8 @ 100 self-trade expire_taker -> accepted, trade with #1: 1 @ 99, \
expired self_trade 7
        book bids asks 100:10
        balance alice USD 99901 held 0
    """)


def test_the_maker_expires_and_the_taker_goes_on() -> None:
    play(f"""{FUNDED}
        sell alice #1 5 @ 100
        sell bob #2 2 @ 100
        buy alice #3 3 @ 100 self-trade expire_maker -> accepted, #1 expired self_trade 5, \
trade with #2: 2 @ 100
        book bids 100:1 asks
        balance alice BTC 1002 held 0
    """)


def test_both_expire() -> None:
    play(f"""{FUNDED}
        sell alice #1 5 @ 100
        sell bob #2 2 @ 100
        buy alice #3 3 @ 100 self-trade expire_both -> accepted, #1 expired self_trade 5, \
expired self_trade 3
        book bids asks 100:2
    """)


@pytest.mark.parametrize(
    ("taker", "told", "book"),
    [
        (3, "#1 amended 2, expired self_trade 3", "bids asks 100:2"),
        (8, "#1 expired self_trade 5, amended 3", "bids 100:3 asks"),
        (5, "#1 expired self_trade 5, expired self_trade 5", "bids asks"),
    ],
)
def test_both_lose_the_smaller_quantity(taker: int, told: str, book: str) -> None:
    play(f"""{FUNDED}
        sell alice #1 5 @ 100
        buy alice #2 {taker} @ 100 self-trade decrement -> accepted, {told}
        book {book}
    """)


def test_a_decremented_maker_keeps_its_place_and_holds_less() -> None:
    play(f"""{FUNDED}
        sell alice #1 5 @ 100
        sell bob #2 5 @ 100
        buy alice #3 3 @ 100 self-trade decrement -> accepted, #1 amended 2, expired self_trade 3
        queue #1 #2
        balance alice BTC 998 held 2
        balance alice USD 100000 held 0
    """)


def test_decrement_counts_the_hidden_part_of_an_iceberg() -> None:
    play(f"""{FUNDED}
        sell alice #1 10 @ 100 shows 2
        buy alice #2 7 @ 100 self-trade decrement -> accepted, #1 amended 3, expired self_trade 7
        book bids asks 100:2
        holds #1 3
    """)


def test_the_takers_word_counts_not_the_makers() -> None:
    play(f"""{FUNDED}
        sell alice #1 5 @ 100 self-trade expire_both
        buy alice #2 3 @ 100 self-trade allow  -> accepted, trade with #1: 3 @ 100
    """)


def test_without_a_word_the_markets_default_counts_and_that_of_the_entry() -> None:
    play(f"""{FUNDED}
        rules self_trade=expire_taker
        sell alice #1 5 @ 100
        buy alice #2 3 @ 100  -> accepted, expired self_trade 3
        buy alice #3 3 @ 99   -> accepted
        rules self_trade=allow
        amend alice #3 @ 100  -> amended 3, expired self_trade 3
        buy alice #4 3 @ 100  -> accepted, trade with #1: 3 @ 100
    """)


def test_fill_or_kill_passes_over_own_orders_that_would_expire() -> None:
    play(f"""{FUNDED}
        sell alice #1 5 @ 100
        sell bob #2 5 @ 101
        buy alice #3 6 @ 101 fok self-trade expire_maker -> accepted, expired fok_not_fillable 6
        book bids asks 100:5 101:5
        buy alice #4 5 @ 101 fok self-trade expire_maker -> accepted, #1 expired self_trade 5, \
trade with #2: 5 @ 101
    """)


@pytest.mark.parametrize("mode", ["expire_taker", "expire_both", "decrement"])
def test_fill_or_kill_ends_its_count_at_the_first_own_order(mode: str) -> None:
    play(f"""{FUNDED}
        sell bob #1 2 @ 99
        sell alice #2 5 @ 100
        sell bob #3 5 @ 101
        buy alice #4 3 @ 101 fok self-trade {mode} -> accepted, expired fok_not_fillable 3
        buy alice #5 2 @ 101 fok self-trade {mode} -> accepted, trade with #1: 2 @ 99
        book bids asks 100:5 101:5
    """)


def test_a_market_order_holds_only_what_it_would_trade() -> None:
    play("""
        deposit alice 5 BTC
        deposit alice 202 USD
        deposit bob 5 BTC
        sell alice #1 5 @ 100
        sell bob #2 2 @ 101
        buy alice #3 5 market self-trade expire_maker -> accepted, #1 expired self_trade 5, \
trade with #2: 2 @ 101, expired market_remainder 3
        balance alice USD 0 held 0
    """)


def test_for_an_order_by_budget_decrement_is_expire_maker() -> None:
    play(f"""{FUNDED}
        sell alice #1 5 @ 100
        sell bob #2 5 @ 101
        buy alice #3 market budget 303 self-trade decrement -> accepted, #1 expired self_trade 5, \
trade with #2: 3 @ 101
        balance alice USD 99697 held 0
    """)


def test_a_fired_stop_minds_its_own_orders_too() -> None:
    play(f"""{FUNDED}
        sell alice #1 1 @ 100
        sell bob #2 5 @ 101
        buy bob #3 2 stop 100 self-trade expire_both
        buy carol #4 1 @ 100 -> accepted, trade with #1: 1 @ 100, #3 triggered at 100, \
#2 expired self_trade 5, #3 expired self_trade 2
    """)

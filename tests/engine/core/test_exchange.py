"""What happens to orders, told as tables; see `tests.support.scenario` for how to read one."""

from msgspec.structs import replace

from shared.messages import (
    AmendOrder,
    CancelOrder,
    Deposit,
    OrderCancelled,
    PlaceOrder,
    Reject,
    Rejected,
    Side,
    TradeExecuted,
)
from tests.support.scenario import MARKET, opened_exchange, play

FUNDED = """
    deposit alice 1000 BTC
    deposit alice 100000 USD
    deposit bob 1000 BTC
    deposit bob 100000 USD
"""


def test_a_taker_trades_at_the_makers_price_in_both_directions() -> None:
    play(f"""{FUNDED}
        sell alice #1 10 @ 100          -> accepted
        buy bob #2 10 @ 105             -> accepted, trade with #1: 10 @ 100
        buy alice #3 10 @ 200           -> accepted
        sell bob #4 10 @ 195            -> accepted, trade with #3: 10 @ 200
        book bids asks
    """)


def test_the_better_price_is_first_and_then_the_earlier_order() -> None:
    play(f"""{FUNDED}
        sell alice #1 10 @ 105
        sell alice #2 10 @ 100
        sell alice #3 10 @ 100
        buy bob #4 25 @ 105 -> accepted, trade with #2: 10 @ 100, trade with #3: 10 @ 100, \
trade with #1: 5 @ 105
        book bids asks 105:5
    """)


def test_a_partly_filled_maker_keeps_its_place() -> None:
    play(f"""{FUNDED}
        sell alice #1 10 @ 100
        sell alice #2 10 @ 100
        buy bob #3 6 @ 100   -> accepted, trade with #1: 6 @ 100
        queue #1 #2
        buy bob #4 6 @ 100   -> accepted, trade with #1: 4 @ 100, trade with #2: 2 @ 100
        book bids asks 100:8
    """)


def test_a_cancel_of_head_middle_or_tail_leaves_the_others_in_order() -> None:
    play(f"""{FUNDED}
        buy alice #1 1 @ 100
        buy alice #2 1 @ 100
        buy alice #3 1 @ 100
        buy alice #4 1 @ 100
        buy alice #5 1 @ 100
        cancel alice #1      -> cancelled 1
        queue #2 #3 #4 #5
        cancel alice #3      -> cancelled 1
        queue #2 #4 #5
        cancel alice #5      -> cancelled 1
        queue #2 #4
        sell bob #6 2 @ 100  -> accepted, trade with #2: 1 @ 100, trade with #4: 1 @ 100
    """)


def test_a_cancel_of_the_best_level_moves_the_best_price_at_once() -> None:
    audited = opened_exchange()
    play(
        f"""{FUNDED}
        buy alice #1 1 @ 100
        buy alice #2 1 @ 99
        cancel alice #1
        book bids 99:1 asks
        sell bob #3 1 @ 100
        book bids 99:1 asks 100:1
    """,
        audited,
    )
    assert audited.exchange.best_bid(MARKET) is None
    assert audited.exchange.best_ask(MARKET) is None


def test_the_rest_of_a_limit_order_becomes_the_touch() -> None:
    play(f"""{FUNDED}
        sell alice #1 10 @ 100
        buy bob #2 15 @ 101   -> accepted, trade with #1: 10 @ 100
        book bids 101:5 asks
        balance bob USD 98495 held 505
    """)


def test_a_limit_order_never_trades_past_its_own_price() -> None:
    play(f"""{FUNDED}
        sell alice #1 10 @ 100
        sell alice #2 10 @ 102
        buy bob #3 30 @ 101   -> accepted, trade with #1: 10 @ 100
        book bids 101:20 asks 102:10
    """)


def test_the_rest_of_an_ioc_order_never_rests() -> None:
    play(f"""{FUNDED}
        sell alice #1 10 @ 100
        buy bob #2 15 @ 100 ioc -> accepted, trade with #1: 10 @ 100, expired ioc_remainder 5
        book bids asks
        balance bob USD 99000 held 0
        buy bob #3 1 @ 100 ioc  -> accepted, expired ioc_remainder 1
        balance bob USD 99000 held 0
    """)


def test_fok_sums_over_many_makers_before_it_touches_any() -> None:
    play(f"""{FUNDED}
        sell alice #1 10 @ 100
        sell alice #2 10 @ 101
        sell alice #3 10 @ 102
        buy bob #4 31 @ 102 fok -> accepted, expired fok_not_fillable 31
        buy bob #5 21 @ 101 fok -> accepted, expired fok_not_fillable 21
        book bids asks 100:10 101:10 102:10
        balance bob USD 100000 held 0
        buy bob #6 30 @ 102 fok -> accepted, trade with #1: 10 @ 100, trade with #2: 10 @ 101, \
trade with #3: 10 @ 102
        sell bob #7 3 market fok -> accepted, expired fok_not_fillable 3
        buy bob #8 3 market fok  -> accepted, expired fok_not_fillable 3
    """)


def test_a_market_order_on_an_empty_book_is_accepted_and_expires() -> None:
    play("""
        deposit alice 5 BTC
        buy bob #1 3 market     -> accepted, expired market_remainder 3
        sell alice #2 3 market  -> accepted, expired market_remainder 3
        balance alice BTC 5 held 0
    """)


def test_a_market_order_sweeps_and_its_rest_never_rests() -> None:
    play("""
        deposit alice 20 BTC
        deposit bob 2000 USD
        deposit carol 9 BTC
        sell alice #1 5 @ 100
        sell alice #2 5 @ 200
        buy bob #3 20 market   -> accepted, trade with #1: 5 @ 100, trade with #2: 5 @ 200, \
expired market_remainder 10
        balance bob USD 500 held 0
        buy bob #4 5 @ 90
        sell carol #5 9 market -> accepted, trade with #4: 5 @ 90, expired market_remainder 4
        balance carol BTC 4 held 0
        balance carol USD 450 held 0
    """)


def test_a_market_buy_that_the_balance_cannot_cover_is_rejected_whole() -> None:
    play("""
        deposit alice 20 BTC
        deposit bob 150 USD
        sell alice #1 1 @ 100
        sell alice #2 1 @ 1000
        buy bob #3 2 market          -> INSUFFICIENT_FUNDS
        book bids asks 100:1 1000:1
        buy bob #4 1 market          -> accepted, trade with #1: 1 @ 100
    """)


def test_a_budget_buys_the_most_it_can_and_gives_the_rest_back() -> None:
    play("""
        deposit alice 20 BTC
        deposit bob 1000 USD
        sell alice #1 3 @ 30
        sell alice #2 9 @ 40
        buy bob #3 market budget 200 -> accepted, trade with #1: 3 @ 30, trade with #2: 2 @ 40
        balance bob USD 830 held 0
        buy bob #4 market budget 39  -> accepted, expired market_remainder 0
        balance bob USD 830 held 0
        buy bob #5 market budget 800 -> accepted, trade with #2: 7 @ 40, \
expired market_remainder 0
        balance bob USD 550 held 0
        buy bob #6 market budget 551 -> INSUFFICIENT_FUNDS
        buy bob #7 market budget -1  -> INVALID_BUDGET
    """)


def test_a_budget_spent_to_the_last_atom_is_filled() -> None:
    play("""
        deposit alice 20 BTC
        deposit bob 1000 USD
        sell alice #1 3 @ 30
        buy bob #2 market budget 90 -> accepted, trade with #1: 3 @ 30
        balance bob USD 910 held 0
    """)


def test_a_cancel_after_the_full_fill_is_rejected() -> None:
    play(f"""{FUNDED}
        sell alice #1 10 @ 100
        buy bob #2 10 @ 100
        cancel alice #1      -> UNKNOWN_ORDER
        cancel_own alice #1  -> UNKNOWN_ORDER
        cancel bob #2        -> UNKNOWN_ORDER
    """)


def test_a_cancel_of_an_unknown_id_and_a_second_cancel_are_rejected() -> None:
    play(f"""{FUNDED}
        cancel alice #1      -> UNKNOWN_ORDER
        buy alice #1 10 @ 100
        cancel alice #1      -> cancelled 10
        cancel alice #1      -> UNKNOWN_ORDER
    """)


def test_another_accounts_order_gets_the_same_answer_as_an_unknown_one() -> None:
    audited = opened_exchange()
    audited.apply(Deposit(account_id=1, asset="USD", amount_atoms=10))
    place = PlaceOrder(account_id=1, market=MARKET, side=Side.BUY, price_ticks=10, quantity_lots=1)
    audited.apply(place)
    for command in (
        CancelOrder(account_id=2, order_id=1),
        AmendOrder(account_id=2, order_id=1, quantity_lots=0),
    ):
        of_another = audited.apply(command)[0]
        of_nobody = audited.apply(replace(command, order_id=2))[0]
        assert isinstance(of_another, Rejected)
        assert isinstance(of_nobody, Rejected)
        assert of_another.code is Reject.UNKNOWN_ORDER
        assert of_nobody == replace(
            of_another,
            sequence=of_nobody.sequence,
            account_sequence=of_nobody.account_sequence,
            order_id=2,
        )
    assert audited.exchange.order(1) is not None


def test_a_client_order_id_is_unique_while_open_and_free_afterwards() -> None:
    play(f"""{FUNDED}
        buy alice #1 10 @ 100
        buy alice #1 10 @ 99  -> DUPLICATE_CLIENT_ORDER_ID
        buy bob #1 10 @ 98    -> accepted
        cancel_own alice #1   -> cancelled 10
        buy alice #1 10 @ 97  -> accepted
        cancel_own bob #1     -> cancelled 10
        cancel_own carol #1   -> UNKNOWN_ORDER
    """)


def test_an_exact_fill_leaves_nothing_and_releases_the_price_improvement_at_once() -> None:
    play("""
        deposit alice 10 BTC
        deposit bob 1000 USD
        sell alice #1 10 @ 90
        buy bob #2 10 @ 100   -> accepted, trade with #1: 10 @ 90
        balance bob USD 100 held 0
        balance bob BTC 10 held 0
        balance alice USD 900 held 0
        balance alice BTC 0 held 0
    """)


def test_the_price_improvement_of_a_part_is_released_before_the_rest_is_filled() -> None:
    play("""
        deposit alice 4 BTC
        deposit bob 1000 USD
        sell alice #1 4 @ 90
        buy bob #2 10 @ 100
        balance bob USD 40 held 600
    """)


def test_an_order_beyond_the_balance_is_rejected_and_changes_nothing() -> None:
    audited = opened_exchange()
    for line in ("deposit bob 999 USD", "deposit bob 9 BTC"):
        play(line, audited)
    before = audited.exchange.state_hash()
    play("buy bob #1 10 @ 100 -> INSUFFICIENT_FUNDS", audited)
    play("sell bob #1 10 @ 100 -> INSUFFICIENT_FUNDS", audited)
    play("withdraw bob 1000 USD -> INSUFFICIENT_FUNDS", audited)
    assert audited.exchange.state_hash() == before


def test_amending_down_keeps_the_place_and_releases_what_is_no_longer_needed() -> None:
    play(f"""{FUNDED}
        buy alice #1 10 @ 100
        buy alice #2 10 @ 100
        amend alice #1 4      -> amended 4
        balance alice USD 98600 held 1400
        queue #1 #2
        sell bob #3 6 @ 100   -> accepted, trade with #1: 4 @ 100, trade with #2: 2 @ 100
        amend alice #2 10     -> NOTHING_TO_AMEND
        amend alice #2 -1     -> INVALID_QUANTITY
        amend bob #2 5        -> UNKNOWN_ORDER
        amend alice #2 3      -> amended 1
        amend alice #2 2      -> cancelled 1
        amend alice #2 1      -> UNKNOWN_ORDER
    """)


def test_amending_to_nothing_cancels_an_untouched_order() -> None:
    play(f"""{FUNDED}
        sell alice #1 10 @ 100
        amend alice #1 0      -> cancelled 10
        balance alice BTC 1000 held 0
    """)


def test_an_account_may_trade_with_itself_and_nothing_is_lost() -> None:
    play("""
        deposit alice 10 BTC
        deposit alice 1000 USD
        sell alice #1 6 @ 90
        buy alice #2 10 @ 100  -> accepted, trade with #1: 6 @ 90
        balance alice BTC 10 held 0
        balance alice USD 600 held 400
        sell alice #3 4 market -> accepted, trade with #2: 4 @ 100
        balance alice USD 1000 held 0
    """)


def test_withdrawn_funds_are_gone_and_held_ones_cannot_be_withdrawn() -> None:
    play("""
        deposit alice 1000 USD
        buy alice #1 5 @ 100
        withdraw alice 501 USD -> INSUFFICIENT_FUNDS
        withdraw alice 500 USD -> done
        balance alice USD 0 held 500
    """)


def test_five_thousand_fills_on_one_level_are_one_command() -> None:
    audited = opened_exchange()
    play("deposit alice 5000 BTC\n deposit bob 500000 USD", audited)
    exchange = audited.exchange
    for _ in range(5_000):
        exchange.apply(
            PlaceOrder(
                account_id=1, market=MARKET, side=Side.SELL, price_ticks=100, quantity_lots=1
            )
        )
    events = exchange.apply(
        PlaceOrder(account_id=2, market=MARKET, side=Side.BUY, price_ticks=100, quantity_lots=5_000)
    )
    trades = [event for event in events if isinstance(event, TradeExecuted)]
    assert [trade.maker.order_id for trade in trades] == list(range(1, 5_001))
    assert [trade.trade_id for trade in trades] == list(range(1, 5_001))
    assert exchange.depth(MARKET, 10) == ([], [])
    assert exchange.balance(1, "USD") == (500_000, 0)


def test_an_order_taken_out_of_the_middle_of_a_long_queue_leaves_the_sum_right() -> None:
    audited = opened_exchange()
    play("deposit alice 1000 USD", audited)
    exchange = audited.exchange
    for _ in range(1_000):
        exchange.apply(
            PlaceOrder(account_id=1, market=MARKET, side=Side.BUY, price_ticks=1, quantity_lots=1)
        )
    for order_id in (*range(1, 1_001, 2), *range(1_000, 0, -2)):
        events = exchange.apply(CancelOrder(account_id=1, order_id=order_id))
        assert isinstance(events[0], OrderCancelled)
    assert exchange.depth(MARKET, 1) == ([], [])
    assert exchange.balance(1, "USD") == (1_000, 0)

"""Who pays which fee, in which asset, and how it is rounded."""

import pytest

from engine.core import rules
from shared.messages import (
    Asset,
    CreateAsset,
    CreateMarket,
    Deposit,
    FeeAsset,
    MarketRules,
    PlaceOrder,
    Reject,
    Rejected,
    Side,
    TradeExecuted,
)
from tests.support.scenario import MARKET, opened_exchange, play


def test_the_buyer_pays_in_base_and_the_seller_in_quote_out_of_what_they_receive() -> None:
    play(
        """
        deposit alice 1000 BTC
        deposit bob 10000 USD
        sell alice #1 1000 @ 10
        buy bob #2 1000 @ 10  -> accepted, trade with #1: 1000 @ 10 fees 20 10
        balance bob BTC 990 held 0
        balance bob USD 0 held 0
        balance alice USD 9980 held 0
        fees BTC 10
        fees USD 20
    """,
        opened_exchange(FeeAsset.RECEIVED, maker_fee_ppm=2_000, taker_fee_ppm=10_000),
    )


def test_a_buyer_who_pays_in_quote_needs_the_fee_on_top() -> None:
    play(
        """
        deposit alice 10 BTC
        deposit bob 1009 USD
        sell alice #1 10 @ 100
        buy bob #2 10 @ 100        -> INSUFFICIENT_FUNDS
        deposit bob 1 USD
        buy bob #2 10 @ 100        -> accepted, trade with #1: 10 @ 100 fees 2 10
        balance bob USD 0 held 0
        balance alice USD 998 held 0
        fees USD 12
    """,
        opened_exchange(FeeAsset.QUOTE, maker_fee_ppm=2_000, taker_fee_ppm=10_000),
    )


def test_a_resting_buy_holds_the_higher_fee_and_gives_back_what_a_maker_does_not_pay() -> None:
    play(
        """
        deposit alice 10 BTC
        deposit bob 2000 USD
        buy bob #1 10 @ 100
        balance bob USD 990 held 1010
        sell alice #2 4 @ 100      -> accepted, trade with #1: 4 @ 100 fees 1 4
        balance bob USD 993 held 606
        amend bob #1 5             -> amended 1
        balance bob USD 1498 held 101
        cancel bob #1              -> cancelled 1
        balance bob USD 1599 held 0
    """,
        opened_exchange(FeeAsset.QUOTE, maker_fee_ppm=2_000, taker_fee_ppm=10_000),
    )


def test_a_rebate_is_rounded_down_and_paid_by_the_taker_of_the_same_trade() -> None:
    play(
        """
        deposit alice 100 BTC
        deposit bob 2000 USD
        sell alice #1 5 @ 100
        buy bob #2 5 @ 100         -> accepted, trade with #1: 5 @ 100 fees -2 3
        fees USD 1
        buy bob #3 5 @ 100
        sell alice #4 5 @ 100      -> accepted, trade with #3: 5 @ 100 fees -2 3
        fees USD 2
    """,
        opened_exchange(FeeAsset.QUOTE, maker_fee_ppm=-5_000, taker_fee_ppm=5_000),
    )


def test_a_rebate_is_never_more_than_the_taker_paid_for_that_trade() -> None:
    play(
        """
        deposit alice 4 BTC
        deposit bob 500 USD
        sell alice #1 1 @ 102
        sell alice #2 1 @ 102
        sell alice #3 1 @ 102
        sell alice #4 1 @ 102
        buy bob #5 4 @ 102  -> accepted, trade with #1: 1 @ 102 fees -1 2, \
trade with #2: 1 @ 102 fees -1 2, trade with #3: 1 @ 102 fees -1 1, trade with #4: 1 @ 102
        fees USD 2
    """,
        opened_exchange(FeeAsset.QUOTE, maker_fee_ppm=-9_950, taker_fee_ppm=9_999),
    )


def test_a_rebate_goes_to_the_available_and_never_into_the_hold() -> None:
    play(
        """
        deposit alice 4 BTC
        deposit bob 500 USD
        sell alice #1 1 @ 102
        sell alice #2 1 @ 102
        buy bob #3 4 @ 102
        balance bob USD 87 held 205
        sell alice #4 1 @ 102  -> accepted, trade with #3: 1 @ 102 fees -1 2
        balance bob USD 88 held 103
    """,
        opened_exchange(FeeAsset.QUOTE, maker_fee_ppm=-9_950, taker_fee_ppm=9_999),
    )


def test_many_small_fills_cost_an_order_no_more_than_the_fee_on_its_whole() -> None:
    audited = opened_exchange(FeeAsset.QUOTE, maker_fee_ppm=0, taker_fee_ppm=1_500)
    for command in (
        Deposit(account_id=1, asset="BTC", amount_atoms=1_000),
        Deposit(account_id=2, asset="USD", amount_atoms=100_000),
    ):
        audited.apply(command)
    one_lot = PlaceOrder(
        account_id=1, market=MARKET, side=Side.SELL, price_ticks=10, quantity_lots=1
    )
    for _ in range(1_000):
        audited.exchange.apply(one_lot)
    events = audited.exchange.apply(
        PlaceOrder(account_id=2, market=MARKET, side=Side.BUY, price_ticks=10, quantity_lots=1_000)
    )
    fees = [event.taker.fee_atoms for event in events if isinstance(event, TradeExecuted)]
    assert fees == [1] * 15 + [0] * 985
    assert audited.exchange.balance(2, "USD") == (100_000 - 10_000 - 15, 0)


def test_many_small_fills_of_a_seller_are_each_rounded_up() -> None:
    play(
        """
        deposit alice 3 BTC
        deposit bob 300 USD
        buy bob #1 1 @ 100
        buy bob #2 1 @ 100
        sell alice #3 2 @ 100  -> accepted, trade with #1: 1 @ 100 fees 0 1, \
trade with #2: 1 @ 100 fees 0 1
        balance alice USD 198 held 0
    """,
        opened_exchange(FeeAsset.QUOTE, maker_fee_ppm=0, taker_fee_ppm=1_500),
    )


def test_a_quote_budget_includes_the_fee() -> None:
    play(
        """
        deposit alice 20 BTC
        deposit bob 1010 USD
        sell alice #1 20 @ 100
        buy bob #2 market budget 1009 -> accepted, trade with #1: 9 @ 100 fees 0 9
        balance bob USD 101 held 0
        buy bob #3 market budget 101  -> accepted, trade with #1: 1 @ 100 fees 0 1
        balance bob USD 0 held 0
    """,
        opened_exchange(FeeAsset.QUOTE, maker_fee_ppm=0, taker_fee_ppm=10_000),
    )


def test_a_market_buy_needs_the_price_and_the_fee_of_what_would_trade() -> None:
    table = """
        deposit alice 20 BTC
        deposit bob 302 USD
        sell alice #1 1 @ 100
        sell alice #2 1 @ 200
        buy bob #3 9 market -> INSUFFICIENT_FUNDS
        deposit bob 1 USD
        buy bob #3 9 market -> accepted, trade with #1: 1 @ 100 fees 0 1, \
trade with #2: 1 @ 200 fees 0 2, expired market_remainder 7
        balance bob USD 0 held 0
    """
    play(table, opened_exchange(FeeAsset.QUOTE, maker_fee_ppm=0, taker_fee_ppm=10_000))


@pytest.mark.parametrize(
    ("fee_asset", "maker", "taker", "allowed"),
    [
        (FeeAsset.QUOTE, -1, 1, True),
        (FeeAsset.QUOTE, -2, 1, False),
        (FeeAsset.RECEIVED, -1, 1, False),
        (FeeAsset.QUOTE, 1, -1, False),
        (FeeAsset.RECEIVED, 1_000_000, 1_000_000, True),
        (FeeAsset.RECEIVED, 1_000_001, 0, False),
        (FeeAsset.RECEIVED, 0, 1_000_001, False),
    ],
)
def test_a_market_must_be_able_to_pay_its_rebates(
    fee_asset: FeeAsset, maker: int, taker: int, *, allowed: bool
) -> None:
    audited = opened_exchange()
    audited.apply(CreateAsset(asset="EUR", scale=0))
    command = CreateMarket(
        market="BTC_EUR",
        base="BTC",
        quote="EUR",
        price_scale=0,
        price_tick=1,
        lot_atoms=1,
        fee_asset=fee_asset,
        rules=MarketRules(maker_fee_ppm=maker, taker_fee_ppm=taker),
    )
    event = audited.apply(command)[0]
    if allowed:
        assert not isinstance(event, Rejected)
    else:
        assert isinstance(event, Rejected)
        assert event.code is Reject.INVALID_MARKET


@pytest.mark.parametrize(
    ("tick", "lot", "quote_scale", "atoms"),
    [(5, 1, 2, 5), (1, 100, 0, 1), (1, 10, 0, None), (1, 150, 0, None), (2, 50, 0, 1)],
)
def test_a_grid_must_give_whole_quote_atoms(
    tick: int, lot: int, quote_scale: int, atoms: int | None
) -> None:
    command = CreateMarket(
        market="BTC_USD",
        base="BTC",
        quote="USD",
        price_scale=2,
        price_tick=tick,
        lot_atoms=lot,
    )
    base, quote = Asset("BTC", 0), Asset("USD", quote_scale)
    assert rules.atoms_per_tick_lot(command, base, quote) == atoms

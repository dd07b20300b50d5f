"""A market by itself: what follows from its rules, and that it goes on from its row."""

import pytest
from msgspec.structs import replace

from engine.core.markets import LiveMarket
from shared.messages import (
    FeeAsset,
    FeeTier,
    Market,
    MarketRules,
    MarketState,
    MarketStatus,
    PriceRange,
    SelfTrade,
    Side,
    StatusReason,
)

BUY, SELL = Side.BUY, Side.SELL


def market(rules: MarketRules | None = None, fee_asset: FeeAsset = FeeAsset.QUOTE) -> Market:
    return Market(
        "BTC_USD",
        "BTC",
        "USD",
        price_scale=0,
        price_tick=1,
        lot_atoms=10,
        atoms_per_tick_lot=7,
        fee_asset=fee_asset,
        rules=rules or MarketRules(),
    )


@pytest.mark.parametrize(("tier", "fees"), [(0, (5, 10)), (1, (3, 9)), (2, (-1, 8)), (7, (-1, 8))])
def test_a_tier_has_its_fees_and_a_higher_one_those_of_the_last(
    tier: int, fees: tuple[int, int]
) -> None:
    rules = MarketRules(maker_fee_ppm=5, taker_fee_ppm=10, tiers=(FeeTier(3, 9), FeeTier(-1, 8)))
    assert LiveMarket(market(rules)).fees_of(tier) == fees


def test_without_tiers_everybody_pays_the_same() -> None:
    live = LiveMarket(market(MarketRules(maker_fee_ppm=5, taker_fee_ppm=10)))
    assert live.fees_of(0) == live.fees_of(32) == (5, 10)


def test_the_anchor_is_the_last_price_and_before_it_the_reference() -> None:
    live = LiveMarket(market())
    assert live.anchor_ticks() == 0
    live.update(market(MarketRules(reference_price_ticks=50)))
    assert live.anchor_ticks() == 50
    live.last_price_ticks = 60
    assert live.anchor_ticks() == 60


@pytest.mark.parametrize(
    ("buy_ppm", "sell_ppm", "anchor", "buy_band", "sell_band"),
    [
        (0, 0, 100, None, None),
        (100_000, 50_000, 0, None, None),
        (100_000, 0, 100, (90, 110), None),
        (0, 50_000, 100, None, (95, 105)),
        (99_999, 1, 100, (91, 109), (100, 100)),
        (1_000_000, 10_000_000, 100, (1, 200), (1, 1_100)),
    ],
)
def test_a_band_is_a_part_of_the_anchor_to_both_sides_of_it(
    buy_ppm: int,
    sell_ppm: int,
    anchor: int,
    buy_band: tuple[int, int] | None,
    sell_band: tuple[int, int] | None,
) -> None:
    live = LiveMarket(market(MarketRules(buy_band_ppm=buy_ppm, sell_band_ppm=sell_ppm)))
    live.last_price_ticks = anchor
    assert (live.band(BUY), live.band(SELL)) == (buy_band, sell_band)


def test_a_side_has_its_ladder_and_the_asset_that_it_holds() -> None:
    live = LiveMarket(market())
    assert live.own_side(BUY) is live.other_side(SELL) is live.bids
    assert live.own_side(SELL) is live.other_side(BUY) is live.asks
    assert (live.held_asset(BUY), live.held_asset(SELL)) == ("USD", "BTC")


@pytest.mark.parametrize(("fee_asset", "in_quote"), [("quote", True), ("received", False)])
def test_the_fee_asset_says_whether_fees_are_in_quote(fee_asset: str, in_quote: bool) -> None:
    assert LiveMarket(market(fee_asset=FeeAsset(fee_asset))).fees_in_quote is in_quote


def test_new_rules_are_at_work_at_once_and_leave_what_moves_alone() -> None:
    live = LiveMarket(market(MarketRules(halt_move_ppm=1, halt_window_ns=16)))
    live.restore_state(STATE)
    rules = MarketRules(
        taker_fee_ppm=7,
        self_trade=SelfTrade.DECREMENT,
        price_step_ticks=2,
        quantity_step_lots=3,
        quantity_min_lots=4,
        quantity_max_lots=5,
        notional_min_atoms=6,
        open_orders_max=8,
        halt_move_ppm=9,
    )
    changed = market(rules)
    live.update(changed)
    assert live.market is changed
    assert live.fees_of(0) == (0, 7)
    assert live.self_trade is SelfTrade.DECREMENT
    assert (live.price_step_ticks, live.quantity_step_lots) == (2, 3)
    assert (live.quantity_min_lots, live.quantity_max_lots) == (4, 5)
    assert (live.notional_min_atoms, live.open_orders_max) == (6, 8)
    assert live.state() == STATE


STATE = MarketState(
    "BTC_USD",
    depth_sequence=3,
    last_trade_id=2,
    last_price_ticks=100,
    status=MarketStatus.HALTED,
    status_reason=StatusReason.VOLATILITY,
    status_until_ns=99,
    recent_prices=(PriceRange(10, 90, 100), PriceRange(11, 100, 101)),
)


def test_a_market_goes_on_from_its_row() -> None:
    live = LiveMarket(market(MarketRules(halt_move_ppm=1, halt_window_ns=16)))
    assert live.state() == MarketState("BTC_USD", 0, 0, 0)
    live.restore_state(STATE)
    assert live.state() == STATE
    assert live.volatility.is_exceeded()
    assert live.status is MarketStatus.HALTED


def test_a_market_does_not_go_on_from_the_row_of_another() -> None:
    with pytest.raises(AssertionError, match="its own row"):
        LiveMarket(market()).restore_state(replace(STATE, market="ETH_USD"))


def test_a_book_that_did_not_change_makes_no_event() -> None:
    live = LiveMarket(market())
    assert live.depth_changed(7) is None
    assert live.depth_sequence == 0

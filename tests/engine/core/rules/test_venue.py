"""Senders, amounts, assets and markets: every rule broken, and the field that is named."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.core import rules
from engine.core.rules.venue import BAND_PPM_MAX, PERIOD_NS_MAX
from shared.messages import (
    Asset,
    CreateAsset,
    CreateMarket,
    Deposit,
    FeeAsset,
    FeeTier,
    MarketRules,
    Reject,
    SetAccountTier,
    SetCancelTimer,
    SuspendAccount,
    Transfer,
)
from shared.money import AMOUNT_LIMIT, PPM

RECEIVED, QUOTE = FeeAsset.RECEIVED, FeeAsset.QUOTE
SECOND_NS = 1_000_000_000
DAY_NS = 24 * 60 * 60 * SECOND_NS


def create_market(**fields: Any) -> CreateMarket:
    names: dict[str, Any] = {"market": "BTC_USD", "base": "BTC", "quote": "USD"}
    grid: dict[str, Any] = {"price_scale": 0, "price_tick": 1, "lot_atoms": 1}
    return CreateMarket(**(names | grid | fields))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"account_id": -1}, "account_id"),
        ({"account_id": 2**63}, "account_id"),
        ({"account_id": 1, "idempotency_key": "a b"}, "idempotency_key"),
        ({"account_id": 1, "idempotency_key": "x" * 65}, "idempotency_key"),
        ({"account_id": 2**63 - 1, "idempotency_key": "x" * 64}, None),
        ({"account_id": 0}, None),
    ],
)
def test_a_sender_has_a_number_and_a_key_in_shape(fields: Any, field: str | None) -> None:
    fault = rules.sender_fault(Deposit(asset="USD", amount_atoms=1, **fields))
    assert (fault.field if fault else None) == field


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (SetAccountTier(target_account_id=1, tier=32), None),
        (SetAccountTier(target_account_id=0, tier=0), "target_account_id"),
        (SetAccountTier(target_account_id=2**63, tier=0), "target_account_id"),
        (SetAccountTier(target_account_id=1, tier=-1), "tier"),
        (SetAccountTier(target_account_id=1, tier=33), "tier"),
        (SuspendAccount(target_account_id=-1, is_suspended=True), "target_account_id"),
        (SuspendAccount(target_account_id=1, is_suspended=True), None),
    ],
)
def test_the_operator_means_an_account_and_a_tier(
    command: SetAccountTier | SuspendAccount, expected: str | None
) -> None:
    fault = rules.target_fault(command)
    assert (fault.field if fault else None) == expected


@pytest.mark.parametrize(
    ("timeout_ns", "good"),
    [
        (0, True),
        (-1, False),
        (SECOND_NS - 1, False),
        (SECOND_NS, True),
        (DAY_NS, True),
        (DAY_NS + 1, False),
    ],
)
def test_a_cancel_timer_runs_a_second_to_a_day_or_is_off(timeout_ns: int, good: bool) -> None:
    fault = rules.timeout_fault(SetCancelTimer(account_id=1, timeout_ns=timeout_ns))
    assert fault == (None if good else (Reject.INVALID_TIMEOUT, "timeout_ns"))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"to_account_id": 1}, (Reject.INVALID_ACCOUNT, "to_account_id")),
        ({"to_account_id": 0}, (Reject.INVALID_ACCOUNT, "to_account_id")),
        ({"to_account_id": 2**63}, (Reject.INVALID_ACCOUNT, "to_account_id")),
        ({"amount_atoms": 0}, (Reject.INVALID_AMOUNT, "amount_atoms")),
        ({"amount_atoms": AMOUNT_LIMIT}, (Reject.AMOUNT_LIMIT, "amount_atoms")),
        ({"reference": "x" * 129}, (Reject.INVALID_COMMAND, "reference")),
        ({"reference": "a\nb"}, (Reject.INVALID_COMMAND, "reference")),
    ],
)
def test_a_transfer_goes_to_another_account_and_is_an_amount(fields: Any, expected: Any) -> None:
    good: dict[str, Any] = {"to_account_id": 2, "asset": "USD", "amount_atoms": 1}
    assert rules.transfer_fault(Transfer(account_id=1, **(good | fields))) == expected


@pytest.mark.parametrize(
    ("asset", "scale", "field"),
    [("USD", 8, None), ("usd", 2, "asset"), ("A" * 17, 2, "asset"), ("EUR", 9, "scale")],
)
def test_an_asset_has_a_name_and_a_scale(asset: str, scale: int, field: str | None) -> None:
    fault = rules.asset_fault(CreateAsset(asset=asset, scale=scale))
    assert fault == (field and (Reject.INVALID_ASSET, field))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, None),
        ({"market": "BTCUSD"}, "market"),
        ({"market": "BTC_BTC", "quote": "BTC"}, "market"),
        ({"price_scale": 9}, "price_scale"),
        ({"price_tick": 0}, "price_tick"),
        ({"price_tick": AMOUNT_LIMIT}, "price_tick"),
        ({"lot_atoms": 0}, "lot_atoms"),
        ({"lot_atoms": AMOUNT_LIMIT}, "lot_atoms"),
        ({"rules": MarketRules(price_step_ticks=0)}, "rules.price_step_ticks"),
        ({"rules": MarketRules(maker_fee_ppm=-1, taker_fee_ppm=1)}, "rules.maker_fee_ppm"),
        (
            {"rules": MarketRules(maker_fee_ppm=-1, taker_fee_ppm=1), "fee_asset": QUOTE},
            None,
        ),
    ],
)
def test_a_market_has_a_name_a_grid_and_good_rules(fields: Any, field: str | None) -> None:
    fault = rules.market_fault(create_market(**fields))
    assert fault == (field and (Reject.INVALID_MARKET, field))


def test_changed_rules_are_checked_for_the_fee_asset_of_the_market() -> None:
    changed = MarketRules(maker_fee_ppm=-1, taker_fee_ppm=1)
    assert rules.update_fault(changed, QUOTE) is None
    assert rules.update_fault(changed, RECEIVED) == (Reject.INVALID_MARKET, "rules.maker_fee_ppm")


@pytest.mark.parametrize(
    ("fee_asset", "maker", "taker", "tiers", "field"),
    [
        (RECEIVED, 0, 0, (), None),
        (RECEIVED, PPM, PPM, ((PPM, PPM),), None),
        (RECEIVED, PPM + 1, 0, (), "maker_fee_ppm"),
        (RECEIVED, 0, PPM + 1, (), "taker_fee_ppm"),
        (RECEIVED, 0, -1, (), "taker_fee_ppm"),
        (RECEIVED, 0, 0, ((-1, 1),), "tiers"),
        (RECEIVED, 0, 0, ((0, -1),), "tiers"),
        (QUOTE, -5, 5, (), None),
        (QUOTE, -6, 5, (), "maker_fee_ppm"),
        (QUOTE, -5, 5, ((-5, 5), (0, 6)), None),
        (QUOTE, -5, 5, ((0, 4),), "tiers"),
        (QUOTE, 0, 5, ((-6, 9),), "tiers"),
        (QUOTE, 0, 5, ((PPM + 1, 5),), "tiers"),
        (QUOTE, 0, 5, ((-(10**30), 10**30),), "tiers"),
        (QUOTE, 0, 0, ((0, 0),) * 32, None),
        (QUOTE, 0, 0, ((0, 0),) * 33, "tiers"),
    ],
)
def test_fees_are_parts_of_a_trade_and_every_trade_pays_for_its_rebate(
    fee_asset: FeeAsset,
    maker: int,
    taker: int,
    tiers: tuple[tuple[int, int], ...],
    field: str | None,
) -> None:
    changed = MarketRules(maker, taker, tuple(FeeTier(*tier) for tier in tiers))
    fault = rules.market_rules_fault(changed, fee_asset)
    assert fault == (field and (Reject.INVALID_MARKET, field))


@pytest.mark.parametrize(
    ("field", "lowest", "highest"),
    [
        ("price_step_ticks", 1, AMOUNT_LIMIT - 1),
        ("quantity_step_lots", 1, AMOUNT_LIMIT - 1),
        ("quantity_min_lots", 0, AMOUNT_LIMIT - 1),
        ("quantity_max_lots", 0, AMOUNT_LIMIT - 1),
        ("notional_min_atoms", 0, AMOUNT_LIMIT - 1),
        ("buy_band_ppm", 0, BAND_PPM_MAX),
        ("sell_band_ppm", 0, BAND_PPM_MAX),
        ("reference_price_ticks", 0, AMOUNT_LIMIT - 1),
        ("open_orders_max", 0, AMOUNT_LIMIT - 1),
        ("halt_move_ppm", 0, AMOUNT_LIMIT - 1),
        ("halt_window_ns", 16, PERIOD_NS_MAX),
        ("halt_ns", 0, PERIOD_NS_MAX),
        ("reopen_ns", 0, PERIOD_NS_MAX),
    ],
)
def test_a_rule_has_a_range(field: str, lowest: int, highest: int) -> None:
    for value in (lowest, highest):
        assert rules.market_rules_fault(replace(MarketRules(), **{field: value}), QUOTE) is None
    for value in (lowest - 1, highest + 1, -(10**30), 10**30):
        fault = rules.market_rules_fault(replace(MarketRules(), **{field: value}), QUOTE)
        assert fault == (Reject.INVALID_MARKET, field)


@pytest.mark.parametrize(
    ("step", "low", "high", "good"),
    [
        (1, 5, 5, True),
        (1, 6, 5, False),
        (10, 1, 9, False),
        (10, 1, 10, True),
        (10, 15, 19, False),
        (10, 15, 20, True),
        (10, 0, 0, True),
    ],
)
def test_some_quantity_is_allowed(step: int, low: int, high: int, good: bool) -> None:
    changed = MarketRules(quantity_step_lots=step, quantity_min_lots=low, quantity_max_lots=high)
    fault = rules.market_rules_fault(changed, RECEIVED)
    assert fault == (None if good else (Reject.INVALID_MARKET, "quantity_max_lots"))


@pytest.mark.parametrize(
    ("fields", "atoms"),
    [
        ({}, 1),
        ({"price_tick": 5, "lot_atoms": 3}, 15),
        ({"price_scale": 1}, None),
        ({"price_scale": 1, "price_tick": 10}, 1),
        ({"price_tick": 2**62, "lot_atoms": 2}, None),
    ],
)
def test_a_grid_is_whole_in_quote_atoms(fields: Any, atoms: int | None) -> None:
    command = create_market(**fields)
    assert rules.atoms_per_tick_lot(command, Asset("BTC", 0), Asset("USD", 0)) == atoms


INTEGERS = st.integers() | st.integers(-2, 2) | st.integers(2**63 - 2, 2**63 + 2)
NUMBERS = [name for name in MarketRules.__struct_fields__ if name not in ("tiers", "self_trade")]


NUMBER_ROWS = st.fixed_dictionaries(dict.fromkeys(NUMBERS, INTEGERS))


@given(NUMBER_ROWS, st.lists(INTEGERS, max_size=40))
def test_rules_of_any_integers_are_answered_and_what_passes_is_an_amount(
    numbers: dict[str, int], fees: list[int]
) -> None:
    tiers = tuple(FeeTier(each, each) for each in fees)
    changed = replace(MarketRules(), **numbers, tiers=tiers)
    if rules.market_rules_fault(changed, QUOTE) is None:
        assert all(-PPM <= number < AMOUNT_LIMIT for number in (*numbers.values(), *fees))

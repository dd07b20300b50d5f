"""What an operator changes of a market is what the command names, and nothing else."""

import pytest

from engine.core.exchange import Exchange, Limits
from shared.messages import (
    CreateAsset,
    CreateMarket,
    Event,
    MarketRules,
    MarketUpdated,
    Reject,
    Rejected,
    UpdateMarket,
)

MARKET = "AAA_USD"


@pytest.fixture
def exchange() -> Exchange:
    exchange = Exchange(Limits())
    for asset in ("AAA", "USD"):
        exchange.apply(CreateAsset(asset=asset, scale=2))
    exchange.apply(
        CreateMarket(
            market=MARKET, base="AAA", quote="USD", price_scale=2, price_tick=1, lot_atoms=100
        )
    )
    return exchange


def update(exchange: Exchange, rules: MarketRules, *fields: str) -> Event:
    return exchange.apply(UpdateMarket(market=MARKET, rules=rules, fields=fields))[-1]


def rules_after(event: Event) -> MarketRules:
    assert isinstance(event, MarketUpdated)
    return event.market.rules


def test_two_changes_of_different_rules_are_both_kept(exchange: Exchange) -> None:
    update(exchange, MarketRules(taker_fee_ppm=500), "taker_fee_ppm")
    after = rules_after(update(exchange, MarketRules(open_orders_max=7), "open_orders_max"))
    assert after == MarketRules(taker_fee_ppm=500, open_orders_max=7)


def test_a_named_rule_may_be_set_to_what_it_is_without_being_named(exchange: Exchange) -> None:
    update(exchange, MarketRules(taker_fee_ppm=500, open_orders_max=7))
    after = rules_after(update(exchange, MarketRules(), "open_orders_max"))
    assert after == MarketRules(taker_fee_ppm=500)


def test_without_names_all_rules_are_meant(exchange: Exchange) -> None:
    update(exchange, MarketRules(taker_fee_ppm=500))
    after = rules_after(update(exchange, MarketRules(open_orders_max=7)))
    assert after == MarketRules(open_orders_max=7)


def test_the_rules_are_checked_as_they_would_stand_together(exchange: Exchange) -> None:
    update(exchange, MarketRules(quantity_min_lots=10), "quantity_min_lots")
    refused = update(exchange, MarketRules(quantity_max_lots=9), "quantity_max_lots")
    assert isinstance(refused, Rejected)
    assert (refused.code, refused.field) == (Reject.INVALID_MARKET, "rules.quantity_max_lots")


@pytest.mark.parametrize("name", ["", "market", "rules", "taker_fee"])
def test_what_is_no_rule_is_refused(exchange: Exchange, name: str) -> None:
    refused = update(exchange, MarketRules(), "taker_fee_ppm", name)
    assert isinstance(refused, Rejected)
    assert (refused.code, refused.field) == (Reject.INVALID_COMMAND, "fields")

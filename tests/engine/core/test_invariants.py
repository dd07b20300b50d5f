"""The checks bite: each thing that must never be is made by force, and is found."""

from collections.abc import Callable

import pytest

from engine.core import invariants
from engine.core.exchange import Exchange
from engine.core.ledger import Balance
from engine.core.markets import LiveMarket
from shared.messages import CancelOrder, Deposit, Order, OrderStatus, PlaceOrder, Side
from tests.support.scenario import MARKET, opened_exchange


def living_exchange() -> Exchange:
    """Return an exchange with two bids in one queue and an ask, everything drained."""
    audited = opened_exchange()
    audited.apply(Deposit(account_id=1, asset="USD", amount_atoms=100))
    audited.apply(Deposit(account_id=2, asset="BTC", amount_atoms=10))
    for account_id, side, price_ticks in ((1, Side.BUY, 10), (1, Side.BUY, 10), (2, Side.SELL, 12)):
        audited.apply(
            PlaceOrder(
                account_id=account_id,
                market=MARKET,
                side=side,
                price_ticks=price_ticks,
                quantity_lots=2,
            )
        )
    return audited.exchange


def dollars(exchange: Exchange) -> Balance:
    return exchange.state.ledger.accounts[1].balances["USD"]


def bid(exchange: Exchange) -> Order:
    return exchange.state.open.by_id[1]


def market(exchange: Exchange) -> LiveMarket:
    return exchange.state.markets[MARKET]


def mint(exchange: Exchange) -> None:
    dollars(exchange).available += 1


def hold_too_much(exchange: Exchange) -> None:
    dollars(exchange).available -= 1
    dollars(exchange).held += 1


def overdraw(exchange: Exchange) -> None:
    dollars(exchange).available -= 1_000


def overhold(exchange: Exchange) -> None:
    dollars(exchange).held -= 1_000


def earn_less_than_nothing(exchange: Exchange) -> None:
    exchange.state.ledger.totals["BTC"].fees -= 1


def jump_the_queue(exchange: Exchange) -> None:
    level = market(exchange).bids.levels[10]
    assert level.behind
    level.head, level.behind[0] = level.behind[0], level.head


def miscount_a_level(exchange: Exchange) -> None:
    market(exchange).bids.levels[10].lots += 1


def cross(exchange: Exchange) -> None:
    ladder = market(exchange).asks
    order = ladder.levels[-12].head
    ladder.remove(order)
    order.price_ticks = 9
    ladder.add(order)


def misplace_a_price(exchange: Exchange) -> None:
    market(exchange).bids.near.insert(0, 3)


def fill_an_open_order(exchange: Exchange) -> None:
    bid(exchange).filled_lots = 2


def hold_nothing(exchange: Exchange) -> None:
    bid(exchange).held_atoms = 0


def close_with_a_hold(exchange: Exchange) -> None:
    bid(exchange).status = OrderStatus.CANCELLED


def lose_an_order(exchange: Exchange) -> None:
    live = market(exchange)
    level = live.asks.levels.pop(-12)
    live.asks.near.clear()
    assert level.lots


DAMAGES = {
    mint: "should be there",
    hold_too_much: "its open orders hold",
    overdraw: "available",
    overhold: "held",
    earn_less_than_nothing: "fees of BTC are negative",
    jump_the_queue: "queue .* out of order",
    miscount_a_level: "A level of",
    cross: "crossed",
    misplace_a_price: "ladder .* out of order",
    fill_an_open_order: "nothing to trade",
    hold_nothing: "holds nothing",
    close_with_a_hold: "still holds",
    lose_an_order: "differ",
}


def test_a_living_exchange_passes() -> None:
    invariants.check(living_exchange())


@pytest.mark.parametrize(("damage", "sentence"), DAMAGES.items())
def test_a_broken_invariant_is_an_error_with_a_sentence(
    damage: Callable[[Exchange], None], sentence: str
) -> None:
    exchange = living_exchange()
    damage(exchange)
    with pytest.raises(AssertionError, match=sentence):
        invariants.check(exchange)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (mint, "came in"),
        (hold_too_much, "Held changed otherwise"),
        (overdraw, "available"),
        (overhold, "held"),
        (cross, "crossed"),
    ],
)
def test_the_check_of_a_batch_finds_what_the_batch_broke(
    damage: Callable[[Exchange], None], sentence: str
) -> None:
    exchange = living_exchange()
    exchange.apply(CancelOrder(account_id=1, order_id=2))
    damage(exchange)
    with pytest.raises(AssertionError, match=sentence):
        invariants.check_changes(exchange, exchange.drain_changes())


def test_journal_numbers_only_go_forward() -> None:
    exchange = living_exchange()
    with pytest.raises(AssertionError, match="only go forward"):
        exchange.unreadable(exchange.n)

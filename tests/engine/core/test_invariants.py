"""The checks bite: each thing that must never be is made by force, and is found."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from engine.core import invariants
from engine.core.exchange import Exchange
from engine.core.ledger import Balance
from engine.core.markets import LiveMarket
from engine.core.rules import PENDING_WITHDRAWALS_MAX
from engine.core.timers import TimerKind
from shared.messages import (
    CancelOrder,
    Deposit,
    Order,
    OrderStatus,
    OrderTerms,
    OrderType,
    PlaceOco,
    PlaceOrder,
    PlaceOto,
    RequestWithdrawal,
    SetCancelTimer,
    Side,
    Withdrawal,
)
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
    audited.apply(RequestWithdrawal(account_id=1, asset="USD", amount_atoms=5))
    return audited.exchange


def pending(exchange: Exchange) -> Withdrawal:
    (withdrawal,) = exchange.state.withdrawals.values()
    return withdrawal


def put(exchange: Exchange, withdrawal: Withdrawal) -> None:
    """Put a withdrawal in the place of the pending one, in the state and at its account alike."""
    for withdrawals in (exchange.state.withdrawals, exchange.state.ledger.accounts[1].withdrawals):
        withdrawals.clear()
        withdrawals[withdrawal.withdrawal_id] = withdrawal


def ask_for_more(exchange: Exchange) -> None:
    put(exchange, replace(pending(exchange), amount_atoms=6))


def ask_for_nothing(exchange: Exchange) -> None:
    put(exchange, replace(pending(exchange), amount_atoms=0))
    dollars(exchange).available += 5
    dollars(exchange).held -= 5


def ask_tomorrow(exchange: Exchange) -> None:
    put(exchange, replace(pending(exchange), withdrawal_id=10**6))


def lose_a_withdrawal(exchange: Exchange) -> None:
    exchange.state.withdrawals.clear()
    dollars(exchange).available += 5
    dollars(exchange).held -= 5


def let_the_owner_lose_it(exchange: Exchange) -> None:
    exchange.state.ledger.accounts[1].withdrawals.clear()


def give_it_away(exchange: Exchange) -> None:
    accounts = exchange.state.ledger.accounts
    accounts[2].withdrawals |= accounts[1].withdrawals
    accounts[1].withdrawals.clear()


def ask_too_often(exchange: Exchange) -> None:
    asked, owner = pending(exchange), exchange.state.ledger.accounts[1]
    exchange.apply(Deposit(account_id=1, asset="USD", amount_atoms=PENDING_WITHDRAWALS_MAX))
    dollars(exchange).available -= PENDING_WITHDRAWALS_MAX
    dollars(exchange).held += PENDING_WITHDRAWALS_MAX
    for n in range(-PENDING_WITHDRAWALS_MAX, 0):
        another = replace(asked, withdrawal_id=n, amount_atoms=1)
        exchange.state.withdrawals[n] = owner.withdrawals[n] = another


def hold_for_nothing(exchange: Exchange) -> None:
    ask = RequestWithdrawal(account_id=1, asset="USD", amount_atoms=1)
    exchange.apply(ask)
    exchange.state._new.withdrawals.clear()


def end_without_a_release(exchange: Exchange) -> None:
    account = exchange.state.ledger.accounts[1]
    exchange.state.end_withdrawal(account, pending(exchange))


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
    hold_too_much: "its open orders and pending withdrawals hold",
    overdraw: "available",
    overhold: "held",
    earn_less_than_nothing: "fees of BTC are negative",
    jump_the_queue: "queue .* out of order",
    miscount_a_level: "A level of",
    cross: "crossed",
    misplace_a_price: "ladder .* out of order",
    fill_an_open_order: "nothing to trade|holds 20, not 0",
    hold_nothing: "holds 0, not 20",
    close_with_a_hold: "still holds",
    lose_an_order: "differ",
    ask_for_more: "holds 45, but .* hold 46",
    ask_for_nothing: "of what cannot be",
    ask_tomorrow: "from the future",
    lose_a_withdrawal: "the withdrawals differ in number",
    let_the_owner_lose_it: "the withdrawals differ in number",
    give_it_away: "lost its account",
    ask_too_often: "too many withdrawals",
}


def busy_exchange() -> Exchange:
    """Return an exchange with an order, a stop, a trailing stop, an OCO pair, an OTO pair and a
    cancel timer: orders 1, 4, 5, 6 and 7, 8 and 9.
    """
    audited = opened_exchange()
    for account_id in (1, 2, 3):
        audited.apply(Deposit(account_id=account_id, asset="USD", amount_atoms=1_000))
        audited.apply(Deposit(account_id=account_id, asset="BTC", amount_atoms=100))
    orders = (
        order(1, Side.BUY, price_ticks=10),
        order(2, Side.SELL, price_ticks=11),
        order(3, Side.BUY, price_ticks=11),
        order(1, Side.SELL, type=OrderType.STOP, stop_price_ticks=5),
        order(1, Side.SELL, type=OrderType.TRAILING_STOP, trail_ticks=3),
    )
    for each in orders:
        audited.apply(each)
    stop = order(3, Side.BUY, type=OrderType.STOP, stop_price_ticks=20)
    limit = order(3, Side.BUY, price_ticks=8)
    audited.apply(PlaceOco(account_id=3, limit=limit, stop=stop))
    child = order(3, Side.SELL, price_ticks=30)
    audited.apply(PlaceOto(account_id=3, parent=order(3, Side.BUY, price_ticks=7), child=child))
    audited.apply(SetCancelTimer(account_id=1, timeout_ns=5_000_000_000))
    return audited.exchange


def order(account_id: int, side: Side, **fields: Any) -> PlaceOrder:
    return PlaceOrder(account_id=account_id, market=MARKET, side=side, quantity_lots=2, **fields)


def living(exchange: Exchange, order_id: int) -> Order:
    return exchange.state.open.by_id[order_id]


def terms(exchange: Exchange, order_id: int) -> OrderTerms:
    found = living(exchange, order_id).terms
    assert found is not None
    return found


def hold_more_in_step(exchange: Exchange) -> None:
    living(exchange, 1).held_atoms += 7
    dollars(exchange).held += 7
    dollars(exchange).available -= 7


def hold_less_in_step(exchange: Exchange) -> None:
    living(exchange, 1).held_atoms -= 7
    dollars(exchange).held -= 7
    dollars(exchange).available += 7


def move_a_price_in_place(exchange: Exchange) -> None:
    living(exchange, 1).price_ticks = 3


def move_a_stop_in_place(exchange: Exchange) -> None:
    terms(exchange, 4).stop_price_ticks = 4


def move_a_watermark(exchange: Exchange) -> None:
    terms(exchange, 5).watermark_ticks = 2


def forget_a_timer(exchange: Exchange) -> None:
    exchange.state.timers.clear(TimerKind.ACCOUNT, 1)


def keep_the_timer_of_a_dead_order(exchange: Exchange) -> None:
    exchange.state.timers.set(TimerKind.ORDER_EXPIRY, 2, 9)


def forget_when_a_market_reopens(exchange: Exchange) -> None:
    market(exchange).status_until_ns = 5


def forget_a_peer(exchange: Exchange) -> None:
    terms(exchange, 6).peer_order_id = 0


def forget_a_child(exchange: Exchange) -> None:
    terms(exchange, 8).child_order_id = 0


def forget_a_count(exchange: Exchange) -> None:
    exchange.state.ledger.accounts[1].open_counts.clear()


def open_a_stop(exchange: Exchange) -> None:
    stop = living(exchange, 4)
    stop.status, stop.open_lots = OrderStatus.OPEN, 2


def call_an_order_filled_in_part(exchange: Exchange) -> None:
    living(exchange, 1).status = OrderStatus.PARTIALLY_FILLED


def give_an_id_twice(exchange: Exchange) -> None:
    exchange.state.next_order_id = 3


def rank_an_order_in_the_future(exchange: Exchange) -> None:
    living(exchange, 1).rank = 10**9


def own_what_there_is_not(exchange: Exchange) -> None:
    stray = exchange.state.ledger.balance(exchange.state.ledger.accounts[1], "GOLD")
    stray.available = 5


MISPLACEMENTS = {
    hold_more_in_step: "holds 27, not 20",
    hold_less_in_step: "holds 13, not 20",
    move_a_price_in_place: "holds 20, not 6",
    move_a_stop_in_place: "another price than its own",
    move_a_watermark: "another price than its own",
    forget_a_timer: "timers",
    keep_the_timer_of_a_dead_order: "timers",
    forget_when_a_market_reopens: "timers",
    forget_a_peer: "holds 40, not 16|does not know of",
    forget_a_child: "does not know of",
    forget_a_count: "count",
    open_a_stop: "waits at work",
    call_an_order_filled_in_part: "miscounts its trades",
    give_an_id_twice: "from the future",
    rank_an_order_in_the_future: "from the future",
    own_what_there_is_not: "asset that there is not",
}


def test_a_busy_exchange_passes() -> None:
    invariants.check(busy_exchange())


@pytest.mark.parametrize(("damage", "sentence"), MISPLACEMENTS.items())
def test_whatever_is_out_of_its_place_is_found(
    damage: Callable[[Exchange], None], sentence: str
) -> None:
    exchange = busy_exchange()
    damage(exchange)
    with pytest.raises(AssertionError, match=sentence):
        invariants.check(exchange)


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
        (hold_for_nothing, "Held changed otherwise"),
        (end_without_a_release, "Held changed otherwise"),
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

"""What is due happens before the command that finds it due; whose time is over never trades."""

from typing import Any

from shared.messages import (
    AmendOrder,
    Deposit,
    MarketRules,
    OrderAccepted,
    OrderExpired,
    OrdersCancelled,
    OrderType,
    PlaceOrder,
    Rejected,
    SetCancelTimer,
    Side,
    Tick,
    TimeInForce,
    TradeExecuted,
    UpdateMarket,
)
from tests.support.audited_exchange import AuditedExchange
from tests.support.scenario import MARKET, opened_exchange

SECOND_NS = 1_000_000_000
HALTS = MarketRules(
    halt_move_ppm=100_000, halt_window_ns=60 * SECOND_NS, halt_ns=SECOND_NS, reopen_ns=SECOND_NS
)


def order(account_id: int, side: Side, lots: int, price: int = 0, **fields: Any) -> PlaceOrder:
    return PlaceOrder(
        account_id=account_id,
        market=MARKET,
        side=side,
        quantity_lots=lots,
        price_ticks=price,
        **fields,
    )


def halted_with_a_stop_elected() -> AuditedExchange:
    """Return an exchange whose market halts at 10 s, with a stop that will fire when it opens, and
    behind it an order that ends at 13 s and one whose owner's timer runs out at 13 s.
    """
    audited = opened_exchange()
    at_ns = 10 * SECOND_NS
    for account_id in (1, 2, 3):
        audited.apply(Deposit(account_id=account_id, asset="USD", amount_atoms=100_000), at_ns)
        audited.apply(Deposit(account_id=account_id, asset="BTC", amount_atoms=1_000), at_ns)
    audited.apply(UpdateMarket(market=MARKET, rules=HALTS), at_ns)
    until: dict[str, Any] = {"time_in_force": TimeInForce.GTD, "expires_at_ns": 13 * SECOND_NS}
    for command in (
        order(1, Side.SELL, 1, 100),
        order(2, Side.BUY, 1, 100),
        order(2, Side.SELL, 1, 130),
        order(3, Side.SELL, 5, 131, **until),
        SetCancelTimer(account_id=2, timeout_ns=3 * SECOND_NS),
        order(2, Side.SELL, 5, 132),
        order(1, Side.BUY, 7, type=OrderType.STOP, stop_price_ticks=120),
        order(1, Side.BUY, 1, 130),
    ):
        audited.apply(command, at_ns)
    return audited


def test_what_a_reopening_elects_never_meets_orders_whose_time_is_over() -> None:
    audited = halted_with_a_stop_elected()
    audited.apply(Tick(), 11 * SECOND_NS)
    events = audited.apply(Tick(), 3_600 * SECOND_NS)
    kinds = [type(event) for event in events]
    assert TradeExecuted not in kinds
    assert kinds.index(OrdersCancelled) < kinds.index(OrderExpired)
    assert audited.exchange.depth(MARKET, 10).asks == []


def test_what_a_reopening_elects_trades_with_orders_whose_time_is_not_over() -> None:
    audited = halted_with_a_stop_elected()
    audited.apply(Tick(), 11 * SECOND_NS)
    events = audited.apply(Tick(), 12 * SECOND_NS)
    trades = [event for event in events if isinstance(event, TradeExecuted)]
    assert [(trade.price_ticks, trade.quantity_lots) for trade in trades] == [(131, 5), (132, 2)]


def test_a_refused_amend_of_a_stop_leaves_no_row_behind() -> None:
    audited = opened_exchange()
    audited.apply(Deposit(account_id=1, asset="USD", amount_atoms=100))
    stop = order(1, Side.BUY, 2, type=OrderType.STOP, stop_price_ticks=20)
    [placed] = audited.apply(stop)
    assert isinstance(placed, OrderAccepted)
    amend = AmendOrder(account_id=1, order_id=placed.order_id, quantity_lots=9)
    exchange = audited.exchange
    assert isinstance(exchange.apply(amend)[0], Rejected)
    assert not exchange.drain_changes().open_orders

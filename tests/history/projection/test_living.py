"""Orders are kept from their acceptance to their end and no longer, all through a real day."""

from collections import Counter
from pathlib import Path
from random import Random

from history.projection.intervals import DAY_S, SECOND_NS
from history.projection.living import LIVING
from history.projection.recording import Recording
from history.projection.rows import MarketRow
from shared.messages import (
    AmendOrder,
    Applied,
    CancelOrder,
    Command,
    Order,
    OrderAccepted,
    PlaceOrder,
)
from shared.money import AMOUNT_LIMIT
from tests.history.projection.shelf import Shelf
from tests.history.projection.test_candles import START_NS
from tests.support.order_flow import ACCOUNT, MARKET, SessionRow, opened_exchange, read_session


def test_a_real_day_leaves_trades_orders_balances_and_no_memory(data_dir: Path, seed: int) -> None:
    exchange, cuts = opened_exchange(), Random(seed)
    exchange.drain_changes()
    market = MarketRow(MARKET, "ANA", "EUR", 2, 5, 1, 5, "received", "{}", 0)
    shelf, recording, ids = Shelf(), Recording([market]), dict[int, int]()
    shelf.markets[MARKET] = market
    orders: dict[int, Order] = {}
    for number, row in enumerate(read_session(data_dir / "order_flow" / "real_session")):
        order_id = ids.get(row.uid, 0)
        command = command_of(row, order_id, exchange.order(order_id))
        events = exchange.apply(command, at_ns=START_NS + number * SECOND_NS)
        if isinstance(events[0], OrderAccepted):
            ids[row.uid] = events[0].order_id
        changes = exchange.drain_changes()
        orders |= changes.open_orders | changes.closed_orders
        recording.take(Applied(exchange.n, exchange.at_ns, tuple(events)))
        if cuts.random() < 0.01:
            shelf.write(recording.finish())
            assert len(recording.orders) == len(exchange.open_orders(ACCOUNT))
            recording = shelf.recording()
    shelf.write(recording.finish())
    assert len(recording.orders) == 0
    check(shelf, orders)
    money: Counter[str] = Counter()
    for line in shelf.ledger:
        money[line.asset] += line.available_change
    for asset in ("ANA", "EUR"):
        assert exchange.balance(ACCOUNT, asset) == (AMOUNT_LIMIT - 1 + money[asset], 0)


def check(shelf: Shelf, orders: dict[int, Order]) -> None:
    assert len(shelf.trades) == 996
    assert sum(trade.quantity_lots for trade in shelf.trades) == 54_378
    days = [candle for candle in shelf.candles if candle.interval_s == DAY_S]
    assert sum(candle.trades for candle in days) == 996
    assert sum(candle.volume_lots for candle in days) == 54_378
    assert not any(order.status in LIVING for order in shelf.orders.values())
    assert len(shelf.orders) == 13_604
    for order_id, row in shelf.orders.items():
        order = orders[order_id]
        assert (row.status, row.filled_lots, row.quantity_lots, row.filled_quote_atoms) == (
            str(order.status),
            order.filled_lots,
            order.quantity_lots,
            order.filled_quote_atoms,
        )


def command_of(row: SessionRow, order_id: int, order: Order | None) -> Command:
    if row.kind == "new":
        return PlaceOrder(
            account_id=ACCOUNT,
            market=MARKET,
            side=row.side,
            price_ticks=row.price_ticks,
            quantity_lots=row.lots,
        )
    if row.kind == "cancel":
        return CancelOrder(account_id=ACCOUNT, order_id=order_id)
    assert order is not None
    quantity_lots = order.quantity_lots - row.lots
    return AmendOrder(account_id=ACCOUNT, order_id=order_id, quantity_lots=quantity_lots)

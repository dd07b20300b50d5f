"""Another exchange's tables of limit orders, cancels, stops and stop-limits come out the same here.

The rule of this file: a row's columns are read by their names. Left out are that exchange's hidden
orders. Where several stops are met at once it names another one the first, in the one case where
that can be seen; and two of its rows have a slip in the side.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from shared.messages import (
    CancelOrder,
    CreateAsset,
    CreateMarket,
    Deposit,
    OrderStatus,
    OrderType,
    PlaceOrder,
    Reject,
    Rejected,
    Side,
    TradeExecuted,
)
from tests.support.audited_exchange import AuditedExchange

MARKET = "BTC_USD"
CASES = 22
TYPES = {
    "1": OrderType.MARKET,
    "2": OrderType.LIMIT,
    "3": OrderType.STOP,
    "4": OrderType.STOP_LIMIT,
}
SIDES = {"B": Side.BUY, "O": Side.SELL, "BO": Side.SELL}
SELLS_PRINTED_AS_BUYS = {("uncross/stopOrder", "5")}
ELECTED_THE_OTHER_WAY_ROUND = {("uncross/stopLimitOrder", "9")}
Row = dict[str, str]


def rows_of(case: dict[str, Any], table: str) -> list[Row]:
    header, *rows = case.get(table, [[]])
    return [dict(zip(header, row, strict=False)) for row in rows]


def read_cases(data_dir: Path) -> list[tuple[str, dict[str, Any]]]:
    path = data_dir / "order_flow" / "cases" / "stop_and_limit_cases.json"
    groups = json.loads(path.read_text())
    cases = [(group, case) for group, found in groups.items() for case in found]
    return [(group, case) for group, case in cases if not case["needs_hidden_or_MES"]]


class Desk:
    """An exchange that the rows of one case go to; order k is the k-th row that was placed."""

    def __init__(self) -> None:
        self.audited = AuditedExchange()
        self.ids: list[str] = []
        self.trades: list[tuple[int, int]] = []
        for asset in ("BTC", "USD"):
            self.audited.apply(CreateAsset(asset=asset, scale=0))
        self.audited.apply(
            CreateMarket(
                market=MARKET, base="BTC", quote="USD", price_scale=0, price_tick=1, lot_atoms=1
            )
        )
        for asset in ("BTC", "USD"):
            self.audited.apply(Deposit(account_id=1, asset=asset, amount_atoms=10**12))

    def place(self, row: Row) -> None:
        self.ids.append(row["OrderID"])
        kind, price = TYPES[row["Type"]], int(row["Price"] or 0)
        is_stop = kind is OrderType.STOP
        events = self.audited.apply(
            PlaceOrder(
                account_id=1,
                market=MARKET,
                side=SIDES[row["Side"]],
                type=kind,
                quantity_lots=int(row["Size"]),
                price_ticks=0 if is_stop else price,
                stop_price_ticks=price if is_stop else int(row.get("StopPrice") or 0),
            )
        )
        self.trades += [
            (event.price_ticks, event.quantity_lots)
            for event in events
            if isinstance(event, TradeExecuted)
        ]

    def cancel(self, row: Row) -> bool:
        """Cancel by the row's id; say whether there was such an order."""
        order_id = self.ids.index(row["OrderID"]) + 1 if row["OrderID"] in self.ids else 99
        [*_, first] = reversed(self.audited.apply(CancelOrder(account_id=1, order_id=order_id)))
        if isinstance(first, Rejected):
            assert first.code is Reject.UNKNOWN_ORDER
            return False
        return True

    def book(self) -> Counter[tuple[object, ...]]:
        """Return what rests or waits: id, side, type, remaining lots, price, stop price."""
        living: Counter[tuple[object, ...]] = Counter()
        for order in self.audited.exchange.open_orders(1):
            waits = order.status is OrderStatus.PENDING
            stop_price = order.terms.stop_price_ticks if order.terms and waits else 0
            lots = order.quantity_lots - order.filled_lots
            name = self.ids[order.order_id - 1]
            living[name, order.side, order.type, lots, order.price_ticks, stop_price] += 1
        return living


def expected_book(group: str, case: dict[str, Any]) -> Counter[tuple[object, ...]]:
    book: Counter[tuple[object, ...]] = Counter()
    for row in rows_of(case, "expected_book"):
        kind, price = TYPES[row["Type"]], int(row["Price"])
        is_stop = kind is OrderType.STOP
        side = SIDES[row["Side"]]
        if (group, case["n"]) in SELLS_PRINTED_AS_BUYS:
            side = Side.SELL
        prices = (0, price) if is_stop else (price, int(row.get("StopPrice") or 0))
        book[row["OrderID"], side, kind, int(row["Size"]), *prices] += 1
    return book


def expected_trades(group: str, case: dict[str, Any]) -> list[tuple[int, int]]:
    trades = [(int(row["Price"]), int(row["Quantity"])) for row in rows_of(case, "expected_trades")]
    if (group, case["n"]) in ELECTED_THE_OTHER_WAY_ROUND:
        trades[-2:] = reversed(trades[-2:])
    return trades


def test_every_case_leaves_the_expected_book_and_trades(data_dir: Path) -> None:
    cases = read_cases(data_dir)
    assert len(cases) == CASES
    for group, case in cases:
        desk = Desk()
        for row in rows_of(case, "initial"):
            desk.place(row)
        for row in rows_of(case, "input"):
            if group == "cancelOrder":
                assert desk.cancel(row) == ("rejected" not in case["description"])
            else:
                desk.place(row)
        story = f"{group} {case['n']}: {case['description']}"
        assert desk.trades == expected_trades(group, case), story
        assert desk.book() == expected_book(group, case), story
        desk.audited.finish()

"""Recorded flow through the core: the cases, the tapes and the whole real day come out right."""

import csv
import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from engine.core import invariants
from shared.messages import (
    AmendOrder,
    CancelOrder,
    Command,
    OrderAccepted,
    OrderCancelled,
    PlaceOrder,
    Side,
    TradeExecuted,
)
from tests.support.order_flow import (
    ACCOUNT,
    MARKET,
    TICK_CENTS,
    Message,
    SessionRow,
    TapePlayer,
    opened_exchange,
    read_session,
    read_tape,
)

CASES = 17
SMALL_TAPES = ("static_s1", "normal_s23", "swing-25_s2")


def case_messages(case: dict[str, Any]) -> list[Message]:
    return [
        Message(
            message["seq"],
            message["type"],
            message["order_id"],
            Side(message.get("side", "buy")),
            message.get("qty", 0),
            message.get("price", 0),
            message.get("ioc", False),
        )
        for message in case["messages"]
    ]


def read_cases(data_dir: Path) -> dict[str, dict[str, Any]]:
    text = (data_dir / "order_flow" / "cases" / "edge_cases.json").read_text()
    cases: dict[str, dict[str, Any]] = json.loads(text)
    return cases


def test_every_edge_case_gives_its_reports_and_its_touch_after_each_message(data_dir: Path) -> None:
    cases = read_cases(data_dir)
    assert len(cases) == CASES
    for name, case in cases.items():
        if "messages" not in case:
            continue
        player, touches = TapePlayer(), []
        for message in case_messages(case):
            player.play(message)
            touches.append(player.touch())
            invariants.check(player.exchange)
        assert player.text().split("\n") == case["expected_reports"], name
        assert touches == case["expected_bbo_after_each"], name
        resting = sorted(map(list, player.resting()))
        assert resting == sorted(case["expected_resting_at_end"]), name


def test_a_sweep_of_five_thousand_orders_gives_the_expected_reports(data_dir: Path) -> None:
    case = read_cases(data_dir)["deep_recursive_sweep_5000"]
    player = TapePlayer()
    for number in range(1, 5_001):
        player.play(Message(number - 1, "new", number, Side.SELL, 1, 100))
    player.play(Message(5_000, "new", 5_001, Side.BUY, 5_000, 100, ioc=True))
    digest = hashlib.sha256(player.text().encode()).hexdigest()
    assert digest == case["expected_sha256_reports"]


@pytest.mark.parametrize("name", SMALL_TAPES)
def test_a_tape_gives_the_consensus_reports(data_dir: Path, name: str) -> None:
    folder = data_dir / "order_flow" / "tapes"
    player = TapePlayer()
    for message in read_tape(folder / f"orders_{name}_n10000.bin.gz"):
        player.play(message)
    expected = gzip.decompress((folder / f"reports_{name}_n10000.txt.gz").read_bytes())
    assert player.text() == expected.decode()
    invariants.check(player.exchange)


def test_the_real_day_comes_out_trade_by_trade(data_dir: Path) -> None:
    folder = data_dir / "order_flow" / "real_session"
    day = _RealDay()
    for row in read_session(folder):
        day.play(row)
    assert day.trades == _expected_trades(folder)
    assert len(day.trades) == 996
    assert sum(trade[-1] for trade in day.trades) == 54_378
    assert day.touches == _expected_touches(folder)
    assert day.exchange.depth(MARKET, 1) == ([], [])
    assert day.exchange.open_orders(ACCOUNT) == []
    invariants.check(day.exchange)


class _RealDay:
    def __init__(self) -> None:
        self.exchange = opened_exchange()
        self.index = -1
        self.trades: list[tuple[int, int, int, str, int, int]] = []
        self.touches: list[list[int | None]] = []
        self._ids: dict[int, int] = {}
        self._uids: dict[int, int] = {}
        self._last: list[int | None] = [None, None]

    def play(self, row: SessionRow) -> None:
        self.index += 1
        for event in self.exchange.apply(self._command(row)):
            if isinstance(event, OrderAccepted):
                self._ids[row.uid] = event.order_id
                self._uids[event.order_id] = row.uid
            elif isinstance(event, TradeExecuted):
                self._note_trade(event)
            elif isinstance(event, OrderCancelled):
                assert event.remaining_lots == row.lots, f"row {self.index}"
        self._note_touch()

    def _command(self, row: SessionRow) -> Command:
        if row.kind == "new":
            return PlaceOrder(
                account_id=ACCOUNT,
                market=MARKET,
                side=row.side,
                price_ticks=row.price_ticks,
                quantity_lots=row.lots,
            )
        order = self.exchange.order(self._ids[row.uid])
        assert order is not None, f"row {self.index}: the order should be open"
        if row.kind == "cancel":
            return CancelOrder(account_id=ACCOUNT, order_id=order.order_id)
        quantity_lots = order.quantity_lots - row.lots
        return AmendOrder(account_id=ACCOUNT, order_id=order.order_id, quantity_lots=quantity_lots)

    def _note_trade(self, trade: TradeExecuted) -> None:
        maker, taker = self._uids[trade.maker.order_id], self._uids[trade.taker.order_id]
        cents = trade.price_ticks * TICK_CENTS
        self.trades.append(
            (self.index, maker, taker, str(trade.taker_side), cents, trade.quantity_lots)
        )

    def _note_touch(self) -> None:
        ticks = self.exchange.best_bid(MARKET), self.exchange.best_ask(MARKET)
        touch = [None if price is None else price * TICK_CENTS for price in ticks]
        if touch != self._last:
            self.touches.append([self.index, *touch])
            self._last = touch


def _expected_trades(folder: Path) -> list[tuple[int, int, int, str, int, int]]:
    with (folder / "expected_trades.csv").open(newline="") as file:
        return [
            (
                int(row["idx"]),
                int(row["maker_uid"]),
                int(row["taker_uid"]),
                row["taker_side"],
                int(row["price_cents"]),
                int(row["qty"]),
            )
            for row in csv.DictReader(file)
        ]


def _expected_touches(folder: Path) -> list[list[int | None]]:
    with (folder / "expected_bbo.csv").open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    return [[int(word) if word else None for word in row] for row in rows]

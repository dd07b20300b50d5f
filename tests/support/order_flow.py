"""Recorded order flow, read from its files and sent through the core.

The rule of this file: the recordings have order ids of their own and no accounts; one account with
more than enough sends everything, and trades with itself.
"""

import csv
import gzip
import struct
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from engine.core.exchange import Exchange
from shared.messages import (
    CancelOrder,
    CreateAsset,
    CreateMarket,
    Deposit,
    Event,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    PlaceOrder,
    Side,
    TimeInForce,
    TradeExecuted,
)
from shared.money import AMOUNT_LIMIT, parse_decimal

MARKET = "ANA_EUR"
ACCOUNT = 1
TICK_CENTS = 5
_HEADER = struct.Struct("<QII")
_RECORD = struct.Struct("<BBBBIQQqq")
_MAGIC = 0x4D4542575F303031
_SIDES = (Side.BUY, Side.SELL)
_KINDS = ("new", "cancel", "modify")


class Message(NamedTuple):
    """One message of a benchmark's tape."""

    sequence: int
    kind: str
    order_id: int
    side: Side = Side.BUY
    lots: int = 0
    price_ticks: int = 0
    ioc: bool = False


class SessionRow(NamedTuple):
    """One row of the recorded day; `lots` of a cancel is what the real exchange had left."""

    kind: str
    uid: int
    side: Side
    lots: int
    price_ticks: int


def read_tape(path: Path) -> list[Message]:
    data = gzip.decompress(path.read_bytes())
    magic, _, count = _HEADER.unpack_from(data)
    assert magic == _MAGIC
    records = _RECORD.iter_unpack(data[_HEADER.size :])
    messages = [
        Message(sequence, _KINDS[kind], order_id, _SIDES[side], lots, price, bool(ioc))
        for kind, side, ioc, _, lots, sequence, order_id, price, _ in records
    ]
    assert len(messages) == count
    return messages


def read_session(folder: Path) -> Iterator[SessionRow]:
    text = gzip.decompress((folder / "orders.csv.gz").read_bytes()).decode()
    for row in csv.DictReader(StringIO(text), delimiter=";"):
        side = Side.BUY if row["is_buy"] == "True" else Side.SELL
        ticks, rest = divmod(parse_decimal(row["price"] or "0", 2), TICK_CENTS)
        assert not rest
        yield SessionRow(row["ordtype"], int(row["uid"]), side, int(row["qty"]), ticks)


def opened_exchange() -> Exchange:
    """Return an exchange with one market of the recorded day's grid and one rich account."""
    exchange = Exchange()
    exchange.apply(CreateAsset(asset="ANA", scale=0))
    exchange.apply(CreateAsset(asset="EUR", scale=2))
    exchange.apply(
        CreateMarket(
            market=MARKET,
            base="ANA",
            quote="EUR",
            price_scale=2,
            price_tick=TICK_CENTS,
            lot_atoms=1,
        )
    )
    for asset in ("ANA", "EUR"):
        exchange.apply(Deposit(account_id=ACCOUNT, asset=asset, amount_atoms=AMOUNT_LIMIT - 1))
    return exchange


class TapePlayer:
    """Plays a tape's messages and writes its reports: a modify is a cancel and a new order."""

    def __init__(self) -> None:
        self.exchange = opened_exchange()
        self.reports: list[tuple[int, int, str]] = []
        self._ids: dict[int, int] = {}
        self._names: dict[int, int] = {}

    def play(self, message: Message) -> None:
        if message.kind == "new":
            self._tell(message, 0, _whole(message))
            self._place(message)
            return
        cancel = CancelOrder(account_id=ACCOUNT, order_id=self._ids.get(message.order_id, 2**60))
        order = self.exchange.order(cancel.order_id)
        cancelled = self.exchange.apply(cancel)[0]
        if not isinstance(cancelled, OrderCancelled):
            self._tell(message, 4 if message.kind == "cancel" else 5, f"{message.order_id}")
        elif message.kind == "cancel":
            assert order is not None
            side = _SIDES.index(order.side)
            self._tell(message, 2, f"{side},{message.order_id},{order.price_ticks}")
        else:
            self._tell(message, 3, _whole(message))
            self._place(message)

    def text(self) -> str:
        """Return the reports in the tape's own form and order."""
        lines = sorted(self.reports, key=lambda report: report[:2])
        return "\n".join(f"{kind},{sequence},{rest}" for sequence, kind, rest in lines)

    def touch(self) -> list[int | None]:
        return [self.exchange.best_bid(MARKET), self.exchange.best_ask(MARKET)]

    def resting(self) -> list[tuple[int, Side, int, int]]:
        return [
            (
                self._names[order.order_id],
                order.side,
                order.price_ticks,
                order.quantity_lots - order.filled_lots,
            )
            for order in self.exchange.open_orders(ACCOUNT)
        ]

    def _place(self, message: Message) -> None:
        command = PlaceOrder(
            account_id=ACCOUNT,
            market=MARKET,
            side=message.side,
            price_ticks=message.price_ticks,
            quantity_lots=message.lots,
            time_in_force=TimeInForce.IOC if message.ioc else TimeInForce.GTC,
        )
        for event in self.exchange.apply(command):
            self._tell_event(message, event)

    def _tell_event(self, message: Message, event: Event) -> None:
        if isinstance(event, OrderAccepted):
            self._ids[message.order_id] = event.order_id
            self._names[event.order_id] = message.order_id
        elif isinstance(event, TradeExecuted):
            maker, taker = (self._names[fill.order_id] for fill in (event.maker, event.taker))
            self._tell(message, 1, f"{event.price_ticks},{event.quantity_lots},{maker},{taker}")
        elif isinstance(event, OrderExpired):
            side = _SIDES.index(message.side)
            self._tell(message, 2, f"{side},{message.order_id},{message.price_ticks}")

    def _tell(self, message: Message, kind: int, rest: str) -> None:
        self.reports.append((message.sequence, kind, rest))


def _whole(message: Message) -> str:
    side = _SIDES.index(message.side)
    return f"{side},{message.order_id},{message.price_ticks},{message.lots}"

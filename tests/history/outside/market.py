"""An outside market for tests: trades as the aggregator tells them, and candles by hand."""

from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any

import msgspec

from history.outside.hearing import Heard
from shared.messages import OutsideTrade, Side
from tests.history.outlet.pencil import LENGTHS_S, SECOND_NS, opened_ns, plain

BOOK = "kraken:spot:BTC/USD"
START_NS = 1_795_228_764_000_000_000
FIRST = 1_795_000_000_000_001


def outside_trade(number: int, at_ns: int, price: str, quantity: str, side: str) -> OutsideTrade:
    return OutsideTrade(
        at_ns=at_ns,
        book=BOOK,
        trade_id=f"T{number}",
        price=price,
        quantity=quantity,
        taker_side=Side(side),
        venue_at_ns=at_ns - 5,
    )


def encoded(trade: OutsideTrade) -> bytes:
    return msgspec.json.encode(trade)


def random_trades(random: Random, count: int, first: int = FIRST) -> list[Heard]:
    heard, at_ns = [], START_NS
    for number in range(first, first + count):
        at_ns += random.choice((0, 1, 10**8, SECOND_NS, 70 * SECOND_NS, 5 * 10**12))
        if random.random() < 0.2:
            at_ns = max(at_ns, opened_ns(at_ns + SECOND_NS, random.choice(list(LENGTHS_S))))
        price = plain(Decimal(random.randint(1, 10**9)).scaleb(-random.randint(0, 9)))
        quantity = plain(Decimal(random.randint(1, 10**6)).scaleb(-random.randint(0, 18)))
        side = random.choice(("buy", "sell"))
        heard.append(Heard(number, at_ns, outside_trade(number, at_ns, price, quantity, side)))
    return heard


def reckoned(heard: Sequence[Heard], interval: str) -> dict[int, dict[str, Any]]:
    """The candles by when they begin, without their gaps."""
    of_open: dict[int, list[Heard]] = {}
    for each in heard:
        of_open.setdefault(opened_ns(each.at_ns, interval), []).append(each)
    return {open_at_ns: _candle(found) for open_at_ns, found in of_open.items()}


def _candle(heard: Sequence[Heard]) -> dict[str, Any]:
    trades = [each.trade for each in heard]
    prices = [Decimal(trade.price) for trade in trades]
    bought = [trade for trade in trades if trade.taker_side is Side.BUY]
    return {
        "open": plain(prices[0]),
        "high": plain(max(prices)),
        "low": plain(min(prices)),
        "close": plain(prices[-1]),
        "volume": _total(trades, is_quote=False),
        "quote_volume": _total(trades, is_quote=True),
        "trades": len(trades),
        "taker_buy_volume": _total(bought, is_quote=False),
        "taker_buy_quote_volume": _total(bought, is_quote=True),
    }


def _total(trades: Sequence[OutsideTrade], *, is_quote: bool) -> str:
    total = Decimal(0)
    for trade in trades:
        total += Decimal(trade.quantity) * (Decimal(trade.price) if is_quote else 1)
    return plain(total)

"""Trades for tests, as short rows, and whole days of them at random.

The rule of this file: prices and quantities are decimal texts, times are seconds.
"""

import random

from aggregator.books.words import Trade
from aggregator.protocol import NS_A_S, UNIT, to_units
from shared.messages import Side

BOOK = "bybit:linear:BTC/USDT"
BEGIN_NS = 1_800_000_000 * NS_A_S


def at(seconds: float) -> int:
    """Return a moment, in nanoseconds, so many seconds after the tests' beginning."""
    return BEGIN_NS + round(seconds * NS_A_S)


def trade(
    side: str, price: str, quantity: str = "1", seconds: float = 0, *, is_recovered: bool = False
) -> Trade:
    return Trade(
        BOOK, "", to_units(price), to_units(quantity), Side(side), 0, at(seconds), is_recovered
    )


def random_trades(seed: int, count: int, *, seconds_between: float = 0.3) -> list[Trade]:
    """Return a walk of prices around 100, with bursts and pauses."""
    draw = random.Random(seed)
    price, seconds = 100 * 1_000, 0.0
    trades = []
    for _ in range(count):
        price += draw.choice((-30, -1, 0, 0, 0, 1, 30)) * draw.choice((0, 1))
        seconds += draw.choice((0, 0, seconds_between, 2 * seconds_between, 20 * seconds_between))
        quantity = draw.randrange(1, 10**6) * UNIT // 10**5
        side = draw.choice(list(Side))
        trades.append(Trade(BOOK, "", price * UNIT // 1_000, quantity, side, 0, at(seconds)))
    return trades

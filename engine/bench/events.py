"""Events for whoever is measured by them: batches, as the commits of a made-up day publish them.

The rule of this file: a real exchange makes them, of commands that are the same each time. In the
stream of trades almost every command is an order that trades at once, so that the figure of whoever
takes them is one of trades; the stream of a day is that of the other benchmarks.
"""

import random
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import chain, islice

from msgspec import Raw

from engine.batch import Applier
from engine.bench.core import FIRST_AT_NS
from engine.bench.flow import ACCOUNTS, MARKET, MIDDLE_TICKS, flow, opening
from engine.core.exchange import Exchange
from engine.entries import Entry
from shared.messages import Command, PlaceOrder, Side, TradeExecuted
from shared.wire import NOBODY, WIRE_VERSION, Envelope, decode_batch, encode

BATCH = 512  # As the engine commits under load.
TAKERS = 10  # Orders that trade with the same resting one, and fill it.
LOTS_MAX = 100
STEP_NS = 50_000  # A journal of 20,000 commands a second.
SEED = 7


class Stream(StrEnum):
    """What the commands are."""

    TRADES = "trades"
    DAY = "day"


def commands_of(stream: Stream) -> Iterator[Command]:
    """Yield commands without end, those that begin a venue first; each key is a new one."""
    return chain(opening(), _trading() if stream is Stream.TRADES else flow(SEED))


def event_batches(stream: Stream, trades: int) -> Iterator[bytes]:
    """Yield packed batches until there are so many trades, the first with the venue's beginning."""
    applier, found = Applier(Exchange(), b""), 0
    entries = _entries(commands_of(stream))
    while found < trades:
        batch = applier.apply(islice(entries, BATCH))
        applier.exchange.drain_changes()
        packed = batch.packed_events()
        found += _trades_of(packed)
        yield packed


def _trades_of(packed: bytes) -> int:
    events = (event for applied in decode_batch(packed) for event in applied.events)
    return sum(isinstance(event, TradeExecuted) for event in events)


def _entries(commands: Iterable[Command]) -> Iterator[Entry]:
    for n, command in enumerate(commands, 1):
        payload = encode(Envelope(WIRE_VERSION, NOBODY, 0, Raw(encode(command))))
        yield Entry(n, FIRST_AT_NS + n * STEP_NS, payload)


def _trading() -> Iterator[Command]:
    """Yield an order that rests and the ones that fill it, again and again."""
    draw, price_ticks, number = random.Random(SEED), MIDDLE_TICKS, 0
    while True:
        price_ticks = max(1, price_ticks + draw.randint(-2, 2))
        maker_side, taker_side = draw.sample(tuple(Side), 2)
        parts = [draw.randint(1, LOTS_MAX) for _ in range(TAKERS)]
        for side, lots in ((maker_side, sum(parts)), *((taker_side, part) for part in parts)):
            number += 1
            yield PlaceOrder(
                account_id=number * 7 % ACCOUNTS + 1,
                market=MARKET,
                side=side,
                price_ticks=price_ticks,
                quantity_lots=lots,
                client_order_id=f"o{number}",
                idempotency_key=f"o{number}",
            )

"""What a command costs as the exchange grows: placing and cancelling among many resting orders.

The rule of this file: each size has a process of its own, so that its memory is its own, and is
measured after the book stands, with the garbage collector as in production. Times are CPU times:
figures are compared with each other, and whatever else the machine does must not count.
"""

import gc
import multiprocessing
import random
import resource
import statistics
import time
from array import array
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

from msgspec import Struct

from engine.bench.flow import ACCOUNTS, FEES_ONLY, MARKET, opening
from engine.core.exchange import Exchange, Limits
from engine.garbage import look_rarely
from shared.messages import CancelOrder, OrderAccepted, OrderCancelled, PlaceOrder, Side

SIZES = (1_000, 100_000, 1_000_000)
PAIRS = 5_000  # Of a placing and a cancelling, at random places of the book.
ROUNDS = 5  # The median of them is the figure.
DRAIN_EVERY = 512  # As the engine commits.
MIDDLE_TICKS, LEVELS = 100_000, 20_000  # Prices of a spread book, half of them on either side.
LOTS = 5
# What is measured is the book. A million remembered keys take another 450 MB, however few rest.
KEYS_MAX = 10_000
SEED = 7
US_NS = 1_000
KIB = 1024
MIB = 1024 * 1024


class SizeFigures(Struct, frozen=True, kw_only=True):
    """One book: medians of CPU time per command, to drained rows, and the most memory of its
    process.
    """

    resting: int
    at_one_price: bool
    place_us: float
    cancel_us: float
    memory_mib: int


def run(sizes: Sequence[int] = SIZES) -> list[SizeFigures]:
    """Measure a book of each size, spread over many prices and all at one."""
    figures = []
    context = multiprocessing.get_context("spawn")
    for at_one_price in (False, True):
        for resting in sizes:
            with ProcessPoolExecutor(1, mp_context=context) as pool:
                figures.append(pool.submit(measure, resting, at_one_price).result())
    return figures


def measure(resting: int, at_one_price: bool) -> SizeFigures:
    """Build a book of `resting` orders in this process and measure it."""
    look_rarely()
    bench = _SizeBench(at_one_price)
    bench.build(resting)
    gc.collect()
    gc.freeze()
    rounds = [bench.time_pairs() for _ in range(ROUNDS)]
    gc.unfreeze()
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return SizeFigures(
        resting=resting,
        at_one_price=at_one_price,
        place_us=round(statistics.median(place for place, _ in rounds), 2),
        cancel_us=round(statistics.median(cancel for _, cancel in rounds), 2),
        memory_mib=peak_kib * KIB // MIB,
    )


class _SizeBench:
    def __init__(self, at_one_price: bool) -> None:
        self._exchange = Exchange(Limits(idempotency_keys_max=KEYS_MAX))
        self._draw = random.Random(SEED)
        self._at_one_price = at_one_price
        self._placed = self._cancelled = 0
        self._open = array("q")  # Order ids, in eight bytes each: the memory is the exchange's.
        for command in opening(FEES_ONLY):
            self._exchange.apply(command)
        self._exchange.drain_changes()

    def build(self, resting: int) -> None:
        for done in range(resting):
            self._apply_place(self._place())
            if done % DRAIN_EVERY == 0:
                self._exchange.drain_changes()
        self._exchange.drain_changes()

    def time_pairs(self) -> tuple[float, float]:
        """Return the microseconds of a placing and of a cancelling; the book is as large after."""
        place_ns = cancel_ns = 0
        for _ in range(0, PAIRS, DRAIN_EVERY):
            places = [self._place() for _ in range(DRAIN_EVERY)]
            began_ns = time.process_time_ns()
            for place in places:
                self._apply_place(place)
            self._exchange.drain_changes()
            place_ns += time.process_time_ns() - began_ns
            cancels = list(self._cancels(DRAIN_EVERY))
            began_ns = time.process_time_ns()
            for cancel in cancels:
                event = self._exchange.apply(cancel)[0]
                assert isinstance(event, OrderCancelled), "what rests can be cancelled"
            self._exchange.drain_changes()
            cancel_ns += time.process_time_ns() - began_ns
        commands = -(-PAIRS // DRAIN_EVERY) * DRAIN_EVERY
        return place_ns / commands / US_NS, cancel_ns / commands / US_NS

    def _apply_place(self, place: PlaceOrder) -> None:
        event = self._exchange.apply(place)[0]
        assert isinstance(event, OrderAccepted), "everybody has funds and nothing crosses"
        assert event.account_id == _owner(event.order_id), "orders are numbered as they are placed"
        self._open.append(event.order_id)

    def _place(self) -> PlaceOrder:
        self._placed += 1
        side, price_ticks = Side.BUY, MIDDLE_TICKS
        if not self._at_one_price:
            side = self._draw.choice((Side.BUY, Side.SELL))
            away_ticks = self._draw.randint(1, LEVELS // 2)
            price_ticks += -away_ticks if side is Side.BUY else away_ticks
        return PlaceOrder(
            account_id=_owner(self._placed),
            idempotency_key=f"p{self._placed}",
            market=MARKET,
            side=side,
            price_ticks=price_ticks,
            quantity_lots=LOTS,
        )

    def _cancels(self, count: int) -> Iterator[CancelOrder]:
        for _ in range(count):
            slot = self._draw.randrange(len(self._open))
            order_id, self._open[slot] = self._open[slot], self._open[-1]
            self._open.pop()
            self._cancelled += 1
            yield CancelOrder(
                account_id=_owner(order_id),
                idempotency_key=f"c{self._cancelled}",
                order_id=order_id,
            )


def _owner(order_id: int) -> int:
    return order_id % ACCOUNTS + 1


def lines(figures: Sequence[SizeFigures]) -> Iterator[str]:
    """Yield the figures as a table for a person."""
    heads = ("resting", "at one price", "place us", "cancel us", "memory MiB")
    yield "  ".join(f"{head:>12}" for head in heads)
    for row in figures:
        where = "yes" if row.at_one_price else "no"
        cells = f"{row.resting:,}", where, row.place_us, row.cancel_us, row.memory_mib
        yield "  ".join(f"{cell:>12}" for cell in cells)

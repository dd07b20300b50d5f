"""The book of a market as everybody may see it: levels, grouped if wanted, encoded once.

The rule of this file: an encoded answer is kept with the depth sequence that it shows, and is given
again only to a read that has seen that very sequence as the committed one, since no level changes
without it. So what is kept is never old, however long it is kept.
"""

import asyncio
from collections import OrderedDict
from typing import NamedTuple
from weakref import WeakValueDictionary

from api.edge.answers import encoded
from api.edge.errors import ApiError
from api.reads.catalog import Catalog
from api.reads.store import Store
from shared.markets import format_price, format_quantity, parse_price
from shared.messages import Market, MarketState
from shared.money import AmountError
from shared.rest.market_data import Depth
from shared.rest.texts import Level
from shared.wire import decode

KEPT_MAX = 1_000  # Answers: the markets of a venue, by a few usual numbers of levels each.
KEPT_SIZE_MAX = 16_000_000  # Of all of them; a usual one has 5 kB, the largest 300 kB.


class Wanted(NamedTuple):
    """Which picture of a book; `group_ticks` is the step between its prices."""

    market: str
    levels: int
    group_ticks: int


class Kept(NamedTuple):
    """An encoded Depth, and the depth sequence that it shows."""

    sequence: int
    answer: bytes


class Depths:
    """Books as encoded answers."""

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self._store = store
        self._catalog = catalog
        self._kept: OrderedDict[Wanted, Kept] = OrderedDict()
        self._kept_size = 0
        self._locks: WeakValueDictionary[Wanted, asyncio.Lock] = WeakValueDictionary()

    async def answer(
        self, market: Market, levels: int, group_ticks: int, min_sequence: int
    ) -> bytes:
        """Return a Depth, encoded; raises ApiError."""
        wanted = Wanted(market.market, levels, group_ticks)
        _, (state,) = await self._store.read(
            ("HGET", self._store.keys.market_states, market.market), min_sequence=min_sequence
        )
        sequence = _depth_sequence(state)
        kept = self._kept.get(wanted)
        if kept is not None and kept.sequence == sequence:
            self._kept.move_to_end(wanted)
            return kept.answer
        # All who miss it wait for one of them to read it.
        lock = self._locks.setdefault(wanted, asyncio.Lock())
        async with lock:
            now = self._kept.get(wanted)
            if now is not None and now is not kept and now.sequence >= sequence:
                return now.answer  # It was read meanwhile, and shows what this read has seen.
            return await self._read(wanted, market)

    async def _read(self, wanted: Wanted, market: Market) -> bytes:
        keys = self._store.keys
        _, (rows, state) = await self._store.read(
            ("HGETALL", keys.depth(market.market)),
            ("HGET", keys.market_states, market.market),
        )
        sequence = _depth_sequence(state)
        base_scale = self._catalog.scale(market.base)
        bids, asks = (_levels(rows, side, wanted, market, base_scale) for side in (b"b", b"a"))
        answer = encoded(Depth(market.market, sequence, bids, asks))
        self._keep(wanted, Kept(sequence, answer))
        return answer

    def _keep(self, wanted: Wanted, kept: Kept) -> None:
        last = self._kept.pop(wanted, None)
        self._kept_size += len(kept.answer) - (len(last.answer) if last else 0)
        self._kept[wanted] = kept
        while len(self._kept) > KEPT_MAX or self._kept_size > KEPT_SIZE_MAX:
            _, dropped = self._kept.popitem(last=False)
            self._kept_size -= len(dropped.answer)


def group_ticks_of(market: Market, grouping: str | None) -> int:
    """Return the step between the prices of a grouped book, 1 for None; raises ApiError."""
    if grouping is None:
        return 1
    try:
        return parse_price(market, grouping)
    except AmountError:
        tick = format_price(market, 1)
        sentence = f"grouping is a multiple of the market's price_tick, {tick}."
        raise ApiError("INVALID_PARAMETER", sentence, field="grouping") from None


def _depth_sequence(state: bytes | None) -> int:
    return 0 if state is None else decode(state, MarketState).depth_sequence


def _levels(
    rows: dict[bytes, bytes], side: bytes, wanted: Wanted, market: Market, base_scale: int
) -> list[Level]:
    is_bids = side == b"b"
    step = wanted.group_ticks
    levels: dict[int, int] = {}
    for field, lots in rows.items():
        if field[:1] == side:
            ticks = int(field[1:])
            if step > 1:  # Bids go down and asks up, so that no price looks better than it is.
                ticks = ticks // step * step if is_bids else -(-ticks // step) * step
            levels[ticks] = levels.get(ticks, 0) + int(lots)
    best = sorted(levels, reverse=is_bids)[: wanted.levels]
    return [
        (format_price(market, ticks), format_quantity(market, base_scale, levels[ticks]))
        for ticks in best
    ]

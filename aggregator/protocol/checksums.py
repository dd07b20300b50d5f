"""Checksums of books: what a venue's is asked for, and the kinds over digits and over texts.

The rule of this file: it only reads a book, and it remembers how numbers are written, never that a
level is there: a checksum is always over the book as it stands.
"""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Protocol
from zlib import crc32

from aggregator.protocol.decimals import DECIMALS, Memory, to_text
from aggregator.protocol.notices import Instrument
from aggregator.protocol.updates import NONE, BookUpdate

# Digits of numbers already seen, of each side's prices and of quantities: many times the top of a
# book. There may be hundreds of books, and most quantities never come again.
DIGITS_REMEMBERED_MAX = 512
# Of whole levels as they were written, for as many as a book has.
TEXTS_REMEMBERED_MAX = 2_048
UNROLLED = 10  # Levels: so many every checksum of this kind is over that is known.


class Levels(Protocol):
    """One side of a book as a checksum reads it, without changing anything.

    `keys` are prices in units, of asks below zero, sorted with the best last; `quantities` has
    the quantity in units of each of them, none of them zero.
    """

    @property
    def keys(self) -> list[int]: ...

    @property
    def quantities(self) -> dict[int, int]: ...


class Checksum(Protocol):
    """What reckons a venue's checksum over one book. The desk makes one for each book it builds.

    It remembers what it has reckoned, so it must see every update.
    """

    def value(self, update: BookUpdate, bids: Levels, asks: Levels) -> int:
        """Return the checksum of the book as it is after this update; compare it with
        `update.checksum`.

        Call it once after each update of the book, in order: after its levels have been taken over
        and the book has been cut to the subscribed depth, also where `update.checksum` is NONE.
        A side of which `update` has no level is taken to be as it was at the call before; a
        snapshot begins anew.
        """


def decimals_of(instrument: Instrument | None) -> tuple[int, int]:
    """Return how many decimals prices and quantities have; 0: not known."""
    if instrument is None:
        return 0, 0
    price, quantity = instrument.price_tick, instrument.quantity_step
    return len(price.partition(".")[2]), len(quantity.partition(".")[2])


class DigitsChecksum:
    """CRC-32 over the best `levels_count` asks and then bids, best first: of each level the digits
    of its price and of its quantity at the symbol's precision, without point and leading zeros.

    With unknown decimals (0) the precision is what the snapshot's texts are padded to; what turns
    out finer than was told or seen raises it. A venue makes a symbol's coarser, too: a snapshot
    that would be right at the precision of its own texts is wrong still, and the next is reckoned
    so.
    """

    def __init__(
        self, levels_count: int, price_decimals: int = 0, quantity_decimals: int = 0
    ) -> None:
        self._levels_count = levels_count
        self._prices = _Digits(price_decimals)
        self._quantities = _Digits(quantity_decimals)
        self._asks_crc: int | None = None
        self._bids_digits: bytes | None = None

    def value(self, update: BookUpdate, bids: Levels, asks: Levels) -> int:
        if update.is_snapshot:
            self._learn([*update.bids, *update.asks])
        value = self._value(update, bids, asks)
        if update.is_snapshot and value != update.checksum:
            self._look_for_coarser(update, bids, asks)
        return value

    def _look_for_coarser(self, update: BookUpdate, bids: Levels, asks: Levels) -> None:
        before = self._prices.decimals, self._quantities.decimals
        self._set(0, 0)
        self._learn([*update.bids, *update.asks])
        if self._value(update, bids, asks) != update.checksum:
            self._set(*before)

    def _value(self, update: BookUpdate, bids: Levels, asks: Levels) -> int:
        try:
            if self._asks_crc is None or update.asks:
                self._asks_crc = crc32(self._digits(asks))
            if self._bids_digits is None or update.bids:
                self._bids_digits = self._digits(bids)
        except _FinerError:
            self._learn(_texts(bids) + _texts(asks))
            self._asks_crc = crc32(self._digits(asks))
            self._bids_digits = self._digits(bids)
        return crc32(self._bids_digits, self._asks_crc)

    def _digits(self, side: Levels) -> bytes:
        p, q, at = self._prices, self._quantities, side.quantities
        best = side.keys[: -self._levels_count - 1 : -1]
        if len(best) != UNROLLED:
            return "".join([p[key] + q[at[key]] for key in best]).encode()
        # As a loop, this takes twice the time, and it is done at every message.
        a, b, c, d, e, f, g, h, i, j = best
        return (
            f"{p[a]}{q[at[a]]}{p[b]}{q[at[b]]}{p[c]}{q[at[c]]}{p[d]}{q[at[d]]}{p[e]}{q[at[e]]}"
            f"{p[f]}{q[at[f]]}{p[g]}{q[at[g]]}{p[h]}{q[at[h]]}{p[i]}{q[at[i]]}{p[j]}{q[at[j]]}"
        ).encode()

    def _learn(self, levels: Sequence[tuple[str, str]]) -> None:
        self._set(
            max([self._prices.decimals, *_decimals(levels, 0)]),
            max([self._quantities.decimals, *_decimals(levels, 1)]),
        )

    def _set(self, price_decimals: int, quantity_decimals: int) -> None:
        self._prices, self._quantities = _Digits(price_decimals), _Digits(quantity_decimals)
        self._asks_crc = self._bids_digits = None


class TextsChecksum:
    """CRC-32, as a number with a sign, over the best `levels_count` bids and asks in turn, best
    first: `price:quantity` of each, as the venue has written them, with `:` between all.

    Where a side has fewer levels the other goes on alone. Nothing is reckoned for an update that
    has no checksum.
    """

    def __init__(self, levels_count: int) -> None:
        self._levels_count = levels_count
        self._price_of = Memory(TEXTS_REMEMBERED_MAX)
        # By key, of levels that are there and of some that have gone.
        self._bids: dict[int, str] = {}
        self._asks: dict[int, str] = {}

    def value(self, update: BookUpdate, bids: Levels, asks: Levels) -> int:
        if update.is_snapshot:
            self._bids, self._asks = {}, {}
        if update.checksum == NONE:
            return NONE
        price_of = self._price_of
        self._bids.update((price_of[p], f"{p}:{q}") for p, q in update.bids)
        self._asks.update((-price_of[p], f"{p}:{q}") for p, q in update.asks)
        pairs = zip_longest(self._best(bids, self._bids), self._best(asks, self._asks))
        text = ":".join([level for pair in pairs for level in pair if level])
        unsigned = crc32(text.encode())
        return unsigned - 2**32 if unsigned >= 2**31 else unsigned

    def _best(self, side: Levels, texts: dict[int, str]) -> list[str]:
        if len(texts) > TEXTS_REMEMBERED_MAX:
            for key in texts.keys() - side.quantities.keys():
                del texts[key]
        best = side.keys[: -self._levels_count - 1 : -1]
        return [texts.get(key) or _canonical(key, side.quantities[key]) for key in best]


def _canonical(key: int, quantity: int) -> str:
    return f"{to_text(abs(key))}:{to_text(quantity)}"


class _FinerError(LookupError):
    pass


class _Digits(dict[int, str]):
    def __init__(self, decimals: int) -> None:
        super().__init__()
        self.decimals = min(decimals, DECIMALS)
        self._factor: int = 10 ** (DECIMALS - self.decimals)

    def __missing__(self, units: int) -> str:
        number, rest = divmod(abs(units), self._factor)
        if rest:
            raise _FinerError
        if len(self) >= DIGITS_REMEMBERED_MAX:
            self.clear()
        digits = self[units] = str(number)
        return digits


def _decimals(levels: Sequence[tuple[str, str]], index: int) -> list[int]:
    return [len(level[index].partition(".")[2]) for level in levels]


def _texts(side: Levels) -> list[tuple[str, str]]:
    return [(to_text(key), to_text(quantity)) for key, quantity in side.quantities.items()]

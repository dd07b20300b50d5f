"""A live book as a row, so that a recording can begin in the middle of a connection.

The rule of this file: exact. What is read back is the same book, level by level and number by
number. Numbers are decimal texts with as many decimals as the venue writes, because some venues'
checksums are over the digits.
"""

import marshal
import zlib
from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec

from aggregator.books.listing import Listing
from aggregator.captures.rows import Row, RowKind, encode_row
from aggregator.protocol import BookUpdate, Change, Instrument, to_text

_DECODER = msgspec.json.Decoder(BookUpdate)


PACK_LEVEL = 1  # A third more than the usual level in a fifth of its time.


class PackedBook(NamedTuple):
    """A book as it stood, in few bytes. As text it takes a hundred times longer to make, and
    hardly any is ever wanted.
    """

    instrument: Instrument
    update: BookUpdate  # Without its levels.
    url: str
    at_ns: int
    connection: int
    levels: bytes

    def line(self) -> bytes:
        """Return its row."""
        bids, asks = marshal.loads(zlib.decompress(self.levels))
        update = msgspec.structs.replace(
            self.update,
            bids=_changes(self.instrument, bids, 1),
            asks=_changes(self.instrument, asks, -1),
        )
        text = msgspec.json.encode(update).decode()
        return encode_row(Row(self.at_ns, RowKind.BOOK, self.url, text, conn=self.connection))


def copy_book(listing: Listing, url: str, at_ns: int) -> Callable[[], PackedBook] | None:
    """Copy a book at once, and return what packs it, for another thread to call; None where it is
    not known what the venue calls the symbol.
    """
    instrument, book, connection = listing.instrument, listing.book, listing.connection
    if instrument is None:
        return None
    levels = book.bids.quantities.copy(), book.asks.quantities.copy()
    update = BookUpdate(
        instrument.delivered_as or instrument.symbol,
        (),
        (),
        is_snapshot=True,
        last_id=book.last_id,
        depth=book.levels.depth if book.levels.is_window else 0,
        is_whole=book.trusted_bid_key is None and book.trusted_ask_key is None,
        venue_at_ns=book.venue_at_ns,
    )

    def pack() -> PackedBook:
        packed = zlib.compress(marshal.dumps(levels), PACK_LEVEL)
        return PackedBook(instrument, update, url, at_ns, connection, packed)

    return pack


def read_checkpoint(row: Row) -> BookUpdate | None:
    """Return the book of a row as a snapshot; None if there is none in it."""
    try:
        return _DECODER.decode(row.body)
    except msgspec.DecodeError:
        return None


def _changes(instrument: Instrument, levels: dict[int, int], sign: int) -> list[Change]:
    prices = _padded((to_text(key * sign) for key in levels), instrument.price_tick)
    quantities = _padded(map(to_text, levels.values()), instrument.quantity_step)
    return list(zip(prices, quantities, strict=True))


def _padded(texts: Iterable[str], step: str) -> list[str]:
    parts = [text.partition(".") for text in texts]
    decimals = max([len(step.partition(".")[2]), *(len(part[2]) for part in parts)])
    if not decimals:
        return [whole for whole, _, _ in parts]
    return [f"{whole}.{fraction.ljust(decimals, '0')}" for whole, _, fraction in parts]

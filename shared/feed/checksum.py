"""The checksum by which a client proves that its book is the server's.

The rule of this file: it is over the texts as they are sent, so nothing has to be parsed or
rounded to compute it.
"""

import zlib
from collections.abc import Iterable
from itertools import chain, islice

from shared.feed.words import Level

CHECKED_LEVELS_MAX = 25  # Of each side: where trading happens, and cheap to check at each message.


def book_crc32(bids: Iterable[Level], asks: Iterable[Level]) -> int:
    """Return the CRC-32 (zlib) of the best 25 bids, then the best 25 asks, best first.

    Each level is written `price:quantity`, and a colon stands between levels: 100:3:99.95:1.
    An empty book is 0. Of a book with fewer levels, all are taken.
    """
    best = chain(islice(bids, CHECKED_LEVELS_MAX), islice(asks, CHECKED_LEVELS_MAX))
    return text_crc32(":".join([f"{level[0]}:{level[1]}" for level in best]))


def text_crc32(levels: str) -> int:
    """Return the same of the levels as they are written for it."""
    return zlib.crc32(levels.encode())

"""Which books belong together, and what it costs to take from each.

The rule of this file: books are joined only where one unit of them is the same thing. Spot and
futures of a pair are two things: a future that is dearer than the coin is no profit to be had by
trading. So are USD, USDT and USDC, unless the settings say that they are to be taken for one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

PPM = 1_000_000
SPOT = "spot"
# Quantities are contracts, which are worth something else at each venue: none joins another's.
OF_ITS_OWN = "inverse"


@dataclass(frozen=True)
class MergeOptions:
    """`quote_map` says by which quote asset another one is to be counted, `taker_fees_ppm` what a
    feed (`venue:market_type`) takes from who takes; nothing for a feed that is not named.
    """

    quote_map: Mapping[str, str] = field(default_factory=dict)
    taker_fees_ppm: Mapping[str, int] = field(default_factory=dict)

    def taker_fee_ppm(self, book: str) -> int:
        return self.taker_fees_ppm.get(feed_of(book), 0)


def feed_of(book: str) -> str:
    """Return `bybit:linear` of `bybit:linear:BTC/USDT`."""
    return book.rpartition(":")[0]


def consolidated_symbol(book: str, quote_map: Mapping[str, str]) -> str:
    """Return the name under which a book is consolidated: `BTC/USDT` for spot, and for any other
    market type `linear:BTC/USDT`; with the quote asset that the map gives for its own. A book
    that no other one joins keeps its own name.
    """
    feed, _, pair = book.rpartition(":")
    base, _, quote = pair.partition("/")
    market_type = feed.rpartition(":")[2]
    if market_type == OF_ITS_OWN:
        return book
    joined = f"{base}/{quote_map.get(quote, quote)}"
    return joined if market_type == SPOT else f"{market_type}:{joined}"

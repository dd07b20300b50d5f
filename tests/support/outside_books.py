"""Books of outside exchanges for tests: made of short tables, with no feed behind them.

The rule of this file: a test writes prices and quantities as decimal texts, as a person would.
"""

from collections.abc import Iterable

from aggregator.books.side import Side
from aggregator.protocol import to_units

Row = tuple[str, str]


class TableBook:
    """A book as consumers look at it: `Shown`."""

    def __init__(
        self,
        bids: Iterable[Row] = (),
        asks: Iterable[Row] = (),
        *,
        trusted_bid: str = "",
        trusted_ask: str = "",
    ) -> None:
        self.bids = Side(1)
        self.asks = Side(-1)
        self.bids.replace((to_units(price), to_units(quantity)) for price, quantity in bids)
        self.asks.replace((-to_units(price), to_units(quantity)) for price, quantity in asks)
        self.trusted_bid_key = to_units(trusted_bid) if trusted_bid else None
        self.trusted_ask_key = -to_units(trusted_ask) if trusted_ask else None

    def set_bid(self, price: str, quantity: str) -> int:
        """Change one level, and return its key."""
        return _change(self.bids, to_units(price), quantity)

    def set_ask(self, price: str, quantity: str) -> int:
        return _change(self.asks, -to_units(price), quantity)


def _change(side: Side, key: int, quantity: str) -> int:
    side.change([(key, to_units(quantity))])
    return key

"""`signals:<book>`: what the analyses say of a book.

The rule of this file: the books are looked at in turns, beside the frames. What is said of a book
is of a live one; when it is not live any more that is told at once, with no values.
"""

from collections import deque
from collections.abc import Callable, Iterable

import msgspec

from aggregator.analysis.signals import SignalDesk
from aggregator.books.words import BookState, Trade
from aggregator.outlet.listing import RANK_REST
from aggregator.outlet.sources import Listing
from shared.messages import Signals
from shared.publishing import Publisher

_encode = msgspec.json.Encoder().encode


# Reckoning takes longer than handling a frame, so no frame waits for it, and no two books' are
# reckoned at once.
LOOKS_A_SECOND = 5
TURNS_A_SECOND = 50
# Trades of one book that wait for its turn; with more, some hundred in a fifth of a second, they
# are taken in at once.
TRADES_WAITING_MAX = 200


class _Signals:
    def __init__(self, listing: Listing, say: Callable[[int, bytes], None]) -> None:
        self.listing = listing
        self.desk = SignalDesk()
        self.was_live = False
        self._say = say
        self._trades: list[Trade] = []

    def add_trade(self, trade: Trade) -> None:
        self._trades.append(trade)
        if len(self._trades) > TRADES_WAITING_MAX:
            self._take_in()

    def _take_in(self) -> None:
        trades, self._trades = self._trades, []
        for trade in trades:
            self.desk.add_trade(trade)

    def look(self, at_ns: int) -> None:
        self._take_in()
        listing = self.listing
        is_live = listing.state is BookState.LIVE
        values = self.desk.take(at_ns, listing.book if is_live else None)
        if values is None and self.was_live and not is_live:
            values = {}
        self.was_live = is_live
        if values is not None:
            said = Signals(at_ns=at_ns, book=listing.name, state=listing.state, values=values)
            self._say(at_ns, _encode(said))


class SignalsOutlet:
    """Publishes the signals of the books that it is told of."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._books: dict[str, _Signals] = {}
        self._turn: deque[_Signals] = deque()

    def add_book(self, listing: Listing) -> None:
        """Have signals of a book that is going to be followed."""
        channel = self._publisher.open_value(f"signals:{listing.name}")
        channel.rank = RANK_REST
        signals = self._books[listing.name] = _Signals(listing, channel.set)
        self._turn.append(signals)

    def add_trade(self, trade: Trade) -> None:
        """Take a trade, of a book that was added."""
        self._books[trade.book].add_trade(trade)

    def look(self, listings: Iterable[Listing], at_ns: int) -> None:
        """Say at once of which of these books there is nothing to say any more."""
        for listing in listings:
            signals = self._books[listing.name]
            if signals.was_live and listing.state is not BookState.LIVE:
                signals.look(at_ns)

    def pass_time(self, at_ns: int) -> None:
        """Publish what is due of the books whose turn it is; `TURNS_A_SECOND` times a second."""
        for _ in range(-(-len(self._turn) * LOOKS_A_SECOND // TURNS_A_SECOND)):
            self._turn[0].look(at_ns)
            self._turn.rotate(-1)

"""The listings of a feed: which pairs are wanted, and what the venue calls them.

The rule of this file: an unknown pair halts its own listing and nothing else.
"""

from collections.abc import Iterable, Sequence

from aggregator.books.listing import Listing
from aggregator.books.making import Maker
from aggregator.books.symbols import (
    by_pair,
    delivered_name,
    pair_of,
    twice_delivered,
    unknown_pair,
)
from aggregator.protocol import Connector, Instrument, Manifest


class Directory:
    """`listings` by pair, those wanted first in their order."""

    def __init__(
        self,
        connector: Connector,
        manifest: Manifest,
        maker: Maker,
        pairs: Sequence[str],
        *,
        guesses: bool,
    ) -> None:
        self._connector = connector
        self._manifest = manifest
        self._maker = maker
        self._pairs = tuple(pairs)
        self._guesses = guesses
        self._instruments: dict[str, Instrument] = {}  # By the name in messages.
        self._by_name: dict[str, Listing] = {}
        self.listings: dict[str, Listing] = {
            pair: maker.make_listing(pair, None) for pair in self._pairs
        }

    @property
    def symbols(self) -> list[str]:
        """What to subscribe to, as the venue wants to be asked."""
        return [
            listing.instrument.symbol
            for listing in self._by_name.values()
            if listing.instrument is not None
        ]

    def learn(self, instruments: Iterable[Instrument], at_ns: int) -> None:
        """Take over the venue's list, and find every pair in it that was not found before."""
        listed = by_pair(instruments)
        self._instruments.update(
            (delivered_name(instrument), instrument) for instrument in listed.values()
        )
        for pair in self._pairs:
            if self.listings[pair].instrument is None:
                self._find(pair, listed, at_ns)

    def name_of(self, symbol: str) -> str:
        """Return the name in messages of what was asked for as `symbol`."""
        for name, listing in self._by_name.items():
            if listing.instrument is not None and listing.instrument.symbol == symbol:
                return name
        return symbol

    def find(self, name: str) -> Listing | None:
        """Return the listing of a name in messages, guessing if that is allowed."""
        listing = self._by_name.get(name)
        if listing is not None or not self._guesses:
            return listing
        instrument = self._instruments.get(name)
        if instrument is None:
            instrument = self._connector.guess_instrument(self._manifest, name)
        if instrument is None:
            return None
        pair = pair_of(instrument)
        if self._pairs and pair not in self._pairs:
            return None
        known = self.listings.get(pair)
        if known is not None and known.instrument is not None:
            return None  # Another symbol of the same pair, such as a dated contract.
        return self._add(name, instrument)

    def _find(self, pair: str, listed: dict[str, Instrument], at_ns: int) -> None:
        instrument = listed.get(pair)
        listing = self.listings[pair]
        if instrument is None:
            listing.book.refuse(unknown_pair(self._manifest.feed, pair, listed), at_ns)
            return
        name = delivered_name(instrument)
        other = self._by_name.get(name)
        if other is not None:
            listing.book.refuse(twice_delivered(pair, other.pair, name), at_ns)
            return
        self._add(name, instrument)

    def _add(self, name: str, instrument: Instrument) -> Listing:
        pair = pair_of(instrument)
        listing = self.listings.get(pair)
        if listing is None:
            listing = self.listings[pair] = self._maker.make_listing(pair, instrument)
        listing.instrument = instrument
        self._by_name[name] = listing
        return listing

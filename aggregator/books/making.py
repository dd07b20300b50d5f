"""Making books: which symbol is which pair, and a new book with all that it needs.

The rule of this file: it makes and remembers nothing of what happens to what it made.
"""

from collections.abc import Callable

from aggregator.books.book import Book
from aggregator.books.evidence import (
    ChecksumProof,
    LevelCountProof,
    NoProof,
    OrderOrChecksumProof,
    OrderProof,
    Proof,
)
from aggregator.books.levels import Levels
from aggregator.books.listing import Listing
from aggregator.books.readers import QUANTITY_TEXTS_MAX, Readers
from aggregator.books.rules import BookRules
from aggregator.books.tape import Tape
from aggregator.books.timing import Stopwatch, TimedProof
from aggregator.books.touches import TouchProof
from aggregator.books.words import BookCounts
from aggregator.protocol import (
    Connector,
    Evidence,
    Instrument,
    Manifest,
    Memory,
    checksum_of,
)


class Maker:
    """Of one feed. With a stopwatch, the proofs of all its books are timed."""

    def __init__(
        self,
        connector: Connector,
        manifest: Manifest,
        rules: BookRules,
        stopwatch: Stopwatch | None = None,
    ) -> None:
        self.stopwatch = stopwatch
        self._connector = connector
        self._manifest = manifest
        self._rules = rules
        self._quantity_of = Memory(QUANTITY_TEXTS_MAX)

    def make_listing(self, pair: str, instrument: Instrument | None) -> Listing:
        """Return a listing that no connection feeds yet."""
        name = f"{self._manifest.feed}:{pair}"
        counts = BookCounts()
        book = self.make_book(instrument, counts, at_ns=0)
        return Listing(name, pair, instrument, book, Tape(name, self._quantity_of, counts))

    def make_book(self, instrument: Instrument | None, counts: BookCounts, *, at_ns: int) -> Book:
        readers = Readers(self._quantity_of)
        proof = self._make_proof(instrument, counts, readers)
        if self.stopwatch is not None:
            proof = TimedProof(proof, self.stopwatch)
        levels = Levels(self._rules, readers)
        return Book(self._rules, levels, proof, counts, at_ns=at_ns)

    def _make_proof(
        self, instrument: Instrument | None, counts: BookCounts, readers: Readers
    ) -> Proof:
        evidence = self._rules.evidence
        checksum = checksum_of(self._connector, instrument)
        if evidence is Evidence.CHAIN and checksum is not None:
            return OrderOrChecksumProof(counts, checksum)
        if evidence is Evidence.CHECKSUM:
            assert checksum is not None, f"{self._manifest.feed} has a checksum and no reckoning"
            return ChecksumProof(counts, checksum)
        if evidence is Evidence.TOUCH:
            return TouchProof(counts, readers.bid_of, readers.ask_of, readers.quantity_of)
        make = _SIMPLE.get(evidence, NoProof)
        return make(counts)


_SIMPLE: dict[Evidence, Callable[[BookCounts], Proof]] = {
    Evidence.LEVEL_COUNT: LevelCountProof,
    Evidence.CONNECTION_SEQUENCE: OrderProof,
    Evidence.CHAIN: OrderProof,
}

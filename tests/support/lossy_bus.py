"""A bus that loses, doubles and delays messages, and a producer that is started anew at random.

The rule of this file: everything happens by the given random numbers, and the producer keeps what
it was at every sequence, so whatever somebody shows can be compared with what was.
"""

import random
from collections.abc import Iterator

from shared.channels import Keys
from shared.publishing import BookChannel, BookNow, LogChannel, Publisher, ValueChannel
from shared.publishing.publisher import Message

Levels = dict[int, tuple[str, ...]]

BOOK, VALUE, LOG = "book:test:one", "price:one", "trades:test:one"
KEPT_ENTRIES = 6  # Few, so that a gap is at times longer than an image reaches back.


class LossyBus:
    """Messages in, messages out; with `fault_share` 0 they come as they were sent."""

    def __init__(self, chance: random.Random) -> None:
        self.fault_share = 0.0
        self._chance = chance
        self._late: list[Message] = []

    def pass_on(self, messages: list[Message]) -> Iterator[Message]:
        """Yield what arrives now of these, and of those that were delayed before."""
        for message in messages:
            if self._late and self._chance.random() < 0.2:
                yield self._late.pop(self._chance.randrange(len(self._late)))
            fault = self._chance.random()
            if fault < self.fault_share / 3:
                continue
            if fault < self.fault_share * 2 / 3:
                self._late.append(message)
                continue
            yield message
            if fault < self.fault_share:
                yield message
        if not self.fault_share:
            yield from self._late
            self._late.clear()


class RandomProducer:
    """One channel of each kind, changed at random. What it ever was is in `books`, `values` and
    `entries`, by sequence.
    """

    def __init__(self, keys: Keys, chance: random.Random) -> None:
        self._keys = keys
        self._chance = chance
        self._count = 0
        self.bids: Levels = {}
        self.asks: Levels = {}
        self.books: dict[int, tuple[Levels, Levels]] = {}
        self.values: dict[int, int] = {}
        self.entries: dict[int, int] = {}
        self.boot_us = 1_000
        self.start()

    def start(self) -> None:
        """Begin anew, with numbers above all before and a book of its own."""
        self.boot_us += 1_000_000
        self.publisher = Publisher("test", self._keys, boot_us=self.boot_us)
        if self._chance.random() < 0.5:
            self.bids, self.asks = {}, {}
        self.book: BookChannel = self.publisher.open_book(BOOK, self._image)
        self.value: ValueChannel = self.publisher.open_value(VALUE)
        self.log: LogChannel = self.publisher.open_log(LOG, kept=KEPT_ENTRIES)
        self.books[self.book.sequence] = (dict(self.bids), dict(self.asks))
        self.change_value()

    def reopen(self) -> None:
        """Close the book's channel, and open one of the same name."""
        self.publisher.close(self.book)
        if self._chance.random() < 0.5:
            self.bids, self.asks = {}, {}
        self.book = self.publisher.open_book(BOOK, self._image)
        self.books[self.book.sequence] = (dict(self.bids), dict(self.asks))

    def change(self) -> None:
        """Change something."""
        match self._chance.randrange(4):
            case 0 | 1:
                self.change_book()
            case 2:
                self.change_value()
            case 3:
                self._count += 1
                self.log.add(self._count, b"%d" % self._count)
                self.entries[self.log.sequence] = self._count

    def change_book(self) -> None:
        """Change some levels."""
        bids = self._some_levels(self.bids, 80, 99)
        asks = self._some_levels(self.asks, 101, 120)
        self._count += 1
        self.book.change(self._count, bids.items(), asks.items(), b"%d" % self._count)
        self.books[self.book.sequence] = (dict(self.bids), dict(self.asks))

    def change_value(self) -> None:
        """Say another value."""
        self._count += 1
        self.value.set(self._count, b"%d" % self._count)
        self.values[self.value.sequence] = self._count

    def _image(self) -> BookNow:
        return BookNow(self.bids.items(), self.asks.items(), b"%d" % self._count)

    def _some_levels(self, side: Levels, key_min: int, key_max: int) -> Levels:
        changed: Levels = {}
        for _ in range(self._chance.randrange(4)):
            key = self._chance.randint(key_min, key_max)
            texts = (str(key), str(self._chance.randint(1, 9)), "venue")
            changed[key] = () if key in side and self._chance.random() < 0.5 else texts
            if changed[key]:
                side[key] = changed[key]
            else:
                side.pop(key, None)
        return changed

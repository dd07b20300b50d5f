"""A copy of the exchange that does what was committed, once more, and compares.

The rule of this file: no I/O. It is given what the streams hold and either agrees byte for byte,
says at which entry it differs (`Difference`), or says that it was not given everything (`Lost`). It
never guesses and never skips.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from engine.batch import Applier
from engine.core.exchange import Exchange
from engine.core.invariants import check_changes
from engine.entries import Entry, skipped_numbers
from shared.messages import CommandSkipped
from shared.wire import DecodeError, decode_batch

_SKIPPED_TAG = b"command_skipped"


class Difference(Exception):
    """What was committed is not what the journal makes of it; the text is one sentence that names
    the entry, which is `n`.
    """

    def __init__(self, n: int, sentence: str) -> None:
        super().__init__(sentence)
        self.n = n


class Lost(Exception):
    """What follows our position is not there: it was trimmed, or somebody took it out."""


class JournalLost(Lost):
    """It is the journal that lacks it."""


class EventsLost(Lost):
    """It is the events that lack it."""


class WentBack(Lost):
    """The ledger is at an earlier position than we: it was emptied, or put back from a backup."""


class Follower:
    """An exchange in memory, its position, and the hash over all events so far."""

    def __init__(self, exchange: Exchange, chain: bytes) -> None:
        self._applier = Applier(exchange, chain)

    @property
    def exchange(self) -> Exchange:
        return self._applier.exchange

    @property
    def chain(self) -> bytes:
        return self._applier.chain

    @property
    def position(self) -> int:
        return self.exchange.n

    @property
    def sequence(self) -> int:
        return self.exchange.sequence

    def follow(self, packed: bytes, entries: Iterator[Entry], ahead: Iterable[Entry]) -> None:
        """Apply one committed batch; `entries` goes on where the last batch ended, and `ahead` are
        all entries behind our position, read only if an order to skip may be among them.

        Raises Difference or Lost, and is of no use afterwards.
        """
        before = self.position
        length = batch_length(packed)
        if not length:
            raise Difference(before + 1, _unreadable(before + 1))
        own = list(islice(entries, length))
        if [entry.n for entry in own] != list(range(before + 1, before + 1 + length)):
            raise JournalLost(f"The journal lacks entry {before + 1}.")
        if _SKIPPED_TAG in packed and _has_skips(packed):
            skips = skipped_numbers(ahead)
            self._applier = Applier(self.exchange, self.chain, skips)
        try:
            batch = self._applier.apply(own)
            check_changes(self.exchange, self.exchange.drain_changes())
        except MemoryError:
            raise  # That says something of this machine, and nothing of the venue.
        except Exception as error:  # Whatever it was: the engine has carried it out, we cannot.
            n = self._applier.applying_n or own[-1].n
            reason = str(error) or type(error).__name__
            raise Difference(
                n, f"entry {n} is committed, but cannot be carried out once more ({reason})"
            ) from error
        if batch.packed_events() != packed:
            raise _difference(before, packed, batch.packed_events())

    def check_chain(self, chain: str) -> None:
        """Compare with the chain (hex) that stands in the ledger for our position."""
        if self.chain.hex() != chain:
            raise Difference(
                self.position, f"the chain in the ledger is another one at entry {self.position}"
            )


def batch_length(packed: bytes) -> int:
    """Return how many entries a batch of events stands for, 0 if it cannot be read."""
    try:
        return len(msgspec.msgpack.decode(packed, type=list[msgspec.Raw]))
    except msgspec.DecodeError:
        return 0


def _has_skips(packed: bytes) -> bool:
    """Whether an entry was passed over; the tag may also be a name that a client has chosen."""
    try:
        told = decode_batch(packed)
        return any(isinstance(event, CommandSkipped) for a in told for event in a.events)
    except DecodeError:
        return False  # It will differ from what we make of it.


def _unreadable(n: int) -> str:
    return f"the events of entry {n} cannot be read"


def _difference(before: int, packed: bytes, ours: bytes) -> Exception:
    own = list(decode_batch(ours))
    try:
        told = list(decode_batch(packed))
    except DecodeError:
        return Difference(before + 1, _unreadable(before + 1))
    if told[0].n > before + 1:
        return EventsLost(f"The events of entry {before + 1} are gone.")
    n = next((a.n for a, b in zip(own, told, strict=False) if a != b), before + 1)
    return Difference(n, f"the events of entry {n} are not what the journal makes of it")

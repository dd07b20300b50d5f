"""One batch: from journal entries to what the commit writes and what is said afterwards.

The rule of this file: no I/O. Entries are applied one by one; nothing of a batch depends on where
it was cut.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec import Raw

from engine.core.exchange import Exchange
from engine.entries import Decoded, Entry, decode_entry
from engine.results import result_of
from engine.rows import ARRAY32
from shared.messages import Applied, Event
from shared.wire import NOBODY, DecodeError, encode

EVENTS_SIZE_MAX = 4 * 1024 * 1024  # About 20,000 trades; what follows is another commit.
CHAIN_SIZE = 32  # Bytes of the hash that ties every event to all before it.


@dataclass(slots=True)
class Batch:
    """What a run of entries came to; `chain` is the hash after the last of them."""

    chain: bytes
    position: int = 0
    events: list[bytes] = field(default_factory=list)
    results: dict[int, bytes] = field(default_factory=dict)
    replies: dict[str, list[tuple[int, int, Raw | None]]] = field(default_factory=dict)
    dead: list[bytes] = field(default_factory=list)

    def packed_events(self) -> bytes:
        """Return the msgpack list of all `Applied`, of the very bytes that the chain is over."""
        return b"".join((ARRAY32, len(self.events).to_bytes(4, "big"), *self.events))


def next_chain(chain: bytes, applied: bytes) -> bytes:
    """Return the hash over all events so far, entry by entry, however they were batched."""
    return hashlib.blake2b(chain + applied, digest_size=CHAIN_SIZE).digest()


class Applier:
    """Applies entries to one exchange; `applying_n` is the entry at hand, 0 between batches."""

    def __init__(self, exchange: Exchange, chain: bytes, skips: Iterable[int] = ()) -> None:
        self.exchange = exchange
        self.chain = chain
        self.applying_n = 0
        self._skips = set(skips)

    def apply(self, entries: Iterable[Entry]) -> Batch:
        """Apply entries in order; the first must follow the exchange's position.

        It stops early at EVENTS_SIZE_MAX, so that a commit stays within what Redis takes; the
        entries behind `position` of the batch come again with the next read.
        """
        batch = Batch(self.chain)
        size = 0
        for entry in entries:
            if size > EVENTS_SIZE_MAX:
                break
            assert entry.n == self.exchange.n + 1, f"The journal lacks entry {self.exchange.n + 1}."
            self.applying_n = entry.n
            self._apply(entry, batch)
            size += len(batch.events[-1])
        self.applying_n = 0
        batch.position = self.exchange.n
        self.chain = batch.chain
        return batch

    def _apply(self, entry: Entry, batch: Batch) -> None:
        try:
            decoded = decode_entry(entry)
        except DecodeError:
            decoded = None
            batch.dead.append(entry.payload)
        events = self._events(entry, decoded)
        applied = encode(Applied(self.exchange.n, self.exchange.at_ns, tuple(events)))
        batch.chain = next_chain(batch.chain, applied)
        batch.events.append(applied)
        if decoded is not None:
            self._answer(decoded, events, batch)

    def _events(self, entry: Entry, decoded: Decoded | None) -> list[Event]:
        if entry.n in self._skips and decoded is not None:
            return self.exchange.skip(
                entry.n, entry.at_ns, command=decoded.command, fingerprint=decoded.fingerprint
            )
        if entry.n in self._skips:
            return self.exchange.skip(entry.n, entry.at_ns)
        if decoded is None:
            return self.exchange.unreadable(entry.n, entry.at_ns)
        return self.exchange.apply(
            decoded.command, n=entry.n, at_ns=entry.at_ns, fingerprint=decoded.fingerprint
        )

    def _answer(self, decoded: Decoded, events: list[Event], batch: Batch) -> None:
        n = self.exchange.n
        result = result_of(self.exchange, events, decoded.fingerprint)
        reply: Raw | None = None
        if result is not None:  # Encoded now, for the order in it lives on with the next entry.
            batch.results[n] = encode(result)
            reply = Raw(batch.results[n])
        if decoded.gateway == NOBODY:
            return
        batch.replies.setdefault(decoded.gateway, []).append((decoded.request_id, n, reply))

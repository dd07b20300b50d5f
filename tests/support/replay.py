"""The last judge of a run: its journal, applied from zero by a fresh exchange.

The rule of this file: what was published, what is stored and what the rows say must be exactly
what the replay gives, byte for byte; nothing is compared with itself.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from engine.batch import Applier
from engine.core import invariants
from engine.core.changes import Rows
from engine.core.exchange import Exchange, Limits
from engine.entries import Entry, decode_entry, entry_of, skipped_numbers
from engine.redis_link import RedisLink
from engine.rows import Call, Meta, load_meta, load_rows
from shared.archive import read_records
from shared.channels import Keys, result_field
from shared.messages import Event, Reject
from shared.wire import CommandResult, DecodeError, decode, decode_batch

NOT_EXECUTED = (Reject.IDEMPOTENCY_MISMATCH, Reject.COMMAND_SKIPPED)
LEVELS_MAX = 1_000_000  # More than any test's book has.


@dataclass(frozen=True)
class Record:
    """What a run left behind: the journal, the packed events of each commit, and the rows."""

    entries: list[Entry]
    batches: list[bytes]
    meta: Meta
    rows: Rows
    results: dict[bytes, bytes]
    depth: dict[str, dict[bytes, bytes]]


@dataclass(frozen=True)
class Replayed:
    """The exchange that the journal makes; events and answers by entry number."""

    exchange: Exchange
    events: dict[int, tuple[Event, ...]]
    results: dict[int, bytes]


def read_record(redis_url: str, venue: str, archive: Path | None = None) -> Record:
    """Read a run that has come to rest: the streams of the archive, or (None) those in Redis."""
    keys, link = Keys(venue), RedisLink(redis_url)
    link.open()
    try:
        return record_of(link.call, keys, archive)
    finally:
        link.close()


def record_of(call: Call, keys: Keys, archive: Path | None = None) -> Record:
    """Read a run through `call`, which sends one command and returns its response."""
    meta = load_meta(call, keys)
    rows = load_rows(call, keys, meta)
    journal, events = (call("XRANGE", key, "-", "+") for key in (keys.journal, keys.events))
    assert isinstance(journal, list)
    assert isinstance(events, list)
    entries = [entry_of(name, fields) for name, fields in journal]
    batches = [fields[1] for _, fields in events]
    if archive is not None:
        entries = [
            Entry(record.number, record.clock_us * 1_000, record.payload)
            for record in read_records(archive, "journal")
        ]
        batches = [record.payload for record in read_records(archive, "events")]
    results = _pairs(call("HGETALL", keys.results))
    depth = {
        market.market: _pairs(call("HGETALL", keys.depth(market.market))) for market in rows.markets
    }
    return Record(entries, batches, meta, rows, results, depth)


def _pairs(response: object) -> dict[bytes, bytes]:
    assert isinstance(response, list), "a hash comes as a list of names and values"
    return dict(zip(response[::2], response[1::2], strict=True))


def check_replay(
    record: Record, limits: Limits | None = None, skips: set[int] | None = None
) -> Replayed:
    """Raise AssertionError unless a replay from zero gives what the run published and stored.

    `skips` are the entries passed over, where the journal of the record does not tell them all.
    """
    limits = limits or Limits()
    entries = record.entries
    assert [entry.n for entry in entries] == list(range(1, len(entries) + 1)), "The journal skips."
    assert record.meta.position == len(entries), (
        f"{len(entries)} entries are journalled, {record.meta.position} are carried out."
    )
    applier = Applier(Exchange(limits), b"", skips or skipped_numbers(entries))
    events, results = _replay_batches(applier, record)
    exchange = applier.exchange
    assert applier.chain == record.meta.chain, "The chain of the replay is another one."
    assert exchange.sequence == record.meta.sequence
    invariants.check(exchange)
    restored = Exchange.restore(record.rows, limits)
    invariants.check(restored)
    assert restored.state_hash() == exchange.state_hash(), "The rows give another state."
    assert sorted_rows(exchange.rows()) == sorted_rows(record.rows), "The rows differ."
    remembered = {
        result_field(key.account_id, key.key).encode(): results[key.n]
        for key in record.rows.remembered_keys
    }
    assert record.results == remembered, "A stored answer is not what the replay answers."
    for market, rows in record.depth.items():
        assert rows == _depth_rows(exchange, market), f"The depth rows of {market} differ."
    check_executed_once(entries, results)
    return Replayed(exchange, events, results)


def _depth_rows(exchange: Exchange, market: str) -> dict[bytes, bytes]:
    depth = exchange.depth(market, LEVELS_MAX)
    levels = [("b", *level) for level in depth.bids] + [("a", *level) for level in depth.asks]
    return {f"{side}{price}".encode(): f"{lots}".encode() for side, price, lots in levels}


def _replay_batches(
    applier: Applier, record: Record
) -> tuple[dict[int, tuple[Event, ...]], dict[int, bytes]]:
    """Apply the journal in the batches that were committed; return all events and results."""
    events: dict[int, tuple[Event, ...]] = {}
    results: dict[int, bytes] = {}
    position = 0
    for packed in record.batches:
        told = decode_batch(packed)
        batch = applier.apply(record.entries[position : position + len(told)])
        assert batch.packed_events() == packed, (
            f"The events of the commit behind entry {position} are not what the replay gives."
        )
        position += len(told)
        results |= batch.results
        events |= {applied.n: applied.events for applied in told}
    assert position == len(record.entries), "Committed entries lack their events."
    return events, results


def check_executed_once(entries: Iterable[Entry], results: dict[int, bytes]) -> None:
    """Raise unless each idempotency key was carried out at most once.

    Repeats have no answer of their own, and a key with other parameters is refused.
    """
    executed: Counter[tuple[int, str]] = Counter()
    for entry in entries:
        try:
            command = decode_entry(entry).command
        except DecodeError:
            continue
        answer = decode(results[entry.n], CommandResult) if entry.n in results else None
        if command.idempotency_key and answer is not None and answer.code not in NOT_EXECUTED:
            executed[command.account_id, command.idempotency_key] += 1
    twice = {key: count for key, count in executed.items() if count > 1}
    assert not twice, f"Carried out more than once: {twice}."


def sorted_rows(rows: Rows) -> dict[str, object]:
    """Return the rows in one order, for comparing.

    Who has nothing of an asset may have a row that says so, or none; both say the same.
    """
    parts: dict[str, object] = {}
    for name in Rows.__dataclass_fields__:
        value = getattr(rows, name)
        if isinstance(value, list):
            value = sorted(value, key=repr)
        parts[name] = value
    parts["balances"] = {key: has for key, has in rows.balances.items() if has != (0, 0)}
    return parts

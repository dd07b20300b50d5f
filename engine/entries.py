"""Journal entries as they come from Redis.

The rule of this file: an entry is never lost and never crashes its reader; bytes that cannot be
decoded are an entry too.
"""

from collections.abc import Iterable

from msgspec import Struct

from shared.messages import Command, SkipCommand
from shared.wire import (
    WIRE_VERSION,
    DecodeError,
    Envelope,
    decode_command,
    decode_envelope,
    fingerprint,
)

_SKIP_TAG = b"skip_command"


class Entry(Struct, frozen=True, gc=False):
    """Entry `n` of the journal, stamped by the Redis clock, its payload as it was written."""

    n: int
    at_ns: int
    payload: bytes


class Decoded(Struct, frozen=True, gc=False):
    """What an entry asks for, and whom to answer."""

    gateway: str
    request_id: int
    fingerprint: bytes
    command: Command


def entry_of(entry_id: bytes, fields: list[bytes]) -> Entry:
    """Return the entry that the enqueue script wrote: id `n-0`, fields t and b in this order."""
    _t, clock_us, _b, payload = fields
    return Entry(int(entry_id[:-2]), int(clock_us) * 1_000, payload)


def decode_entry(entry: Entry) -> Decoded:
    """Return what the entry asks for; raises DecodeError, also for another wire version."""
    envelope: Envelope = decode_envelope(entry.payload)
    if envelope.version != WIRE_VERSION:
        raise DecodeError(f"wire version {envelope.version}", entry.payload)
    return Decoded(
        envelope.gateway,
        envelope.request_id,
        fingerprint(envelope.command),
        decode_command(envelope.command),
    )


def skipped_numbers(entries: Iterable[Entry]) -> set[int]:
    """Return the numbers that skip commands among these entries name.

    An order to skip stands behind the entry it names, so whoever executes entries looks ahead
    first.
    """
    numbers = set()
    for entry in entries:
        if _SKIP_TAG not in entry.payload:
            continue
        try:
            command = decode_entry(entry).command
        except DecodeError:
            continue
        if isinstance(command, SkipCommand) and command.skip_n < entry.n:
            numbers.add(command.skip_n)
    return numbers

"""Batches of events as links of one chain: each begins where the one before it ends.

The rule of this file: no I/O. Events are numbered without a gap, and so are journal entries, and
journal time does not go back; what does not fit is never taken over.
"""

import hashlib
from typing import NamedTuple

from history.projection.rows import CursorRow
from shared.messages import Applied
from shared.wire import DecodeError, decode_batch

DIGEST_SIZE = 16  # Bytes: it tells times of one venue apart, and nobody gains by forging it.
BEGINNING = CursorRow(sequence=0, n=0, at_ns=0, batch_digest="")


class Missing(Exception):
    """What follows is not where it was looked for; the text is one sentence."""


class OtherVenue(Exception):
    """The events are of another venue than the history, or of another time of it; the text is one
    sentence for the operator.
    """


class Link(NamedTuple):
    """A batch that follows, and the cursor behind it."""

    applied: list[Applied]
    cursor: CursorRow
    events: int
    size: int


def digest_of(payload: bytes) -> str:
    """Return what a cursor keeps of the batch that it is behind."""
    return hashlib.blake2b(payload, digest_size=DIGEST_SIZE).hexdigest()


def link(payload: bytes, after: CursorRow) -> Link:
    """Return the batch as what follows `after`; raises Missing, or OtherVenue for a batch that has
    begun before it.
    """
    try:
        batch = decode_batch(payload)
    except DecodeError as error:
        raise Missing(
            f"The events behind {after.sequence} cannot be read ({error}): they may be of a newer "
            "program than this one."
        ) from error
    sequence, n, at_ns = after[:3]
    for applied in batch:
        n += 1
        if applied.n != n:
            raise _misfit(after, applied, f"journal entry {n}")
        assert applied.at_ns >= at_ns, f"journal time goes back at entry {n}"
        at_ns = applied.at_ns
        for event in applied.events:
            sequence += 1
            if event.sequence != sequence:
                raise _misfit(after, applied, f"event {sequence}")
    cursor = CursorRow(sequence, n, at_ns, digest_of(payload))
    return Link(batch, cursor, sequence - after.sequence, len(payload))


def _misfit(after: CursorRow, found: Applied, wanted: str) -> Exception:
    if found.n <= after.n:
        return OtherVenue(
            f"The history ends with event {after.sequence} of journal entry {after.n}, where no "
            "batch of this venue ends: it is of another venue, or of another time of this one."
        )
    return Missing(f"Behind event {after.sequence} of the history, {wanted} is missing.")

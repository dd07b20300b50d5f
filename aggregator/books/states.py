"""What a book can become, and by what: a table.

The rule of this file: a pair that is not in the table cannot happen, and is a fault of ours.
"""

from enum import StrEnum

from aggregator.books.words import BookState


class Step(StrEnum):
    KEPT = "kept"  # An update came before there was a snapshot.
    SNAPSHOT = "snapshot"  # One has come that its updates have not reached yet.
    JOINED = "joined"  # Snapshot and updates fit, and the evidence agrees.
    QUIET = "quiet"  # Nothing has come for too long.
    WRONG = "wrong"  # Something is missing, or the evidence does not agree.
    REFUSED = "refused"
    HEARD = "heard"  # Something of what was refused has come.


_S = BookState
NEXT: dict[tuple[BookState, Step], BookState] = {
    (_S.EMPTY, Step.KEPT): _S.BUFFERING,
    (_S.BUFFERING, Step.KEPT): _S.BUFFERING,
    (_S.SYNCING, Step.KEPT): _S.SYNCING,
    (_S.RESYNC, Step.KEPT): _S.RESYNC,
    (_S.EMPTY, Step.SNAPSHOT): _S.SYNCING,
    (_S.BUFFERING, Step.SNAPSHOT): _S.SYNCING,
    (_S.RESYNC, Step.SNAPSHOT): _S.SYNCING,
    (_S.EMPTY, Step.JOINED): _S.LIVE,
    (_S.BUFFERING, Step.JOINED): _S.LIVE,
    (_S.SYNCING, Step.JOINED): _S.LIVE,
    (_S.LIVE, Step.JOINED): _S.LIVE,
    (_S.STALE, Step.JOINED): _S.LIVE,
    (_S.RESYNC, Step.JOINED): _S.LIVE,
    (_S.LIVE, Step.QUIET): _S.STALE,
    **{(state, Step.WRONG): _S.RESYNC for state in BookState if state is not _S.HALTED},
    (_S.HALTED, Step.HEARD): _S.RESYNC,
    **{(state, Step.REFUSED): _S.HALTED for state in BookState},
}

# Its levels are a book: complete, joined, and every update since taken over.
WHOLE = frozenset({BookState.LIVE, BookState.STALE})

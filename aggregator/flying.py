"""The flight recorder of a process, and what is done when a book was found wrong.

The rule of this file: it connects; what is kept, and for how long, is the recorder's.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from aggregator.books.desk import Desk
from aggregator.books.effects import Mismatch
from aggregator.captures.flights import FlightRecorder
from aggregator.captures.ring import RING_BYTES_MAX
from shared.logs import get_logger

# Of all feeds together, compressed: one process has 100 MB for everything.
RINGS_BYTES_MAX = 3 << 20

_log = get_logger(__name__)


def make_flight_recorder(
    desks: Sequence[Desk], folder: Path, bundles_max: int
) -> FlightRecorder | None:
    """Return a recorder for these desks; None where nothing is to be kept."""
    if not bundles_max or not desks:
        return None
    share = min(RINGS_BYTES_MAX // len(desks), RING_BYTES_MAX)
    return FlightRecorder(folder, desks, bundles_max=bundles_max, ring_bytes_max=share)


def note_mismatch(recorder: FlightRecorder | None) -> Callable[[Mismatch], None]:
    """Return what is to be done when a book was found wrong."""

    def note(mismatch: Mismatch) -> None:
        path = recorder.mismatch(mismatch) if recorder is not None else None
        written = str(path) if path is not None else ""
        _log.warning("book_wrong", book=mismatch.book, reason=mismatch.reason, written=written)

    return note

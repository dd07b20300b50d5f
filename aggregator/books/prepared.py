"""A snapshot whose numbers were read elsewhere, so that it is taken over in no time.

The rule of this file: it runs in another process than the books, so what it gives is plain and
small: sorted keys and quantities, cut to what would be kept.
"""

from collections.abc import Iterable, Sequence

from aggregator.books.readers import NO_EDGE, Readers, read_levels
from aggregator.books.rules import CUT_FACTOR
from aggregator.protocol import NONE, BookUpdate, Change, DecimalError, Memory, Update

# A smaller snapshot is read in a millisecond.
LEVELS_WORTH_IT = 500


class PreparedSide:
    """What a `Side` takes over as it is. `is_cut`: there are levels beyond the worst of these."""

    __slots__ = ("is_cut", "keys", "quantities")

    def __init__(self, keys: list[int], quantities: dict[int, int], *, is_cut: bool) -> None:
        self.keys = keys
        self.quantities = quantities
        self.is_cut = is_cut


class PreparedSnapshot(BookUpdate, kw_only=True, gc=False):
    """A snapshot with sides in the place of texts; `bids` and `asks` are empty."""

    bid_side: PreparedSide
    ask_side: PreparedSide


def prepare(updates: Iterable[Update], levels_kept: int) -> list[Update]:
    """Return the updates of a frame or an answer with its large snapshots prepared.

    `levels_kept` is the feed's, `desk.rules.levels_kept`. A snapshot that cannot be read stays as
    it is: the book will find and count what is wrong with it. One with a checksum stays, too: its
    digits are needed.
    """
    return [_prepare(update, levels_kept) for update in updates]


def _prepare(update: Update, levels_kept: int) -> Update:
    if type(update) is not BookUpdate or not update.is_snapshot or update.checksum != NONE:
        return update
    if len(update.bids) + len(update.asks) < LEVELS_WORTH_IT:
        return update
    try:
        return _prepared(update, levels_kept)
    except DecimalError:
        return update


def _prepared(update: BookUpdate, levels_kept: int) -> PreparedSnapshot:
    readers = Readers()
    return PreparedSnapshot(
        symbol=update.symbol,
        bids=(),
        asks=(),
        is_snapshot=True,
        first_id=update.first_id,
        last_id=update.last_id,
        previous_id=update.previous_id,
        depth=update.depth,
        is_whole=update.is_whole,
        venue_at_ns=update.venue_at_ns,
        bid_side=_side(update.bids, readers.bid_of, readers.quantity_of, levels_kept),
        ask_side=_side(update.asks, readers.ask_of, readers.quantity_of, levels_kept),
    )


def _side(
    changes: Sequence[Change], key_of: Memory, quantity_of: Memory, levels_kept: int
) -> PreparedSide:
    side = read_side(changes, key_of, quantity_of)
    if len(side.keys) <= levels_kept * CUT_FACTOR:
        return side
    kept = side.keys[-levels_kept:]
    return PreparedSide(kept, {key: side.quantities[key] for key in kept}, is_cut=True)


def read_side(changes: Sequence[Change], key_of: Memory, quantity_of: Memory) -> PreparedSide:
    """Return a snapshot's side; levels without a quantity are none. Raises DecimalError."""
    levels = read_levels(changes, key_of, quantity_of, NO_EDGE)
    quantities = {key: quantity for key, quantity in levels if quantity}
    return PreparedSide(sorted(quantities), quantities, is_cut=False)

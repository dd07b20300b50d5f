"""A shelf that keeps rows as a database does, by their keys, and gives a new recording its start.

The rule of this file: what is added once is refused the second time; what is now is replaced.
"""

from collections.abc import Iterable, Mapping
from random import Random
from typing import NamedTuple, TypeVar

from history.projection.batch import Batch
from history.projection.living import LIVING
from history.projection.recording import Recording
from history.projection.rows import CandleRow
from shared.messages import Applied

Row = TypeVar("Row", bound=NamedTuple)
# The columns by which a row has its name for ever.
KEYS = {
    "trades": ("market", "trade_id"),
    "fills": ("account_id", "sequence", "role"),
    "order_changes": ("order_id", "sequence"),
    "ledger": ("account_id", "asset", "sequence", "leg"),
    "deposits": ("sequence",),
    "rejections": ("sequence",),
    "venue_events": ("sequence",),
}


class Shelf(Batch):
    """All rows so far: the lists in the order in which they came."""

    def __init__(self) -> None:
        super().__init__()
        self._candles: dict[tuple[str, int, int], CandleRow] = {}
        self._seen: set[tuple[object, ...]] = set()

    def write(self, batch: Batch) -> None:
        """Put the rows of a batch to the others."""
        for name, columns in KEYS.items():
            rows = getattr(batch, name)
            for row in rows:
                key = name, *(getattr(row, column) for column in columns)
                assert key not in self._seen, f"There are two {key}."
                self._seen.add(key)
            getattr(self, name).extend(rows)
        names = {(row.market, row.interval_s, row.open_at_ns) for row in batch.candles}
        assert len(names) == len(batch.candles), "A candle is written twice."
        for candle in batch.candles:
            self._candles[candle.market, candle.interval_s, candle.open_at_ns] = candle
        self.candles = sorted(self._candles.values())
        for name in ("orders", "withdrawals", "markets", "assets"):
            _replace(getattr(self, name), getattr(batch, name))

    def recording(self) -> Recording:
        """Return a recording that begins with what is here."""
        living = [order for order in self.orders.values() if order.status in LIVING]
        newest = {(row.interval_s, row.market): row for row in self.candles}
        # A database gives them in no order; in this one the markets take turns.
        in_turns = [newest[key] for key in sorted(newest)]
        return Recording(self.markets.values(), living, in_turns)


def _replace(rows: dict[object, object], newer: Mapping[object, object]) -> None:
    rows.update(newer)


def recorded(applied: Iterable[Applied], cuts: Random | None = None) -> Shelf:
    """Record entries as one batch, or in batches of random size with a new start now and then."""
    shelf, recording = Shelf(), Recording()
    for each in applied:
        recording.take(each)
        if cuts is not None and cuts.random() < 0.2:
            shelf.write(recording.finish())
            if cuts.random() < 0.2:
                recording = shelf.recording()
    shelf.write(recording.finish())
    return shelf

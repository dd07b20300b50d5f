"""What the recorder counts.

The rule of this file: every label comes from the program, none from an event.
"""

import dataclasses
import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.exposition import generate_latest

from history.projection.batch import Batch

STAGES = ("project", "write", "publish")


class Figures:
    """The figures of one recorder, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._events = Counter(
            "rialto_history_events_total", "Events that are written.", registry=registry
        )
        self._trades = Counter(
            "rialto_history_trades_total", "Trades that are written.", registry=registry
        )
        self._rows = Counter(
            "rialto_history_rows_total", "Rows that are written.", ("table",), registry=registry
        )
        self._batches = Counter(
            "rialto_history_batches_total", "Transactions that are written.", registry=registry
        )
        self._seconds = Counter(
            "rialto_history_seconds_total",
            "Time that the recorder has spent.",
            ("stage",),
            registry=registry,
        )
        self._retries = Counter(
            "rialto_history_write_retries_total",
            "Transactions that the database did not take at once.",
            registry=registry,
        )
        self.lag_events = Gauge(
            "rialto_history_lag_events", "Events of the venue not written yet.", registry=registry
        )
        self.lag_s = Gauge(
            "rialto_history_lag_seconds",
            "Journal time between the venue's last entry and the last one written.",
            registry=registry,
        )
        self.sequence = Gauge(
            "rialto_history_sequence", "The last event that is written.", registry=registry
        )
        self.late_entries = Gauge(
            "rialto_history_late_entries",
            "Entries with a time before the watermark: a clock of Redis that was set back.",
            registry=registry,
        )
        for stage in STAGES:
            self._seconds.labels(stage)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the time of the block."""
        begun_s = time.perf_counter()
        try:
            yield
        finally:
            self._seconds.labels(name).inc(time.perf_counter() - begun_s)

    def written(self, batch: Batch, events: int) -> None:
        """Count a transaction."""
        self._batches.inc()
        self._events.inc(events)
        self._trades.inc(len(batch.trades))
        for field in dataclasses.fields(batch):
            self._rows.labels(field.name).inc(len(getattr(batch, field.name)))

    def retried(self) -> None:
        """Count a transaction that has to be tried again."""
        self._retries.inc()

    def text(self) -> bytes:
        """Return all of them as Prometheus reads them."""
        return generate_latest(self.registry)

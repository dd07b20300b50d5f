"""How much of a frame's time goes into proving.

The rule of this file: a stopwatch only measures; nothing is decided by it.
"""

from time import perf_counter_ns

from aggregator.books.evidence import Proof
from aggregator.books.side import Side
from aggregator.books.words import BookCounts
from aggregator.protocol import BookUpdate, TouchUpdate


class Stopwatch:
    """Time that proofs took since it was last read; nothing is measured while it is not on."""

    __slots__ = ("is_on", "spent_ns")

    def __init__(self) -> None:
        self.is_on = True
        self.spent_ns = 0

    def take(self) -> int:
        spent_ns, self.spent_ns = self.spent_ns, 0
        return spent_ns


class TimedProof:
    """A proof on a stopwatch."""

    __slots__ = ("_proof", "_stopwatch")

    def __init__(self, proof: Proof, stopwatch: Stopwatch) -> None:
        self._proof = proof
        self._stopwatch = stopwatch

    @property
    def counts(self) -> BookCounts:
        return self._proof.counts

    @counts.setter
    def counts(self, counts: BookCounts) -> None:
        self._proof.counts = counts

    def begin(self, update: BookUpdate, bids: Side, asks: Side, depth: int) -> str:
        started_ns = perf_counter_ns()
        reason = self._proof.begin(update, bids, asks, depth)
        self._stopwatch.spent_ns += perf_counter_ns() - started_ns
        return reason

    def check(self, update: BookUpdate, bids: Side, asks: Side, unknown_deletes: int) -> str:
        if not self._stopwatch.is_on:
            return self._proof.check(update, bids, asks, unknown_deletes)
        started_ns = perf_counter_ns()
        reason = self._proof.check(update, bids, asks, unknown_deletes)
        self._stopwatch.spent_ns += perf_counter_ns() - started_ns
        return reason

    def hear(self, touch: TouchUpdate) -> str:
        if not self._stopwatch.is_on:
            return self._proof.hear(touch)
        started_ns = perf_counter_ns()
        reason = self._proof.hear(touch)
        self._stopwatch.spent_ns += perf_counter_ns() - started_ns
        return reason

    def begin_anew(self) -> None:
        self._proof.begin_anew()

    def forget_touches(self) -> None:
        self._proof.forget_touches()

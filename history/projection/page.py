"""The page that is written just now: the batch at hand, and the journal entry that its rows are of.

The rule of this file: there is one page of a recording, and whoever makes rows has it before him.
"""

from history.projection.batch import Batch


class Page:
    """`n` and `at_ns` are those of the entry whose events are told."""

    __slots__ = ("at_ns", "batch", "n")

    def __init__(self) -> None:
        self.batch = Batch()
        self.n = self.at_ns = 0

    def turn(self) -> Batch:
        """Return what was written and begin with an empty one."""
        batch, self.batch = self.batch, Batch()
        return batch

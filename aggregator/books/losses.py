"""A stretch of trades without numbers, of which some may be missing: from the last trade that was
told before it to the first one that the stream brings after it.

The rule of this file: pure. It is over only when lists of the venue's latest trades have reached
from the one end to the other; a list that ends before the first trade after it proves nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from aggregator.books.trails import Mark
from aggregator.protocol import TradeUpdate


@dataclass(slots=True)
class Loss:
    """`since_ns` and `last_id` are of the newest trade up to which nothing is missing."""

    since_ns: int
    last_id: str
    stretches: int = 1  # Between trades that were told: so many losses are in it.
    is_hopeless: bool = False  # The venue cannot be asked.
    first_id: str = ""  # Of the first trade of the stream after it; empty: there was none yet.
    first_ns: int = 0
    found_at_ns: int = 0  # When that came, or one that was taken for older than the loss.

    @property
    def has_end(self) -> bool:
        return bool(self.first_id)

    def go_on(self, since: Mark) -> None:
        """Something was lost again before it was over."""
        if self.has_end:
            self.stretches += 1
            self.first_id, self.found_at_ns = "", 0
        if since.at_ns < self.since_ns:
            self.since_ns, self.last_id = since

    def end_with(self, update: TradeUpdate, at_ns: int) -> None:
        """Take note of a trade of the stream; one from before the loss is no end of it."""
        if update.venue_at_ns >= self.since_ns:
            self.first_id, self.first_ns = update.trade_id, update.venue_at_ns
            self.found_at_ns = at_ns
        elif not self.found_at_ns:
            self.found_at_ns = at_ns

    def is_reached_by(self, updates: Iterable[TradeUpdate]) -> bool:
        """Say whether a list goes back to where nothing is missing."""
        return any(
            update.trade_id == self.last_id or update.venue_at_ns < self.since_ns
            for update in updates
        )

    def is_bridged_by(self, updates: Iterable[TradeUpdate], latest_ns: int) -> bool:
        """Say whether a list goes on to the first trade after the loss; no time can be later than
        `latest_ns`.
        """
        return self.has_end and any(
            update.trade_id == self.first_id or self.first_ns < update.venue_at_ns <= latest_ns
            for update in updates
        )

    def move_on(self, newest: Mark) -> None:
        """Up to the end of a list, nothing is missing that could still be had."""
        if newest.at_ns >= self.since_ns:
            self.since_ns, self.last_id = newest
        self.stretches = 1

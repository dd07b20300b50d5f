"""The trades of one book: each once, whatever connections bring them.

The rule of this file: no trade is dropped silently. What the venue's numbers show to be missing
is waited for, asked for, and in the end counted.
"""

from collections.abc import Iterable, Sequence

from aggregator.books.words import BookCounts, Trade
from aggregator.protocol import NONE, NS_A_S, DecimalError, Memory, TradeUpdate

# Ids of trades already told, for venues without numbers: twice what any venue's history holds.
TRADE_IDS_MAX = 2_000
# Numbers that are missing at once. A longer outage is beyond any venue's history of trades.
HOLES_MAX = 10_000
# How long a missing number may still come, by a late frame, a history or an answer.
HOLE_KEPT_NS = 60 * NS_A_S


class Tape:
    """`is_missing`: something may be had by asking the venue for its latest trades.
    `has_history`: its stream begins with those of before.
    """

    __slots__ = (
        "_counts",
        "_far_number",
        "_holes",
        "_ids",
        "_is_aggregate",
        "_last_at_ns",
        "_last_number",
        "_lost_since_ns",
        "_name",
        "_units_of",
        "has_history",
        "is_missing",
    )

    def __init__(self, name: str, units_of: Memory, counts: BookCounts) -> None:
        self.is_missing = False
        self.has_history = False
        self._name = name
        self._units_of = units_of
        self._counts = counts
        self._last_number = NONE
        self._far_number = NONE  # Told, and not believed yet.
        self._last_at_ns = 0
        self._holes: dict[int, int] = {}  # Missing numbers, and when that was found.
        self._ids: dict[str, None] = {}
        self._lost_since_ns = NONE  # Of a loss that only ids can tell about.
        self._is_aggregate: bool | None = None

    @property
    def missing_count(self) -> int:
        """How many trades are known not to have come, given up or not yet."""
        return self._counts.trades_missed + len(self._holes)

    def take(self, update: TradeUpdate, at_ns: int) -> Trade | None:
        """Return a trade of the stream to be told; None if it was, or cannot be read."""
        if update.is_aggregate is not self._is_aggregate and not self._is_ours(update):
            return None
        is_new = self._meet_number if update.number != NONE else self._meet_id
        if not is_new(update, at_ns):
            self._counts.duplicates += 1
            return None
        return self._trade(update, at_ns, is_recovered=False)

    def take_history(self, updates: Iterable[TradeUpdate], at_ns: int) -> list[Trade]:
        """Return those trades of before that were missed, in their order.

        What was before the very first trade or history is not ours to tell.
        """
        ours = [update for update in updates if self._is_ours(update)]
        if not ours:
            return []
        has_numbers = ours[0].number != NONE
        missed = self._missed_by_number if has_numbers else self._missed_by_id
        trades = [self._trade(update, at_ns, is_recovered=True) for update in missed(ours, at_ns)]
        return [trade for trade in trades if trade is not None]

    def take_answer(self, updates: Sequence[TradeUpdate], at_ns: int) -> list[Trade]:
        """Return what an answer to asking brings; what it should have and has not is not to be
        had any more.
        """
        trades = self.take_history(updates, at_ns)
        newest = max((update.number for update in updates), default=NONE)
        for number in [number for number in self._holes if number <= newest]:
            self._give_up(number)
        self.is_missing = bool(self._holes)
        return trades

    def lose(self) -> None:
        """Trades may be missing from here on: a connection or a frame was lost."""
        if self._last_number != NONE or self._ids:
            self.is_missing = True
            if self._lost_since_ns == NONE:
                self._lost_since_ns = self._last_at_ns

    def lose_frame(self) -> None:
        """A trade may have been in a lost frame; numbers tell it themselves with the next one."""
        if self._last_number == NONE:
            self.lose()

    def look_for_lost(self, at_ns: int) -> None:
        """Give up what has been missing for too long."""
        if self._holes:
            late = [n for n, found_ns in self._holes.items() if at_ns - found_ns > HOLE_KEPT_NS]
            for number in late:
                self._give_up(number)

    def _is_ours(self, update: TradeUpdate) -> bool:
        if self._is_aggregate is None:
            self._is_aggregate = update.is_aggregate
        return update.is_aggregate is self._is_aggregate

    def _meet_number(self, update: TradeUpdate, at_ns: int) -> bool:
        number, last = update.number, self._last_number
        if self._holes.pop(number, None) is not None:
            return True
        if last != NONE and abs(number - last) > HOLES_MAX:
            return self._meet_far_number(number, last, at_ns)
        self._far_number = NONE
        if number <= last:
            return False
        self._last_number = number
        if last != NONE and number > last + 1:
            self._open_holes(last + 1, number, at_ns)
        return True

    def _meet_far_number(self, number: int, last: int, at_ns: int) -> bool:
        """One number far from all others may be damaged; with a second one near it, the venue
        really counts from there.
        """
        far = self._far_number
        if number == far:
            return False
        self._far_number = number
        if far == NONE or not 0 < number - far <= HOLES_MAX:
            return True
        if number > last:
            self._open_holes(last + 1, far, at_ns)
        else:
            # It has begun to count anew: nobody can fill holes in its former numbers.
            for hole in list(self._holes):
                self._give_up(hole)
        if number > far + 1:
            self._open_holes(far + 1, number, at_ns)
        self._last_number, self._far_number = number, NONE
        return True

    def _open_holes(self, first: int, end: int, at_ns: int) -> None:
        self.is_missing = True
        room = HOLES_MAX - len(self._holes)
        kept_from = max(first, end - room)
        self._counts.trades_missed += kept_from - first
        self._holes.update(dict.fromkeys(range(kept_from, end), at_ns))

    def _meet_id(self, update: TradeUpdate, _at_ns: int) -> bool:
        ids, trade_id = self._ids, update.trade_id
        if trade_id in ids:
            return False
        ids[trade_id] = None
        if len(ids) > TRADE_IDS_MAX:
            del ids[next(iter(ids))]
        return True

    def _missed_by_number(self, updates: list[TradeUpdate], at_ns: int) -> list[TradeUpdate]:
        updates.sort(key=lambda update: update.number)
        if self._last_number == NONE:
            self._last_number = updates[-1].number
            return []
        return [update for update in updates if self._meet_number(update, at_ns)]

    def _missed_by_id(self, updates: list[TradeUpdate], at_ns: int) -> list[TradeUpdate]:
        updates.sort(key=lambda update: update.venue_at_ns)
        since_ns, self._lost_since_ns = self._lost_since_ns, NONE
        new = [update for update in updates if self._meet_id(update, at_ns)]
        if since_ns == NONE:
            return []
        return [update for update in new if update.venue_at_ns >= since_ns]

    def _give_up(self, number: int) -> None:
        del self._holes[number]
        self._counts.trades_missed += 1

    def _trade(self, update: TradeUpdate, at_ns: int, *, is_recovered: bool) -> Trade | None:
        try:
            price, quantity = self._units_of[update.price], self._units_of[update.quantity]
        except DecimalError:
            self._counts.malformed += 1
            return None
        self._counts.trades += 1
        self._last_at_ns = max(self._last_at_ns, update.venue_at_ns)
        return Trade(
            book=self._name,
            trade_id=update.trade_id,
            price=price,
            quantity=quantity,
            taker_side=update.taker_side,
            venue_at_ns=update.venue_at_ns,
            received_at_ns=at_ns,
            is_recovered=is_recovered,
        )

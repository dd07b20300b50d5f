"""The trades of one book: each once, whatever connections bring them.

The rule of this file: no trade is dropped silently. What the venue's numbers show to be missing
is waited for, asked for, and in the end counted. Where there are no numbers, a loss is over when
the venue's lists reach across it, and counted as a gap when they do not.
"""

from collections.abc import Iterable, Sequence

from aggregator.books.losses import Loss
from aggregator.books.trails import NO_MARK, Mark, VenueClock
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
    `has_history`: its stream begins with those of before. `mark`: the last trade that came by the
    stream, or with the past that it begins with, and whose time is believed.
    """

    __slots__ = (
        "_began_ns",
        "_clock",
        "_counts",
        "_far_number",
        "_holes",
        "_ids",
        "_is_aggregate",
        "_last_number",
        "_loss",
        "_name",
        "_units_of",
        "has_history",
        "is_missing",
        "mark",
    )

    def __init__(self, name: str, units_of: Memory, counts: BookCounts) -> None:
        self.is_missing = False
        self.has_history = False
        self.mark = NO_MARK
        self._name = name
        self._units_of = units_of
        self._counts = counts
        self._last_number = NONE
        self._far_number = NONE  # Told, and not believed yet.
        self._clock = VenueClock()
        self._began_ns: int | None = None  # What is older is not ours to tell.
        self._holes: dict[int, int] = {}  # Missing numbers, and when that was found.
        self._ids: dict[str, None] = {}
        self._loss: Loss | None = None  # One that no numbers tell about.
        self._is_aggregate: bool | None = None

    @property
    def missing_count(self) -> int:
        """How many trades are known not to have come, given up or not yet."""
        return self._counts.trades_missed + len(self._holes)

    @property
    def has_numbers(self) -> bool:
        return self._last_number != NONE

    @property
    def gap_count(self) -> int:
        """How often trades without numbers are known to have been lost, given up or not yet."""
        loss = self._loss
        return self._counts.trade_gaps + (loss.stretches if loss and loss.has_end else 0)

    def take(self, update: TradeUpdate, at_ns: int) -> Trade | None:
        """Return a trade of the stream to be told; None if it was, or cannot be read."""
        if update.is_aggregate is not self._is_aggregate and not self._is_ours(update):
            return None
        if self._clock.believes(update, at_ns):
            self._note(update, at_ns)
        is_new = self._meet_number if update.number != NONE else self._meet_id
        if not is_new(update, at_ns):
            self._counts.duplicates += 1
            return None
        return self._trade(update, at_ns, is_recovered=False)

    def take_history(self, updates: Iterable[TradeUpdate], at_ns: int) -> list[Trade]:
        """Return those trades of before that were missed, in their order.

        What was before the very first trade or history is not ours to tell. The stream goes on
        where its history ends.
        """
        ours = [update for update in updates if self._is_ours(update)]
        trades = self._missed(ours, at_ns)
        oldest = min((update.number for update in ours), default=NONE)
        for number in [number for number in self._holes if number < oldest]:
            self._give_up(number)
        if ours:
            self._go_on_after(ours, at_ns)
        return trades

    def take_answer(self, updates: Sequence[TradeUpdate], at_ns: int) -> list[Trade]:
        """Return what an answer to asking brings; what it should have and has not is not to be
        had any more.
        """
        ours = [update for update in updates if self._is_ours(update)]
        trades = self._missed(ours, at_ns)
        newest = max((update.number for update in updates), default=NONE)
        for number in [number for number in self._holes if number <= newest]:
            self._give_up(number)
        if self._loss is not None and ours:
            self._shorten(self._loss, ours, at_ns)
        # Without a trade after the loss there is nothing that the next answer could reach.
        is_open = self._loss is not None and self._loss.has_end
        self.is_missing = is_open or bool(self._holes)
        return trades

    def lose(self, since: Mark | None = None) -> None:
        """Trades may be missing from a mark on, or from here: a connection or a frame was lost."""
        if self._last_number != NONE or self._ids:
            self.is_missing = True
        if not self._ids:
            return  # Numbers tell it themselves.
        if self._loss is None:
            self._loss = Loss(*(since or self.mark))
        else:
            self._loss.go_on(since or self.mark)

    def cannot_ask(self) -> None:
        """The venue has no list of its latest trades."""
        self.is_missing = False
        if self._loss is not None and not self.has_history:
            self._loss.is_hopeless = True
            self._give_up_loss_if_over(self._loss)

    def lose_frame(self, since: Mark | None = None) -> None:
        """A trade may have been in a lost frame; numbers tell it themselves with the next one."""
        if not self.has_numbers:
            self.lose(since)

    def look_for_lost(self, at_ns: int) -> None:
        """Give up what has been missing for too long."""
        if self._holes:
            late = [n for n, found_ns in self._holes.items() if at_ns - found_ns > HOLE_KEPT_NS]
            for number in late:
                self._give_up(number)
        loss = self._loss
        if loss is not None and loss.found_at_ns and at_ns - loss.found_at_ns > HOLE_KEPT_NS:
            self._give_up_loss(loss)

    def _note(self, update: TradeUpdate, at_ns: int) -> None:
        """Take note of a trade of the stream whose time is believed."""
        self.mark = Mark(update.venue_at_ns, update.trade_id)
        if self._began_ns is None or update.venue_at_ns < self._began_ns:
            self._began_ns = update.venue_at_ns
        if self._loss is not None and not self._loss.has_end:
            self._end_loss(self._loss, update, at_ns)

    def _go_on_after(self, history: Sequence[TradeUpdate], at_ns: int) -> None:
        self.mark = self._newest_of(history, at_ns) or self.mark
        if self._loss is not None and not self._loss.is_reached_by(history):
            self._counts.trade_gaps += self._loss.stretches
        self._loss = None
        self.is_missing = bool(self._holes)

    def _newest_of(self, updates: Iterable[TradeUpdate], at_ns: int) -> Mark | None:
        latest_ns = self._clock.latest_ns(at_ns)
        known = [one for one in updates if one.venue_at_ns <= latest_ns]
        newest = max(known, key=_venue_at_ns, default=None)
        return Mark(newest.venue_at_ns, newest.trade_id) if newest is not None else None

    def _end_loss(self, loss: Loss, update: TradeUpdate, at_ns: int) -> None:
        loss.end_with(update, at_ns)
        if loss.has_end:
            self.is_missing = not loss.is_hopeless
        self._give_up_loss_if_over(loss)

    def _give_up_loss_if_over(self, loss: Loss) -> None:
        if loss.is_hopeless and loss.has_end:
            self._give_up_loss(loss)

    def _give_up_loss(self, loss: Loss) -> None:
        self._counts.trade_gaps += loss.stretches
        self._loss = None
        self.is_missing = bool(self._holes)

    def _shorten(self, loss: Loss, updates: Sequence[TradeUpdate], at_ns: int) -> None:
        if not loss.is_reached_by(updates):
            self._counts.trade_gaps += loss.stretches
        if loss.is_bridged_by(updates, self._clock.latest_ns(at_ns)):
            self._loss = None
        else:
            loss.move_on(self._newest_of(updates, at_ns) or NO_MARK)

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

    def _missed(self, updates: list[TradeUpdate], at_ns: int) -> list[Trade]:
        if not updates:
            return []
        has_numbers = updates[0].number != NONE
        missed = self._missed_by_number if has_numbers else self._missed_by_id
        found = [self._trade(one, at_ns, is_recovered=True) for one in missed(updates, at_ns)]
        return [trade for trade in found if trade is not None]

    def _missed_by_number(self, updates: list[TradeUpdate], at_ns: int) -> list[TradeUpdate]:
        updates.sort(key=lambda update: update.number)
        if self._last_number == NONE:
            self._last_number = updates[-1].number
            return []
        return [update for update in updates if self._meet_number(update, at_ns)]

    def _missed_by_id(self, updates: list[TradeUpdate], at_ns: int) -> list[TradeUpdate]:
        """Return all that is new since the tape began, whether or not a loss is known: what an
        older list than the stream's brings is not to be taken for told.
        """
        updates.sort(key=_venue_at_ns)
        if not self._ids:
            self._began_ns = (self._newest_of(updates, at_ns) or NO_MARK).at_ns
            self._ids.update(dict.fromkeys(update.trade_id for update in updates))
            return []
        # Where no time was believed yet, rather too much is told than too little.
        began_ns = self._began_ns or 0
        new = [update for update in updates if update.venue_at_ns >= began_ns]
        return [update for update in new if self._meet_id(update, at_ns)]

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


def _venue_at_ns(update: TradeUpdate) -> int:
    return update.venue_at_ns

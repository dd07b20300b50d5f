"""What the updates of a frame mean for books, tapes and connections, by their type.

The rule of this file: one method a type, found in a table.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from aggregator.books.directory import Directory
from aggregator.books.effects import Send
from aggregator.books.links import Link, Seat
from aggregator.books.prepared import PreparedSnapshot
from aggregator.books.rules import BookRules
from aggregator.books.seating import Seating
from aggregator.books.supply import Supply
from aggregator.books.words import BookState, Need, Trade
from aggregator.protocol import (
    Accepted,
    BookUpdate,
    Chain,
    ConnectionSequence,
    Evidence,
    FrameError,
    Goodbye,
    Instrument,
    Pulse,
    Refused,
    TouchUpdate,
    TradeUpdate,
    Update,
)

# Trades that nobody takes; some minutes of the busiest feed. Past it the oldest are counted lost.
TRADES_WAITING_MAX = 100_000
STRANGERS_MAX = 100  # Names that are kept for who asks why a book is not there.

_NOTHING = Need.NOTHING
# What is done with one kind of update; true: the rest of its frame is not to be taken.
Handler = Callable[[Link, Any, int], bool | None]


class Hearing:
    """`errors` by category and code. `learn` is told of instruments that a frame brings."""

    def __init__(
        self,
        rules: BookRules,
        directory: Directory,
        seating: Seating,
        supply: Supply,
        learn: Callable[[Iterable[Instrument], int], None],
    ) -> None:
        self.errors: Counter[tuple[str, str]] = Counter()
        self.last_frame_error = ""
        self.strangers: dict[str, int] = {}  # Messages of symbols that are not ours.
        self._rules = rules
        self._directory = directory
        self._seating = seating
        self._supply = supply
        self._learn = learn
        self.trades: list[Trade] = []  # Until they are taken.
        self._history: list[tuple[Seat, TradeUpdate]] = []
        self._listed: list[Instrument] = []
        self._handlers = self._make_handlers()

    def take(self, link: Link, updates: Sequence[Update], at_ns: int) -> None:
        """Take what a frame says, in its order."""
        handlers = self._handlers
        for update in updates:
            if handlers[type(update)](link, update, at_ns):
                break
        if self._history:
            self._take_history(link, at_ns)
        if self._listed:
            listed, self._listed = self._listed, []
            self._learn(listed, at_ns)

    def take_trades(self) -> list[Trade]:
        trades, self.trades = self.trades, []
        return trades

    def lose_frame(self, link: Link, error: FrameError, at_ns: int) -> None:
        """Begin anew with what a frame that cannot be read may have been of: something is missing,
        and it is not known what.

        Numbered updates tell it themselves with their next one, and so does a numbered connection:
        nothing is done to their books. The others have to begin anew: a checksum is only over the
        top, so a change further down would not be missed for a long time.
        """
        self.errors["frame", "unreadable"] += 1
        self.last_frame_error = str(error)
        tells_itself = self._rules.chain is not Chain.NONE
        tells_itself |= self._rules.evidence is Evidence.CONNECTION_SEQUENCE
        for seat in link.seats.values():
            seat.book.forget_touches()
            seat.lose_frame()
            self._supply.asking.give_up(seat.listing.trades_ticket)
            if seat.has_book and not tells_itself:
                seat.book.counts.gaps += seat.book.is_whole
                seat.book.lose("A frame of its connection cannot be read.", at_ns)
                self._seating.follow_up(link, seat, at_ns)

    def _make_handlers(self) -> dict[type[Update], Handler]:
        return {
            BookUpdate: self._on_book,
            PreparedSnapshot: self._on_book,
            TouchUpdate: self._on_touch,
            TradeUpdate: self._on_trade,
            ConnectionSequence: self._on_sequence,
            Accepted: self._on_accepted,
            Refused: self._on_refused,
            Pulse: self._on_pulse,
            Goodbye: self._on_goodbye,
            Instrument: self._on_instrument,
        }

    def _on_book(self, link: Link, update: BookUpdate, at_ns: int) -> None:
        seat = link.seats.get(update.symbol) or self._stranger(link, update.symbol, at_ns)
        if seat is None:
            return
        book = seat.book
        seat.listing.counts.messages += 1
        seat.heard_at_ns = at_ns
        proofs, gaps = book.proofs, book.counts.gaps
        book.take(update, at_ns)
        if book.proofs != proofs:
            seat.trail.prove()
        elif book.counts.gaps != gaps:
            seat.lose_frame()  # Also while the book is not whole, and waits for its snapshot.
        if book.has_changed or book.need is not _NOTHING:
            self._seating.follow_up(link, seat, at_ns)

    def _on_touch(self, link: Link, update: TouchUpdate, at_ns: int) -> None:
        seat = link.seats.get(update.symbol) or self._stranger(link, update.symbol, at_ns)
        if seat is None:
            return
        seat.listing.counts.messages += 1
        book = seat.book
        book.hear(update, at_ns)
        if book.has_changed or book.need is not _NOTHING:
            self._seating.follow_up(link, seat, at_ns)

    def _on_trade(self, link: Link, update: TradeUpdate, at_ns: int) -> None:
        seat = link.seats.get(update.symbol) or self._stranger(link, update.symbol, at_ns)
        if seat is None:
            return
        seat.has_trades = True
        listing = seat.listing
        listing.counts.messages += 1
        if update.is_history:
            self._history.append((seat, update))
            return
        trade = listing.tape.take(update, at_ns)
        self._seating.note_trade(link, seat, update)
        if trade is not None:
            self.tell([trade])
        if listing.tape.is_missing:
            self._supply.ask_for_trades(link, seat, at_ns)

    def _on_sequence(self, link: Link, update: ConnectionSequence, at_ns: int) -> bool:
        """Say whether the rest of the frame is not to be taken: it was, or comes too late."""
        last, number = link.sequence, update.number
        if last is not None and number <= last:
            self.errors["sequence", "repeated"] += 1
            if link.repeats.add(last, at_ns):
                link.sequence = number
                self._lose_frames(link, f"After frame {last} it counts anew.", at_ns)
            return True
        link.sequence = number
        if last is not None and number > last + 1:
            self.errors["sequence", "gap"] += 1
            self._lose_frames(link, f"Frames {last + 1} to {number - 1} are missing.", at_ns)
        return False

    def _lose_frames(self, link: Link, reason: str, at_ns: int) -> None:
        """Begin anew with the whole connection: what was lost may be of any of its channels, and
        a new one brings all of them with their pasts.
        """
        for seat in link.seats.values():
            seat.listing.tape.lose(seat.trail.take_sure())
            if seat.has_book and seat.book.state is not BookState.RESYNC:
                seat.book.counts.gaps += 1
                seat.book.lose(reason, at_ns, Need.CONNECTION)
                self._seating.follow_up(link, seat, at_ns)
        self._supply.renew(link, reason, overlap=False)

    def _on_accepted(self, link: Link, update: Accepted, at_ns: int) -> None:
        if update.symbol and update.depth:
            seat = self._seating.seat(link, update.symbol, at_ns)
            if seat is not None:
                seat.book.use_depth(update.depth)

    def _on_refused(self, link: Link, update: Refused, at_ns: int) -> None:
        self.errors["refused", "of a symbol" if update.symbol else "of what is not said"] += 1
        seat = self._refused_seat(link, update, at_ns)
        if seat is None:
            link.refusal = update.reason
        elif not seat.book.is_live:
            seat.book.refuse(update.reason, at_ns)
            self._seating.follow_up(link, seat, at_ns)

    def _refused_seat(self, link: Link, update: Refused, at_ns: int) -> Seat | None:
        if update.symbol:
            return self._seating.seat(link, self._directory.name_of(update.symbol), at_ns)
        waiting = [seat for seat in link.seats.values() if not seat.heard_at_ns]
        return waiting[0] if len(waiting) == 1 else None

    def _on_pulse(self, link: Link, update: Pulse, at_ns: int) -> None:
        link.pulse_at_ns = at_ns
        if update.answer:
            self._supply.wish(Send(link.number, (update.answer,)))

    def _on_goodbye(self, link: Link, update: Goodbye, _at_ns: int) -> None:
        self._supply.renew(link, update.reason, overlap=True)

    def _on_instrument(self, _link: Link, update: Instrument, _at_ns: int) -> None:
        self._listed.append(update)

    def _stranger(self, link: Link, name: str, at_ns: int) -> Seat | None:
        seat = self._seating.seat(link, name, at_ns)
        if seat is None:
            self.errors["symbol", "unknown"] += 1
            if name in self.strangers or len(self.strangers) < STRANGERS_MAX:
                self.strangers[name] = self.strangers.get(name, 0) + 1
        return seat

    def tell(self, trades: Iterable[Trade]) -> None:
        self.trades += trades
        excess = len(self.trades) - TRADES_WAITING_MAX
        if excess > 0:
            self.errors["trades", "untaken"] += excess
            del self.trades[:excess]

    def _take_history(self, link: Link, at_ns: int) -> None:
        history, self._history = self._history, []
        by_listing: dict[str, tuple[Seat, list[TradeUpdate]]] = {}
        for seat, update in history:
            by_listing.setdefault(seat.listing.pair, (seat, []))[1].append(update)
        for seat, updates in by_listing.values():
            tape = seat.listing.tape
            tape.has_history = True
            self.tell(tape.take_history(updates, at_ns))
            for update in sorted(updates, key=lambda update: update.venue_at_ns):
                self._seating.note_trade(link, seat, update)

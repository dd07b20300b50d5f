"""Which connection feeds which listing.

The rule of this file: a listing has one book at a time. It goes over to another connection's when
that one is live and its own is not, when its own connection is gone, and when that is relieved.
"""

from collections.abc import Iterable, Iterator

from aggregator.books.directory import Directory
from aggregator.books.links import Link, Seat
from aggregator.books.listing import Listing
from aggregator.books.making import Maker
from aggregator.books.plan import ConnectionPlan
from aggregator.books.supply import Supply
from aggregator.books.words import BookCounts, BookState, Need
from aggregator.protocol import NS_A_S, Kind, TradeUpdate

# How long a connection stays that another one is relieving, if not all books there are live.
HAND_OVER_NS_MAX = 60 * NS_A_S
# The same where a live book would go with it; still before the venue ends the connection itself.
HAND_OVER_LIVE_NS_MAX = 240 * NS_A_S

_NOTHING = Need.NOTHING
_SETTLED = frozenset({BookState.LIVE, BookState.HALTED})


class Seating:
    """`links` are the open connections."""

    def __init__(self, directory: Directory, maker: Maker, supply: Supply) -> None:
        self.links: dict[int, Link] = {}
        self._directory = directory
        self._maker = maker
        self._supply = supply
        self.changed: dict[str, Listing] = {}  # Until they are taken.

    def __iter__(self) -> Iterator[tuple[Link, Seat]]:
        for link in list(self.links.values()):
            for seat in link.seats.values():
                yield link, seat

    def open(self, connection: int, plan: ConnectionPlan, at_ns: int) -> None:
        assert connection not in self.links, "each connection has a number of its own"
        link = Link(connection, plan, at_ns)
        self.links[connection] = link
        books = {topic.symbol for topic in plan.topics if topic.kind is Kind.BOOK}
        for symbol in dict.fromkeys(topic.symbol for topic in plan.topics if topic.symbol):
            name = self._directory.name_of(symbol)
            self.seat(link, name, at_ns, has_book=symbol in books)

    def seat(self, link: Link, name: str, at_ns: int, *, has_book: bool = True) -> Seat | None:
        """Return the seat of a symbol on a connection, a new one if need be; None if the symbol
        is not one of ours.
        """
        seat = link.seats.get(name)
        if seat is not None:
            return seat
        listing = self._directory.find(name)
        if listing is None:
            return None
        # A trade that comes unasked on a class of connections without books brings no book either.
        has_book = has_book and Kind.BOOK in link.plan.socket.kinds
        book = self._maker.make_book(listing.instrument, BookCounts(), at_ns=at_ns)
        seat = link.seats[name] = Seat(listing, book, at_ns, has_book=has_book)
        if has_book and listing.connection not in self.links:
            self._switch(link, seat)
        return seat

    def close(self, connection: int, reason: str, at_ns: int) -> None:
        link = self.links.pop(connection, None)
        if link is None:
            return
        for name, seat in link.seats.items():
            self._supply.asking.give_up(seat.ticket)
            self._bequeath(link, name, seat, reason, at_ns)

    def note_trade(self, link: Link, seat: Seat, update: TradeUpdate) -> None:
        """Take note of how far a connection has come, and whether another one was there."""
        trade_id, trail = update.trade_id, seat.trail
        trail.add(trade_id, seat.listing.tape.mark)
        if not seat.has_book or not seat.book.tells_of_losses:
            trail.prove()
        if len(self.links) == 1:
            return
        for other in self.links.values():
            there = other.seats.get(update.symbol)
            if there is not None and there is not seat and there.trail.has(trade_id):
                trail.joined.add(other.number)
                there.trail.joined.add(link.number)

    def _lose_trades(self, link: Link, seat: Seat, others: Iterable[Seat]) -> None:
        """Take note of what may be lost with a connection, unless another one has it."""
        tape = seat.listing.tape
        # Only what has come shows that a topic was taken; how old its connection is does not.
        heirs = [other for other in others if other.has_trades]
        # And only a trade that both have brought shows that there is none between the two.
        is_joined = tape.has_numbers or any(link.number in other.trail.joined for other in heirs)
        if not heirs or (seat.has_trades and not is_joined):
            tape.lose(seat.trail.take_sure())
            self._supply.forget_trades_asked_for(seat.listing)

    def _bequeath(self, gone: Link, name: str, seat: Seat, reason: str, at_ns: int) -> None:
        others = [link for link in self.links.values() if name in link.seats]
        useful = (link.seats[name] for link in others if not link.is_useless)
        self._lose_trades(gone, seat, useful)
        if seat.listing.book is not seat.book:
            return
        heirs = [link for link in others if link.seats[name].has_book]
        if heirs:
            heir = max(heirs, key=lambda link: (link.seats[name].book.is_live, link.number))
            self._switch(heir, heir.seats[name])
        else:
            seat.book.lose(f"The connection is gone: {reason}", at_ns, Need.NOTHING)
            self.note_change(seat.listing)

    def follow_up(self, link: Link, seat: Seat, at_ns: int) -> None:
        """Take note of a change of a book, and of what it needs now."""
        book, listing = seat.book, seat.listing
        book.has_changed = False
        if book.need is not _NOTHING or book.mismatch:
            if book.state is BookState.RESYNC:
                seat.lose_frame()  # What was lost need not have been of the book alone.
            self._supply.note_need(link, seat, at_ns)
        if listing.book is book:
            self.note_change(listing)
        elif seat.has_book and book.is_live and not listing.book.is_live:
            self._switch(link, seat)

    def wake(self, link: Link, at_ns: int) -> None:
        """Let a connection that was mute have its live books again: it has spoken."""
        link.is_mute = False
        for seat in link.seats.values():
            seat.book.wake(at_ns)
            if seat.book.has_changed:
                self.follow_up(link, seat, at_ns)

    def hand_over(self, link: Link, at_ns: int) -> None:
        """Let a connection relieve the one before it, once all of its books are live."""
        before = self._relieved_by(link)
        if before is None or link.is_useless:
            return
        seats = [seat for seat in link.seats.values() if seat.has_book]
        is_ready = bool(seats) and all(seat.book.state in _SETTLED for seat in seats)
        # Where there are only trades, there is nothing that shows it to be ready.
        served = [seat for seat in seats if seat.listing.connection == before.number]
        is_loss = any(seat.listing.book.is_live > seat.book.is_live for seat in served)
        wait_ns = HAND_OVER_LIVE_NS_MAX if is_loss else HAND_OVER_NS_MAX
        if not is_ready and at_ns - link.opened_at_ns < wait_ns:
            return
        for seat in served:
            self._switch(link, seat)
        self._supply.close(before, "Another connection has taken over.")

    def _relieved_by(self, link: Link) -> Link | None:
        # The one that relieves another may have to be relieved in its turn: the oldest one first.
        for before in self.links.values():
            is_older = before.number < link.number and before.plan.number == link.plan.number
            if is_older and before.is_renewing and not before.is_useless:
                return before
        return None

    def _switch(self, link: Link, seat: Seat) -> None:
        seat.listing.switch(seat.book, link.number)
        self.note_change(seat.listing)

    def note_change(self, listing: Listing) -> None:
        self.changed[listing.pair] = listing

    def take_changed(self) -> list[Listing]:
        changed, self.changed = self.changed, {}
        return list(changed.values())

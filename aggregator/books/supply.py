"""What a desk's books need, turned into wishes: questions, subscriptions, connections.

The rule of this file: each need is met once at a time, and the more often it comes the longer it
waits, so that a venue in trouble is not asked to death.
"""

from dataclasses import replace

from aggregator.books.asking import Asking, Question
from aggregator.books.effects import Close, Effect, Mismatch, Purpose, Renew, Send
from aggregator.books.links import NEVER_NS, Link, Seat
from aggregator.books.listing import Listing
from aggregator.books.plan import subscription_texts
from aggregator.books.rules import BookRules
from aggregator.books.symbols import delivered_name
from aggregator.books.words import Need
from aggregator.protocol import NS_A_S, Connector, Kind, Manifest, NextPage, Topic

# Wishes that nobody takes. Each need is met once at a time, so only a desk that is not looked
# after gets there; the oldest then go.
EFFECTS_MAX = 10_000
# Trades that are missing still are asked for again, but not in a rush.
TRADES_ASKED_EVERY_NS = 5 * NS_A_S


class Supply:
    def __init__(self, connector: Connector, manifest: Manifest, rules: BookRules) -> None:
        self._connector = connector
        self._manifest = manifest
        self._rules = rules
        self._effects: list[Effect] = []
        self.asking = Asking()

    def take_effects(self) -> list[Effect]:
        effects, self._effects = self._effects, []
        return effects

    def wish(self, effect: Effect) -> None:
        if len(self._effects) >= EFFECTS_MAX:
            del self._effects[: EFFECTS_MAX // 2]
        self._effects.append(effect)

    def note_need(self, link: Link, seat: Seat, at_ns: int) -> None:
        """Take over what a book needs, at once or when its patience says."""
        book = seat.book
        if book.mismatch:
            self.wish(Mismatch(seat.listing.name, book.mismatch, at_ns))
            book.mismatch = ""
        need, book.need = book.need, Need.NOTHING
        self.asking.give_up(seat.ticket)
        seat.ticket = 0
        if link.is_useless or need is Need.NOTHING:
            seat.need, seat.due_ns = Need.NOTHING, NEVER_NS
        elif need is Need.CONNECTION:
            self.renew(link, book.reason or "A book is too near its edge.", book.is_live)
        else:
            if seat.need is Need.NOTHING:  # Else it waits already, and not longer for this.
                seat.due_ns = seat.patience.next_at_ns(at_ns)
            seat.need = need
            self.serve(link, seat, at_ns)

    def serve(self, link: Link, seat: Seat, at_ns: int) -> None:
        """Do what a seat needs, if it is time."""
        if at_ns < seat.due_ns:
            return
        need, seat.need, seat.due_ns = seat.need, Need.NOTHING, NEVER_NS
        if need is Need.SNAPSHOT and self._ask_for_snapshot(link, seat):
            return
        self.subscribe_anew(link, seat, at_ns)

    def subscribe_anew(self, link: Link, seat: Seat, at_ns: int) -> None:
        """Wish for the book's topic to be subscribed to anew."""
        self._subscribe_again(link, Kind.BOOK, _asked_as(seat))
        seat.subscribed_at_ns, seat.heard_at_ns = at_ns, 0

    def renew(self, link: Link, reason: str, overlap: bool) -> None:
        """Wish for another connection in the place of this one, once."""
        if link.is_useless or (overlap and link.is_renewing):
            return
        link.is_renewing, link.is_useless = True, not overlap
        self.wish(Renew(link.number, reason, overlap))

    def close(self, link: Link, reason: str) -> None:
        link.is_useless = True
        self.wish(Close(link.number, reason))

    def ask_for_trades(self, link: Link, seat: Seat, at_ns: int) -> None:
        """Ask for the latest trades, or for the history that a subscription begins with."""
        listing = seat.listing
        if at_ns < listing.trades_due_ns or self.asking.is_waiting(listing.trades_ticket):
            return
        listing.trades_due_ns = at_ns + TRADES_ASKED_EVERY_NS
        symbol = _asked_as(seat)
        request = self._connector.fetch_trades(self._manifest, symbol)
        if request is None:
            if listing.tape.has_history:
                listing.tape.lose_frame()  # Between the two subscriptions there may be some.
            listing.tape.cannot_ask()
            if listing.tape.has_history:
                self._subscribe_again(link, Kind.TRADES, symbol)
            return
        question = Question(Purpose.TRADES, request, link.number, _name(seat))
        fetch = self.asking.ask(question, symbol)
        listing.trades_ticket = fetch.ticket
        self.wish(fetch)

    def forget_trades_asked_for(self, listing: Listing) -> None:
        """An answer on its way does not have what was lost since: it has to be asked for anew."""
        self.asking.give_up(listing.trades_ticket)
        listing.trades_due_ns = 0

    def ask_for_instruments(self) -> bool:
        request = self._connector.fetch_instruments(self._manifest)
        if request is not None:
            self.wish(self.asking.ask(Question(Purpose.INSTRUMENTS, request), ""))
        return request is not None

    def ask_for_page(self, question: Question, page: NextPage) -> None:
        """Ask where the answer to a question goes on."""
        request = replace(question.request, url=page.url)
        onward = replace(question, request=request, page=question.page + 1)
        self.wish(self.asking.ask(onward, question.name))

    def _ask_for_snapshot(self, link: Link, seat: Seat) -> bool:
        symbol = _asked_as(seat)
        depth = self._rules.depth or self._rules.levels_kept
        request = self._connector.fetch_snapshot(self._manifest, symbol, depth)
        if request is None:
            return False
        epoch = seat.book.epoch
        question = Question(Purpose.SNAPSHOT, request, link.number, _name(seat), epoch)
        fetch = self.asking.ask(question, symbol)
        seat.ticket = fetch.ticket
        self.wish(fetch)
        return True

    def _subscribe_again(self, link: Link, kind: Kind, symbol: str) -> None:
        topics = [
            topic for topic in link.plan.topics if topic.kind is kind and topic.symbol == symbol
        ] or [Topic(kind, symbol, self._rules.depth if kind is Kind.BOOK else 0)]
        socket, texts = link.plan.socket, list[str]()
        for wanted in (False, True):
            texts += subscription_texts(
                self._connector, self._manifest, socket, topics, wanted=wanted
            )
        self.wish(Send(link.number, tuple(texts)))


def _asked_as(seat: Seat) -> str:
    instrument = seat.listing.instrument
    assert instrument is not None, "only a listing with a symbol is seated"
    return instrument.symbol


def _name(seat: Seat) -> str:
    instrument = seat.listing.instrument
    assert instrument is not None, "only a listing with a symbol is seated"
    return delivered_name(instrument)

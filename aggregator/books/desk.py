"""One feed: its connections, its books, its trades; pure.

The rule of this file: frames and times in, books and wishes out. It never raises for what a venue
sends, and a book that is found wrong is not live any more when `received` returns. The only clock
is a stopwatch for who wants to know how long a frame took; nothing is decided by it.
"""

from collections.abc import Callable, Iterable, Sequence
from time import perf_counter_ns

from aggregator.books.asking import Question
from aggregator.books.directory import Directory
from aggregator.books.effects import Effect, Purpose
from aggregator.books.hearing import Hearing
from aggregator.books.links import NEVER_NS, ConnectionCounts, Link, Seat
from aggregator.books.listing import Listing
from aggregator.books.making import Maker
from aggregator.books.muteness import Muteness
from aggregator.books.patience import Patience
from aggregator.books.plan import ConnectionPlan, plan_connections, plan_instruments
from aggregator.books.rules import DeskOptions, rules_of, settle_interval_ms
from aggregator.books.seating import Seating
from aggregator.books.status import feed_status
from aggregator.books.supply import Supply
from aggregator.books.timing import Stopwatch
from aggregator.books.upkeep import Upkeep
from aggregator.books.words import Need, Trade
from aggregator.protocol import (
    NS_A_S,
    BookUpdate,
    Connector,
    FrameError,
    Instrument,
    Manifest,
    NextPage,
    TradeUpdate,
    Update,
)
from shared.messages import BookState, FeedStatus

__all__ = ["Desk", "DeskOptions", "Listing"]

# How often a desk looks at its watch, also when nobody calls `tick`.
TICK_NS = NS_A_S // 4
# A pair that was not listed may be soon: venues leave out a market while they are at work on it.
LISTED_AGAIN_NS = 600 * NS_A_S
# Of a list of symbols; the longest known has two, and a venue may send its readers in a circle.
PAGES_MAX = 20


class Desk:
    """`plans` are the connections there should be, and `listings` the books, by pair. `strangers`
    counts the messages of symbols that are not ours, or of which it is not known what they are.

    `last_stage_ns`, if options.is_timed: nanoseconds of parse, apply and verify of the last frame.
    """

    def __init__(
        self,
        connector: Connector,
        manifest: Manifest,
        pairs: Sequence[str],
        options: DeskOptions,
        instruments: Sequence[Instrument] = (),
    ) -> None:
        self.connector = connector
        self.manifest = manifest
        self.options = options
        self.rules = rules_of(manifest, options)
        self.plans: list[ConnectionPlan] = []
        self.last_stage_ns = (0, 0, 0)
        self._parse = connector.parse_message
        self._supply = Supply(connector, manifest, self.rules)
        self.stopwatch = Stopwatch() if options.is_timed else None
        maker = Maker(connector, manifest, self.rules, self.stopwatch)
        guesses = options.guess_symbols
        self._directory = Directory(connector, manifest, maker, pairs, guesses=guesses)
        self.listings = self._directory.listings
        self._seating = Seating(self._directory, maker, self._supply)
        self._muteness = Muteness(manifest, self._seating)
        self._upkeep = Upkeep(manifest, self._supply, self._muteness)
        self._hearing = Hearing(
            self.rules, self._directory, self._seating, self._supply, self._learn
        )
        self.errors = self._hearing.errors
        self.strangers = self._hearing.strangers
        self._instruments_due_ns = NEVER_NS
        self._listed: list[Instrument] = []  # Of the pages that have come.
        self._patience = Patience()
        self._next_tick_ns = 0
        self._trouble = ""
        self._begin(instruments)

    # ---- what is known of the venue's symbols ----

    def _begin(self, instruments: Sequence[Instrument]) -> None:
        if instruments:
            self._learn(instruments, 0)
        elif not self.options.guess_symbols and not self._supply.ask_for_instruments():
            self.plans = plan_instruments(self.connector, self.manifest)
            if not self.plans:
                self._trouble = "The venue has no list of its symbols, and none was given."

    def _learn(self, instruments: Iterable[Instrument], at_ns: int) -> None:
        self._trouble = ""
        symbols = self._directory.symbols
        self._directory.learn(instruments, at_ns)
        for listing in self.listings.values():
            self._seating.note_change(listing)
        if self._directory.symbols != symbols and not self.options.guess_symbols:
            self._plan()

    def _plan(self) -> None:
        # A plan that is not as it was has a number of its own, so that its connection is a new one.
        first_number = self.plans[-1].number + 1 if self.plans else 0
        self.plans = plan_connections(
            self.connector,
            self.manifest,
            self._directory.symbols,
            self.options.kinds,
            depth=self.rules.depth,
            interval_ms=settle_interval_ms(self.manifest, self.options.interval_ms),
            first_number=first_number,
        )

    # ---- connections ----

    def opened(self, connection: int, plan: ConnectionPlan, at_ns: int) -> None:
        """Begin with a connection that is open. Its plan's messages are sent by who opened it."""
        self._seating.open(connection, plan, at_ns)

    def closed(self, connection: int, reason: str, at_ns: int) -> None:
        """Let go of a connection; another one that has its books takes over at once."""
        self._seating.close(connection, reason, at_ns)

    def resume(self, _at_ns: int) -> None:
        """Ask the venue again for what it has refused, on connections beside those that are."""
        for link, seat in self._seating:
            if seat.has_book and seat.book.state is BookState.HALTED:
                self._supply.renew(link, "What was refused is asked for again.", overlap=True)

    # ---- frames ----

    def received(self, connection: int, frame: bytes, at_ns: int) -> None:
        """Take what a frame says."""
        link = self._seating.links.get(connection)
        if link is None:
            self.errors["connection", "unknown"] += 1
            return
        link.frames += 1
        link.bytes += len(frame)
        if link.is_mute:
            self._muteness.hear(link, at_ns)
        link.heard_at_ns = at_ns
        try:
            if self.stopwatch is None or not self.stopwatch.is_on:
                self._hearing.take(link, self._parse(frame, at_ns), at_ns)
            else:
                self._take_timed(self.stopwatch, link, frame, at_ns)
        except FrameError as error:
            self._hearing.lose_frame(link, error, at_ns)
        if at_ns >= self._next_tick_ns:
            self.tick(at_ns)

    def take_parsed(
        self, connection: int, updates: Sequence[Update], at_ns: int, *, frame_bytes: int = 0
    ) -> None:
        """Take what a frame says that was read elsewhere, in its place among the others.

        Snapshots in it may be prepared: see `prepared.prepare`.
        """
        link = self._seating.links.get(connection)
        if link is not None:
            link.frames += 1
            link.bytes += frame_bytes
            self._muteness.hear(link, at_ns)
            self._hearing.take(link, updates, at_ns)

    def _take_timed(self, stopwatch: Stopwatch, link: Link, frame: bytes, at_ns: int) -> None:
        started_ns = perf_counter_ns()
        updates = self._parse(frame, at_ns)
        parsed_ns = perf_counter_ns()
        self._hearing.take(link, updates, at_ns)
        done_ns, verify_ns = perf_counter_ns(), stopwatch.take()
        self.last_stage_ns = (parsed_ns - started_ns, done_ns - parsed_ns - verify_ns, verify_ns)

    # ---- answers ----

    def answered(self, ticket: int, body: bytes, url: str, at_ns: int) -> None:
        """Take the answer to a question."""
        question = self._supply.asking.take(ticket)
        if question is None:
            self.errors["answer", "late"] += 1
            return
        try:
            updates = question.request.read(body, url)
        except FrameError as error:
            self._fail(question, str(error), at_ns)
        else:
            self._take_answer(question, updates, at_ns)

    def answered_parsed(self, ticket: int, updates: Sequence[Update], at_ns: int) -> None:
        """Take an answer that was read elsewhere by the request's own `read`."""
        question = self._supply.asking.take(ticket)
        if question is not None:
            self._take_answer(question, updates, at_ns)

    def unanswered(self, ticket: int, reason: str, at_ns: int) -> None:
        """Take note that there will be no answer to a question; it is asked again later."""
        question = self._supply.asking.take(ticket)
        if question is not None:
            self._fail(question, reason, at_ns)

    def _take_answer(self, question: Question, updates: Sequence[Update], at_ns: int) -> None:
        if question.purpose is Purpose.INSTRUMENTS:
            self._take_instruments(question, updates, at_ns)
            return
        link = self._seating.links.get(question.connection)
        seat = link.seats.get(question.name) if link is not None else None
        if link is None or seat is None:
            self.errors["answer", "late"] += 1
        elif question.purpose is Purpose.TRADES:
            trades = [one for one in updates if isinstance(one, TradeUpdate)]
            self._hearing.tell(seat.listing.tape.take_answer(trades, at_ns))
        elif question.epoch != seat.book.epoch:
            self.errors["answer", "late"] += 1
        else:
            self._take_snapshot(link, seat, updates, question, at_ns)

    def _take_instruments(self, question: Question, updates: Sequence[Update], at_ns: int) -> None:
        # A pair is unknown only when the last page does not have it either.
        self._listed += [one for one in updates if isinstance(one, Instrument)]
        page = next((one for one in updates if isinstance(one, NextPage)), None)
        if page is not None and question.page < PAGES_MAX:
            self._supply.ask_for_page(question, page)
            return
        listed, self._listed = self._listed, []
        self._learn(listed, at_ns)
        if any(listing.instrument is None for listing in self.listings.values()):
            self._instruments_due_ns = at_ns + LISTED_AGAIN_NS

    def _take_snapshot(
        self, link: Link, seat: Seat, updates: Sequence[Update], question: Question, at_ns: int
    ) -> None:
        snapshot = next((one for one in updates if isinstance(one, BookUpdate)), None)
        if snapshot is None:
            self._fail(question, "The answer has no book in it.", at_ns)
            return
        seat.ticket = 0
        seat.book.take_answer(snapshot, at_ns)
        self._muteness.hush(link, seat, at_ns)
        self._seating.follow_up(link, seat, at_ns)

    def _fail(self, question: Question, reason: str, at_ns: int) -> None:
        self.errors["answer", question.purpose] += 1
        if question.purpose is Purpose.INSTRUMENTS:
            self._listed = []
            if not self.plans:
                self._trouble = f"The list of symbols is not to be had: {reason}"
            self._instruments_due_ns = self._patience.next_at_ns(at_ns)
            return
        link = self._seating.links.get(question.connection)
        seat = link.seats.get(question.name) if link is not None else None
        if link is None or seat is None or question.purpose is not Purpose.SNAPSHOT:
            return
        if seat.book.epoch == question.epoch:
            seat.book.need = Need.SNAPSHOT
            self._supply.note_need(link, seat, at_ns)

    # ---- time ----

    def use_inboxes(self, has_waiting: Callable[[int], bool]) -> None:
        """Be told who knows whether frames of a connection wait that `received` was not given."""
        self._muteness.has_waiting = has_waiting

    def tick(self, at_ns: int) -> None:
        """Look for what time alone brings about: silence, overdue answers, lifetimes."""
        self._next_tick_ns = at_ns + TICK_NS
        if at_ns >= self._instruments_due_ns:
            self._instruments_due_ns = NEVER_NS
            self._supply.ask_for_instruments()
        for link in list(self._seating.links.values()):
            self._upkeep.look_at(link, at_ns)
            self._seating.hand_over(link, at_ns)
        for link, seat in self._seating:
            if seat.book.has_changed:
                self._seating.follow_up(link, seat, at_ns)

    # ---- what others look at ----

    def take_effects(self) -> list[Effect]:
        return self._supply.take_effects()

    @property
    def has_news(self) -> bool:
        """Whether a listing has changed, or there are trades, since they were last taken."""
        return bool(self._seating.changed or self._hearing.trades)

    def take_changed(self) -> list[Listing]:
        """Return the listings whose book or state has changed since this was last called."""
        return self._seating.take_changed()

    def take_trades(self) -> list[Trade]:
        """Return the trades since this was last called, in the order of their coming."""
        return self._hearing.take_trades()

    def status(self) -> FeedStatus:
        listings = list(self.listings.values())
        return feed_status(self.manifest.feed, listings, bool(self._seating.links), self._trouble)

    def pulse_at_ns(self, connection: int) -> int:
        """Return when a heartbeat or an answer to a ping came last; 0 if none has."""
        link = self._seating.links.get(connection)
        return link.pulse_at_ns if link is not None else 0

    @property
    def connections(self) -> list[ConnectionCounts]:
        """The counts of each open connection."""
        return [
            ConnectionCounts(
                link.number, link.plan.socket.name, link.opened_at_ns, link.frames, link.bytes
            )
            for link in self._seating.links.values()
        ]

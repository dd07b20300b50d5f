"""A recording played to desks: the same ones that books have in production.

The rule of this file: a desk hears what the recording heard, when it was heard, and nothing else.
What a desk wants done cannot be done any more: a question is answered by the recording's own next
answer to it, and for a new subscription a book waits until the recording has one.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from aggregator.books.desk import Desk, DeskOptions, Listing
from aggregator.books.effects import Fetch, Mismatch
from aggregator.books.plan import ConnectionPlan
from aggregator.books.words import Trade
from aggregator.captures.addresses import Connectors, find_feed, find_socket
from aggregator.captures.answers import STATUS_OK, Answers, Question
from aggregator.captures.checkpoints import read_checkpoint
from aggregator.captures.latencies import Latencies
from aggregator.captures.rows import Row, RowKind
from aggregator.protocol import FrameError, Instrument

TICK_NS = 250_000_000  # Of the recording's time; a desk in production is told the time as often.


@dataclass
class Playing:
    """A desk at work, and what only a replay knows of its books: by pair, how long each frame took
    that says something of it.
    """

    feed: str
    desk: Desk
    latencies: dict[str, Latencies] = field(default_factory=dict)
    mismatches: list[Mismatch] = field(default_factory=list)


class Player:
    """`playing` has the desks by feed, and `unknown_urls` what no connector is for.

    `trades` and `on_frame` let somebody watch: new trades, and how long a frame took its desk.
    """

    def __init__(self, connectors: Connectors, options: DeskOptions) -> None:
        self.playing: dict[str, Playing] = {}
        self.unknown_urls: dict[str, int] = {}
        self.rows_missing = 0
        self.trades: Callable[[list[Trade]], None] = lambda trades: None
        self.on_frame: Callable[[Playing, int], None] = lambda playing, took_ns: None
        self._connectors = connectors
        self._options = options
        self._answers = Answers()
        # By address and number in the recording: our own number, and of which desk.
        self._connections: dict[tuple[str, int | None], tuple[int, Playing]] = {}
        self._connections_count = 0
        self._ticked_at_ns = 0
        self._closes: list[Row] = []

    def play(self, row: Row) -> None:
        """Let the desk concerned hear of a row.

        The end of a connection is heard with the next row: what a recording ends with is that
        somebody stopped it, and its books are to be seen as they stood.
        """
        if row.kind is RowKind.CLOSE:
            self._closes.append(row)
            return
        closes, self._closes = self._closes, []
        for close in closes:
            self._close(close, close.data or "closed")
        self.rows_missing += row.dropped
        self._tick(row.at_ns)
        match row.kind:
            case RowKind.CONNECT:
                self._connect(row)
            case RowKind.RECV:
                self._receive(row)
            case RowKind.HTTP:
                self._answer(row)
            case RowKind.BOOK:
                self._stand(row)
            case _:
                pass  # What was sent is known from what came back.

    def _tick(self, at_ns: int) -> None:
        if at_ns - self._ticked_at_ns < TICK_NS:
            return
        self._ticked_at_ns = at_ns
        for playing in self.playing.values():
            playing.desk.tick(at_ns)
            self._collect(playing, at_ns)

    def _connect(self, row: Row) -> tuple[int, Playing] | None:
        # Nobody opens what is open: the recorder did not notice or note the end of the one before.
        self._close(row, "It was opened again.")
        said = row.feed if row.feed in self._connectors else ""
        feed = said or find_feed(row.url, self._connectors)
        if not feed:
            self.unknown_urls[row.url] = self.unknown_urls.get(row.url, 0)
            return None
        playing = self.playing.get(feed) or self._start(feed)
        manifest = self._connectors[feed][1]
        socket = manifest.sockets[find_socket(row.url, manifest)]
        self._connections_count += 1
        number = self._connections_count
        plan = ConnectionPlan(number=number, socket=socket, url=row.url, topics=(), messages=())
        self._connections[row.url, row.conn] = number, playing
        playing.desk.opened(number, plan, row.at_ns)
        self._collect(playing, row.at_ns)
        return number, playing

    def _start(self, feed: str) -> Playing:
        connector, manifest = self._connectors[feed]
        desk = Desk(connector, manifest, (), self._options, self._instruments(feed))
        playing = self.playing[feed] = Playing(feed, desk)
        return playing

    def _instruments(self, feed: str) -> list[Instrument]:
        connector, manifest = self._connectors[feed]
        request = connector.fetch_instruments(manifest)
        if request is None:
            return []
        found: list[Instrument] = []
        for row in self._answers.early(request.url):
            try:
                updates = request.read(row.body, row.url)
            except FrameError:
                continue
            found += [update for update in updates if isinstance(update, Instrument)]
        # Which of two symbols with one name in the messages was asked for is not known here: the
        # one that is called so itself stands for the name.
        own_names = {instrument.symbol for instrument in found}
        return [one for one in found if one.delivered_as not in own_names - {one.symbol}]

    def _receive(self, row: Row) -> None:
        # A recording may begin in the middle of a connection.
        connection = self._connections.get((row.url, row.conn)) or self._connect(row)
        if connection is None:
            self.unknown_urls[row.url] += 1
            return
        number, playing = connection
        listings = playing.desk.listings
        frame = row.body
        before = {pair: listing.counts.messages for pair, listing in listings.items()}
        started_ns = time.perf_counter_ns()
        playing.desk.received(number, frame, row.at_ns)
        took_ns = time.perf_counter_ns() - started_ns
        self.on_frame(playing, took_ns)
        for pair, listing in listings.items():
            # One frame may have several updates of a book, and is one message all the same.
            if listing.counts.messages != before.get(pair, 0):
                playing.latencies.setdefault(pair, Latencies()).add(took_ns)
        self._collect(playing, row.at_ns)

    def _stand(self, row: Row) -> None:
        connection = self._connections.get((row.url, row.conn)) or self._connect(row)
        book = read_checkpoint(row)
        if connection is not None and book is not None:
            number, playing = connection
            playing.desk.take_parsed(number, [book], row.at_ns)
            self._collect(playing, row.at_ns)

    def _answer(self, row: Row) -> None:
        question = self._answers.take(row)
        if question is not None:
            self._give(question, row, row.at_ns)
            self._collect(self.playing[question.feed], row.at_ns)

    def _give(self, question: Question, row: Row, at_ns: int) -> None:
        desk = self.playing[question.feed].desk
        if row.status in (None, STATUS_OK):
            desk.answered(question.fetch.ticket, row.body, row.url, at_ns)
        else:
            desk.unanswered(question.fetch.ticket, f"HTTP {row.status}", at_ns)

    def _close(self, row: Row, reason: str) -> None:
        connection = self._connections.pop((row.url, row.conn), None)
        if connection is not None:
            number, playing = connection
            playing.desk.closed(number, reason, row.at_ns)
            self._collect(playing, row.at_ns)

    def _collect(self, playing: Playing, at_ns: int) -> None:
        # An answer that is there at once may lead to the next wish.
        while effects := playing.desk.take_effects():
            for effect in effects:
                if isinstance(effect, Mismatch):
                    playing.mismatches.append(effect)
                elif isinstance(effect, Fetch):
                    self._ask(Question(playing.feed, effect), at_ns)
        self.trades(playing.desk.take_trades())
        playing.desk.take_changed()

    def _ask(self, question: Question, at_ns: int) -> None:
        row = self._answers.ask(question)
        if row is not None:
            self._give(question, row, at_ns)


def listings_of(playing: Iterable[Playing]) -> list[tuple[Playing, Listing]]:
    """Return every book with its desk, by name."""
    found = [(one, listing) for one in playing for listing in one.desk.listings.values()]
    return sorted(found, key=lambda pair: pair[1].name)

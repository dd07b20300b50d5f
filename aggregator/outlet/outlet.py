"""What is published after each drain: states first, then trades, then touches, then depth.

The rule of this file: it is called when everything that waited has been applied, takes what has
changed of every feed, and says it once. Nothing here waits, and nothing may come in between.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from aggregator.books.words import BookState, Trade
from aggregator.metrics import StageTimes
from aggregator.outlet.consolidated import ConsolidatedOutlet
from aggregator.outlet.listing import ListingOutlet
from aggregator.outlet.signals import SignalsOutlet
from aggregator.outlet.sources import Difference, Listing
from aggregator.outlet.statuses import StatusOutlet
from aggregator.outlet.texts import Texts
from shared.messages import FeedStatus
from shared.publishing import Publisher


class Desk(Protocol):
    """The books and trades of a feed."""

    @property
    def listings(self) -> Mapping[str, Listing]: ...
    @property
    def has_news(self) -> bool:
        """Whether there is anything to take."""

    def take_changed(self) -> Iterable[Listing]: ...
    def take_trades(self) -> Iterable[Trade]: ...


@dataclass(frozen=True)
class Feed:
    """A feed, as far as the outlet looks at it; `evidence` is what proves its books."""

    name: str
    evidence: str
    desk: Desk
    status: Callable[[], FeedStatus]


# What has changed, and as of when that is said.
_Changed = tuple[ListingOutlet, Difference, int]

# For what a feed has to say of itself without any book, and for books that are becoming live.
STATUS_INTERVAL_NS = 200_000_000


class Outlet:
    """Publishes the feeds of a process; `consolidated` and `signals` where they are wanted, and
    `stages` by feed where latencies are.
    """

    def __init__(
        self,
        publisher: Publisher,
        feeds: Iterable[Feed],
        *,
        levels_max: int,
        clock_ns: Callable[[], int],
        consolidated: ConsolidatedOutlet | None = None,
        signals: SignalsOutlet | None = None,
        stages: Mapping[str, StageTimes] | None = None,
        texts: Texts | None = None,
    ) -> None:
        self._publisher = publisher
        self._feeds = tuple(feeds)
        self._levels_max = levels_max
        self._clock_ns = clock_ns
        self._consolidated = consolidated
        self._signals = signals
        self._stages = {} if stages is None else stages
        self._publish_times = {
            feed: times.histograms["publish"] for feed, times in self._stages.items()
        }
        self._texts = Texts() if texts is None else texts
        self._statuses = StatusOutlet(publisher, [feed.name for feed in self._feeds])
        self._statuses_due_ns = 0
        self._whole: dict[str, tuple[ListingOutlet, Difference]] = {}  # Put off, by book.
        self._listings: dict[str, ListingOutlet] = {}
        for feed in self._feeds:
            for listing in feed.desk.listings.values():
                self._open(feed, listing)

    @property
    def dropped_trades(self) -> int:
        """Trades that nobody was sent, as they waited for Redis for too long."""
        merged = self._consolidated.dropped_trades if self._consolidated else 0
        return merged + sum(each.dropped_trades for each in self._listings.values())

    def pass_time(self) -> None:
        """Say what time alone has changed; `TURNS_A_SECOND` times a second."""
        at_ns = self._clock_ns()
        if self._signals is not None:
            self._signals.pass_time(at_ns)

    def say(self, flush: Callable[[], bool]) -> None:
        """Publish all that has changed: `flush` writes what was said. What is only taken note of,
        for `say_more`, is so afterwards: nobody waits for it.
        """
        at_ns = self._clock_ns()
        changed: list[_Changed] = []
        trades: list[Trade] = []
        feeds_changed: dict[str, int] = {}
        is_another = is_lost = False
        for feed in self._feeds:
            desk = feed.desk
            if not desk.has_news:
                continue
            for listing in desk.take_changed():
                difference, outlet = listing.take_change(), self._outlet_of(feed, listing)
                is_another |= outlet.is_state_new
                is_lost |= listing.state is not BookState.LIVE
                if difference.bids or difference.asks:
                    # What was received is said as of then, so that its age can be told.
                    of_ns = feeds_changed[feed.name] = listing.book.received_at_ns
                    changed.append((outlet, difference, of_ns))
                else:
                    changed.append((outlet, difference, at_ns))
            trades += desk.take_trades()
        if is_another or at_ns >= self._statuses_due_ns:
            self._say_statuses(at_ns)
        if trades:
            self._say_trades(trades)
        self._say_changes(changed)
        if is_lost:
            self._pass_on(changed)
            self._say_lost(changed, at_ns)
        if flush():
            self._measure(feeds_changed)
        if not is_lost:
            self._pass_on(changed)

    def _say_changes(self, changed: Sequence[_Changed]) -> None:
        for outlet, _, of_ns in changed:
            outlet.say_touch(of_ns)
        for outlet, difference, of_ns in changed:
            if outlet.put_off(difference):
                self._whole[outlet.listing.name] = outlet, difference
            else:
                outlet.say_book(of_ns, difference)

    def _pass_on(self, changed: Iterable[_Changed]) -> None:
        if self._consolidated is not None:
            for outlet, difference, _ in changed:
                self._consolidated.look(outlet.listing, difference)

    def _say_lost(self, changed: Iterable[_Changed], at_ns: int) -> None:
        # That a book is not live any more cannot wait for a turn.
        if self._consolidated is not None and self._consolidated.is_urgent:
            self._consolidated.say_books(at_ns, self._clock_ns)
        if self._signals is not None:
            self._signals.look([outlet.listing for outlet, *_ in changed], at_ns)

    @property
    def is_more_to_say(self) -> bool:
        """Whether `say` has left something for `say_more`."""
        is_waiting = self._consolidated is not None and self._consolidated.is_waiting
        return is_waiting or bool(self._whole)

    @property
    def is_urgent(self) -> bool:
        """Whether that says that a book is not live any more."""
        return self._consolidated is not None and self._consolidated.is_urgent

    def say_more(self, flush: Callable[[], bool]) -> None:
        """Publish what no venue's frame should wait for: one whole book of those that have just
        become live, and some consolidated books with all their changes of some milliseconds.
        """
        at_ns = self._clock_ns()
        if self._whole:
            outlet, difference = self._whole.pop(next(iter(self._whole)))
            outlet.say_book(at_ns, difference)
        if self._consolidated is not None:
            self._consolidated.say_books(at_ns, self._clock_ns)
        flush()

    def _say_statuses(self, at_ns: int) -> None:
        # To ask every feed costs as much as all of the rest, so it is asked when something of it
        # is known to be another one, and now and then.
        is_due = at_ns >= self._statuses_due_ns
        if is_due:
            self._statuses_due_ns = at_ns + STATUS_INTERVAL_NS
        self._statuses.say([feed.status() for feed in self._feeds], at_ns, is_due=is_due)

    def _say_trades(self, trades: list[Trade]) -> None:
        # Python's sort is stable: of one moment, they stay in the order of their feed.
        trades.sort(key=_received_at_ns)
        for trade in trades:
            said = self._listings[trade.book].say_trade(trade)
            if self._consolidated is not None:
                self._consolidated.say_trade(trade.book, trade.received_at_ns, said)
            if self._signals is not None:
                self._signals.add_trade(trade)

    def _measure(self, feeds_changed: Mapping[str, int]) -> None:
        # Of every round that was written: the system has all of it for Redis.
        if feeds_changed and self._stages:
            now_ns = self._clock_ns()
            for feed, received_at_ns in feeds_changed.items():
                self._publish_times[feed].add(now_ns - received_at_ns)

    def _outlet_of(self, feed: Feed, listing: Listing) -> ListingOutlet:
        outlet = self._listings.get(listing.name)
        return self._open(feed, listing) if outlet is None else outlet

    def _open(self, feed: Feed, listing: Listing) -> ListingOutlet:
        opened = self._listings[listing.name] = ListingOutlet(
            listing,
            self._publisher,
            self._texts,
            levels_max=self._levels_max,
            evidence=feed.evidence,
        )
        at_ns, nothing = self._clock_ns(), listing.take_change()
        opened.say_touch(at_ns)
        opened.say_book(at_ns, nothing)
        if self._consolidated is not None:
            self._consolidated.add_book(listing.name)
            self._consolidated.look(listing, nothing)
        if self._signals is not None:
            self._signals.add_book(listing)
        return opened


def _received_at_ns(trade: Trade) -> int:
    return trade.received_at_ns

"""The real feed and its desk against a simulated venue, judged after every round.

The rule of this file: a book that is shown as live has to be the venue's own book of its time, to
the last digit, whatever the venue does.
"""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from aggregator.books.desk import Desk
from aggregator.books.rules import DeskOptions
from aggregator.books.side import Side
from aggregator.books.words import BookState, Trade
from aggregator.feed.common import Limits
from aggregator.feed.fleet import Fleet
from aggregator.offline.market import Market
from aggregator.offline.server import VenuesServer
from aggregator.registry import load_connectors
from tests.support.deadlines import eventually_async

SHOWN = 40  # Levels a side that are compared: inside of every snapshot.


@dataclass
class Judge:
    """One feed with one pair."""

    desk: Desk
    market: Market
    pair: str
    compared: int = 0
    was_live: int = 0
    trades: list[Trade] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def look(self) -> None:
        """Compare what is live now."""
        self.trades += self.desk.take_trades()
        listing = self.desk.listings.get(self.pair)
        if listing is None or listing.state is not BookState.LIVE:
            return
        self.was_live += 1
        book = listing.book
        # Where messages have the market's own numbers those are best: a snapshot has one too,
        # and some have no time.
        if self.desk.manifest.venue == "binance":
            bids, asks = self.market.book_at(book.last_id)
        else:
            bids, asks = self.market.book_at_time(book.venue_at_ns)
        tick, step = self.market.listed.tick.units, self.market.listed.step.units
        depth = min(SHOWN, self.desk.manifest.depth_default or SHOWN)
        for side, truth in ((book.bids, bids), (book.asks, asks)):
            real = {ticks * tick * side.sign: steps * step for ticks, steps in truth.items()}
            if not _agrees(side, real, depth):
                self.wrong.append(f"{listing.name} at {book.venue_at_ns}, number {book.last_id}")
        self.compared += 1

    async def see(self, more: int) -> None:
        """Wait until so many more live books were compared; none may be wrong."""
        wanted = self.compared + more
        await eventually_async(lambda: self.compared >= wanted)
        assert not self.wrong, self.wrong[:3]

    @property
    def resyncs(self) -> int:
        return self.desk.listings[self.pair].counts.resyncs


def _agrees(side: Side, real: dict[int, int], depth: int) -> bool:
    keys = sorted(real)[-depth:]
    return side.keys[-depth:] == keys and all(side.quantities[key] == real[key] for key in keys)


@contextlib.asynccontextmanager
async def judged(venues: VenuesServer, feed: str, at_ns: int) -> AsyncIterator[Judge]:
    """Follow the first default pair of a feed until the end of the block."""
    connector, manifest = load_connectors()[feed]
    pair = manifest.symbols_default[0]
    floor = venues.floor(feed)
    symbol = next(entry.symbol for entry in floor.listed.values() if entry.pair == pair)
    market = floor.market(symbol, at_ns)
    assert market is not None
    desk = Desk(connector, manifest, [pair], DeskOptions())
    judge = Judge(desk, market, pair)
    fleet = Fleet(
        [desk],
        on_drained=judge.look,
        offline_address=f"127.0.0.1:{venues.port}",
        limits=Limits(backoff_first_s=0.05, backoff_max_s=0.5),
    )
    fleet.start()
    try:
        yield judge
    finally:
        await fleet.close()

"""The settings of the aggregator: which outside exchanges are followed, how, and how much is kept.

The rule of this file: declarations, as in `settings.py`, of which these are a part. Texts that are
lists are read by `settings_lists.py`; whether a feed or a pair exists, only the aggregator knows.
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated

import msgspec
from msgspec import Meta

from shared.settings_lists import (
    fault_of,
    read_address,
    read_cpus,
    read_events,
    read_feed_url,
    read_feeds,
    read_fees,
    read_numbers,
    read_pairs,
    read_quotes,
    read_venues,
)

AGGREGATORS_MAX = 16  # One for each venue, and no more than a machine has cores to spare.


class OutsideSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What `Settings` has of outside exchanges."""

    aggregator_enabled: Annotated[
        bool, Meta(description="Whether `rialto up` runs the aggregator of outside exchanges.")
    ] = True
    aggregators: Annotated[
        int,
        Meta(
            ge=1,
            le=AGGREGATORS_MAX,
            description="How many aggregators share the venues; the first one also builds the "
            "consolidated books of all.",
        ),
    ] = 1
    aggregator_venues: Annotated[
        str,
        Meta(
            description="Which venues each of several aggregators follows: `binance+kraken,bybit`. "
            "Empty: each venue goes to the next one in turn."
        ),
    ] = ""
    aggregator_host: Annotated[
        str, Meta(min_length=1, description="The aggregator tells here how it does.")
    ] = "127.0.0.1"
    aggregator_port: Annotated[
        int,
        Meta(ge=1, le=65_535, description="Its port; of several, each has the next one."),
    ] = 8090
    aggregator_cpus: Annotated[
        str,
        Meta(
            description="Processors that aggregators may use, like `2,4-5`; of several aggregators "
            "each has one of them in turn. Empty: any."
        ),
    ] = ""
    venues: Annotated[
        str, Meta(description="The feeds to follow: venue:market, comma between.")
    ] = "binance:spot,bybit:linear,kraken:spot,coinbase:spot"
    venues_address: Annotated[
        str,
        Meta(
            description="Where a server like `rialto venues` stands in for all venues, like "
            "127.0.0.1:8095. Empty: the venues themselves."
        ),
    ] = ""
    offline: Annotated[
        bool,
        Meta(
            description="Whether `rialto up` runs simulated venues as well, and the aggregator "
            "follows those, whatever venues_address says: no internet is needed."
        ),
    ] = False
    venues_port: Annotated[
        int, Meta(ge=1, le=65_535, description="The port of those, on loopback.")
    ] = 8095
    outside_pairs: Annotated[
        str,
        Meta(
            description="The pairs to follow, like `BTC/USDT,kraken:spot=BTC/USD+ETH/USD`: those "
            "of a feed of its own, the others for all. Empty: nine of each feed."
        ),
    ] = ""
    outside_depths: Annotated[
        str,
        Meta(
            description="How many levels a side to ask of feeds, like `kraken:spot=25`: each gives "
            "the next depth that it has. Others, and 0: what proves the book best."
        ),
    ] = ""
    outside_intervals_ms: Annotated[
        str,
        Meta(
            description="How often feeds should send changes, like `binance:spot=1000`. Others: as "
            "often as they do."
        ),
    ] = ""
    outside_events: Annotated[
        str,
        Meta(
            description="What to ask of venues: some of book, touch (their own best bid and ask, "
            "by which some books are proven), trades."
        ),
    ] = "book,touch,trades"
    book_levels_kept: Annotated[
        int,
        Meta(
            ge=50,
            le=100_000,
            description="Levels a side that are kept of an outside book once it has ten times as "
            "many.",
        ),
    ] = 1_000
    reconnect_attempts_max: Annotated[
        int,
        Meta(
            ge=0,
            le=1_000_000,
            description="After so many failures in a row a feed is halted until `rialto aggregator "
            "resume`; 0 is never.",
        ),
    ] = 0
    reconnect_wait_s_max: Annotated[
        int,
        Meta(
            ge=1,
            le=3_600,
            description="The longest wait before a connection to a venue is tried again; it "
            "doubles up to that.",
        ),
    ] = 30
    breaker_pause_s: Annotated[
        int,
        Meta(
            ge=1,
            le=86_400,
            description="How long a venue is left alone after six failures in a row.",
        ),
    ] = 60
    frames_waiting_max: Annotated[
        int,
        Meta(
            ge=4_096,  # One read of a socket can bring some thousands of small ones.
            le=1_000_000,
            description="Frames of one connection that may wait; with more it begins anew.",
        ),
    ] = 16_384
    quote_map: Annotated[
        str,
        Meta(
            description="Quote assets that count as another one in consolidated books, like "
            "`USDT=USD,USDC=USD`. Empty: each for itself."
        ),
    ] = ""
    taker_fees_ppm: Annotated[
        str,
        Meta(
            description="What you pay as a taker, in millionths of the amount, by feed, like "
            "`kraken:spot=2400`. Others: what the venue takes from who trades little."
        ),
    ] = ""
    signals_enabled: Annotated[
        bool, Meta(description="Whether signals are computed and published.")
    ] = True
    metrics_enabled: Annotated[
        bool, Meta(description="Whether latencies are measured, at a cost of some 2 % of speed.")
    ] = True
    metrics_feed_url: Annotated[
        str,
        Meta(
            description="The feed where an aggregator listens to itself, to measure how old its "
            "messages are when a client has them. Empty: the one of ws_host and ws_port."
        ),
    ] = ""
    flights_dir: Annotated[
        str,
        Meta(
            description="The folder of raw frames that led to a wrong book. Empty: flights in home."
        ),
    ] = ""
    flights_kept: Annotated[
        int,
        Meta(
            ge=0,
            le=10_000,
            description="How many of those bundles stay; the oldest go first, 0 keeps none.",
        ),
    ] = 20

    @property
    def feeds(self) -> tuple[str, ...]:
        """The feeds to follow, sorted."""
        return tuple(sorted(read_feeds(self.venues)))

    @property
    def pairs_by_feed(self) -> dict[str, tuple[str, ...]]:
        """The pairs of each feed that has its own, and of all others under ""."""
        return read_pairs(self.outside_pairs)

    @property
    def depths_by_feed(self) -> dict[str, int]:
        return read_numbers(self.outside_depths)

    @property
    def intervals_by_feed(self) -> dict[str, int]:
        return read_numbers(self.outside_intervals_ms)

    @property
    def events(self) -> tuple[str, ...]:
        return read_events(self.outside_events)

    @property
    def quotes(self) -> dict[str, str]:
        """Which quote asset counts as which."""
        return read_quotes(self.quote_map)

    @property
    def fees_by_feed(self) -> dict[str, int]:
        """Taker fees in millionths."""
        return read_fees(self.taker_fees_ppm)

    @property
    def stand_in_address(self) -> str:
        """Where all venues are called instead; empty: at their own addresses."""
        return f"127.0.0.1:{self.venues_port}" if self.offline else self.venues_address

    @property
    def aggregator_ports(self) -> range:
        """The ports of the aggregators, in their order; none where there is no aggregator."""
        count = self.aggregators if self.aggregator_enabled else 0
        return range(self.aggregator_port, self.aggregator_port + count)

    def feeds_of(self, number: int) -> tuple[str, ...]:
        """Return the feeds that aggregator `number` (from 1) follows: whole venues, so that one
        process speaks for a venue.
        """
        listed = read_venues(self.aggregator_venues)
        by_turns = tuple(dict.fromkeys(feed.partition(":")[0] for feed in self.feeds))
        parts = listed or tuple(by_turns[at :: self.aggregators] for at in range(self.aggregators))
        ours = parts[number - 1] if number <= len(parts) else ()
        return tuple(feed for feed in self.feeds if feed.partition(":")[0] in ours)

    def cpus_of(self, number: int) -> tuple[int, ...]:
        """Return the processors that aggregator `number` (from 1) may use; none: any."""
        cpus = read_cpus(self.aggregator_cpus)
        if self.aggregators == 1 or not cpus:
            return cpus
        return (cpus[(number - 1) % len(cpus)],)

    def sharing_fault(self) -> str:
        """Return in a sentence why the aggregators cannot share the venues so; "" if they can."""
        listed = read_venues(self.aggregator_venues)
        if not listed:
            return ""
        if len(listed) != self.aggregators:
            return f"aggregator_venues has {len(listed)} parts for {self.aggregators} aggregators."
        named = {venue for part in listed for venue in part}
        for feed in self.feeds:
            if feed.partition(":")[0] not in named:
                return f"aggregator_venues leaves out {feed}."
        return ""


OUTSIDE_FAULTS: dict[str, Callable[[str], str | None]] = {
    "aggregator_venues": partial(fault_of, read_venues),
    "aggregator_cpus": partial(fault_of, read_cpus),
    "venues": partial(fault_of, read_feeds),
    "venues_address": partial(fault_of, read_address),
    "outside_pairs": partial(fault_of, read_pairs),
    "outside_depths": partial(fault_of, read_numbers),
    "outside_intervals_ms": partial(fault_of, read_numbers),
    "outside_events": partial(fault_of, read_events),
    "quote_map": partial(fault_of, read_quotes),
    "taker_fees_ppm": partial(fault_of, read_fees),
    "metrics_feed_url": partial(fault_of, read_feed_url),
}

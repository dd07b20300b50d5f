"""What the aggregator says of itself: the channel `metrics`, and the page /metrics.

The rule of this file: it is asked once a second, and reads counters that are kept anyway.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from aggregator.books.desk import Desk, Listing
from aggregator.books.shown import Shown
from aggregator.feed.fleet import Fleet
from aggregator.metrics import Rates, StageTimes
from aggregator.metrics.process import ProcessGauges
from aggregator.others import Others
from shared.messages import BookState
from shared.publishing import Publisher, PublisherLink
from shared.publishing.link import UNANSWERED_MAX

BPS = 10_000
PREFIX = "rialto_aggregator"

Number = int | str | None
Parts = dict[str, Any]


class Figures:
    """Everything that is counted, of one process."""

    def __init__(
        self,
        fleet: Fleet,
        stages: Mapping[str, StageTimes],
        publisher: Publisher,
        link: PublisherLink,
        others: Others | None = None,
    ) -> None:
        self._fleet = fleet
        self._others = others
        self._stages = stages
        self._publisher = publisher
        self._link = link
        self._gauges = ProcessGauges()
        self._rates: dict[str, Rates] = {}
        self.parts: Parts = {}  # As of the last second.

    def read(self, at_ns: int) -> Parts:
        """Take stock; about once a second."""
        desks = self._desks()
        self.parts = {
            "books": {
                listing.name: self._book(listing, at_ns)
                for desk in desks
                for listing in desk.listings.values()
            },
            "connections": list(self._connections(at_ns)),
            "feeds": {name: self._feed(name) for name in self._fleet.feeds},
            "stages_us": self._stage_times(at_ns),
            "queues": self._queues(),
            "loop": {
                "rounds": self._fleet.drain.rounds,
                "longest_round_us": int(1_000_000 * self._fleet.drain.longest_s),
                "longest_round_cpu_us": int(1_000_000 * self._fleet.drain.longest_cpu_s),
            },
            "process": self._gauges.read(),
            "others": self._others.counts() if self._others is not None else {},
        }
        return self.parts

    def _desks(self) -> Sequence[Desk]:
        return [feed.desk for feed in self._fleet.feeds.values()]  # type: ignore[misc]

    def _book(self, listing: Listing, at_ns: int) -> dict[str, Number]:
        counts = msgspec.structs.asdict(listing.counts)
        rates = self._rates.setdefault(listing.name, Rates())
        moving = {name: counts[name] for name in ("messages", "updates", "trades")}
        book = listing.book
        is_live = listing.state is BookState.LIVE
        heard_ns = book.received_at_ns
        return {
            "state": listing.state,
            **{f"{name}_per_s": rate for name, rate in rates.read(moving, at_ns).items()},
            "spread_bps_e2": spread_bps_e2(book) if is_live else None,
            "age_ms": max(at_ns - heard_ns, 0) // 1_000_000 if heard_ns else None,
            "bid_levels": len(book.bids),
            "ask_levels": len(book.asks),
            **counts,
        }

    def _connections(self, at_ns: int) -> Iterator[dict[str, Number]]:
        for name, feed in self._fleet.feeds.items():
            for view in feed.connections():
                yield {
                    "feed": name,
                    "connection": view.connection,
                    "uptime_s": max(at_ns - view.opened_at_ns, 0) // 1_000_000_000,
                    "frames": view.frames,
                    "bytes_received": view.bytes_received,
                    "bytes_sent": view.bytes_sent,
                    "frames_waiting": view.waiting,
                    "frames_waiting_max": view.waiting_max,
                }

    def _feed(self, name: str) -> dict[str, Any]:
        feed = self._fleet.feeds[name]
        counts = msgspec.structs.asdict(feed.counts)
        # The feed counts a connection when it has ended.
        for view in feed.connections():
            counts["frames"] += view.frames
            counts["bytes_received"] += view.bytes_received
            counts["bytes_sent"] += view.bytes_sent
        errors = getattr(feed.desk, "errors", {})
        return {
            "state": feed.status().state,
            "clock_skew_ms": clock_skew_ms(getattr(feed.desk, "listings", {}).values()),
            **{key: value for key, value in counts.items() if isinstance(value, int)},
            "close_codes": {str(code): count for code, count in feed.counts.close_codes.items()},
            "failures": dict(feed.counts.failures),
            "errors": {f"{category}.{code}": count for (category, code), count in errors.items()},
        }

    def _stage_times(self, at_ns: int) -> dict[str, dict[str, dict[str, int]]]:
        said = {}
        for name, times in self._stages.items():
            times.slide(at_ns)
            said[name] = times.report()
        return said

    def _queues(self) -> dict[str, dict[str, Number]]:
        frames = {
            f"frames {name}": msgspec.structs.asdict(feed.queue_counts())
            for name, feed in self._fleet.feeds.items()
        }
        return frames | {
            "publishing": {
                "policy": "coalesce",
                "capacity": UNANSWERED_MAX,
                **self._publisher.flow()._asdict(),
                "waiting_max": self._link.unanswered_max,
                "unanswered": self._link.unanswered,
                "published": self._link.published,
                "held_back": self._link.held_back,
            }
        }

    def page(self) -> bytes:
        """Return the figures of the last second for a scraper."""
        return ("\n".join(prometheus_lines(self.parts)) + "\n").encode()


class Timed(Protocol):
    """When a book's last update was sent and received."""

    venue_at_ns: int
    received_at_ns: int


class Clocked(Protocol):
    @property
    def state(self) -> BookState: ...
    @property
    def book(self) -> Timed: ...


def clock_skew_ms(listings: Iterable[Clocked]) -> int | None:
    """Return how far a venue's clock and ours are apart, with the way to here in it, as the
    quickest update of now tells it: below zero, ours is behind. None if no live book says.
    """
    live = [one.book for one in listings if one.state is BookState.LIVE and one.book.venue_at_ns]
    took_ns = [book.received_at_ns - book.venue_at_ns for book in live]
    return min(took_ns) // 1_000_000 if took_ns else None


def spread_bps_e2(book: Shown) -> int | None:
    """Return the spread in hundredths of a basis point of the mid price, rounded down; None where
    a side is empty.
    """
    bid, ask = book.bids.best_price, book.asks.best_price
    if bid is None or ask is None or bid + ask <= 0:
        return None
    return (ask - bid) * 2 * BPS * 100 // (bid + ask)


def prometheus_lines(parts: Mapping[str, Any]) -> Iterator[str]:
    """Yield every number as a line of the text format, with what it is of as labels."""
    for name, book in parts.get("books", {}).items():
        yield from _lines("book", {"book": name}, book)
    for connection in parts.get("connections", ()):
        numbers = {key: value for key, value in connection.items() if key != "connection"}
        labels = {"feed": connection["feed"], "connection": str(connection["connection"])}
        yield from _lines("connection", labels, numbers)
    for name, feed in parts.get("feeds", {}).items():
        yield from _lines("feed", {"feed": name}, feed)
        for inner, label in (("close_codes", "code"), ("failures", "kind"), ("errors", "kind")):
            for key, count in feed.get(inner, {}).items():
                yield from _lines("feed", {"feed": name, label: key}, {inner: count})
    for name, stages in parts.get("stages_us", {}).items():
        for stage, numbers in stages.items():
            yield from _lines("stage_us", {"feed": name, "stage": stage}, numbers)
    for name, queue in parts.get("queues", {}).items():
        yield from _lines("queue", {"queue": name}, queue)
    for part in ("loop", "process", "others"):
        yield from _lines(part, {}, parts.get(part, {}))


def _lines(part: str, labels: Mapping[str, str], numbers: Mapping[str, Any]) -> Iterator[str]:
    listed = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())
    braces = f"{{{listed}}}" if listed else ""
    for name, number in numbers.items():
        if isinstance(number, int):
            yield f"{PREFIX}_{part}_{name}{braces} {int(number)}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

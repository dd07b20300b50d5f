"""An exchange of processes with aggregators, which follow venues that the test itself runs.

The rule of this file: the venues live in the test's own process, so that it has their truth and
their faults at hand; everything of ours is a process, killed and started again by the test alone.
"""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import msgspec

from aggregator.offline.discovery import load_speakers
from aggregator.offline.server import VenuesServer
from rialto.client import RefusedError
from rialto.client.feed import AsyncFeed
from shared.feed import Wanted
from shared.messages import FeedState
from tests.support.deadlines import eventually_async
from tests.support.feed_exchange import VENUE, FeedExchange, running_feed_exchange
from tests.support.outside_judge import EVERYTHING, OutsideJudge
from tests.support.processes import ROOT, Service

LIVE_DEADLINE_S = 40.0  # All books of all venues, on two busy cores.
COMMAND_DEADLINE_S = 60.0


@dataclass
class OutsideExchange:
    """The running whole; `aggregators` by number, from 0."""

    inner: FeedExchange
    venues: VenuesServer
    aggregators: list[Service]
    aggregator_port: int
    settings: dict[str, object]
    dead: set[int] = field(default_factory=set)
    judge: OutsideJudge = field(init=False)
    feed: AsyncFeed = field(init=False)

    @contextlib.asynccontextmanager
    async def judged(self, *channels: str) -> AsyncIterator[OutsideJudge]:
        """Follow everything, or these channels, with all levels and at once; judge all of it."""
        async with self.inner.session():
            self.judge = OutsideJudge(self.venues)
            self.feed = AsyncFeed(self.inner.feed_url, on_update=self.judge.note)
            self.judge.feed = self.feed
            async with self.feed:
                await eventually_async(lambda: self._subscribed(channels or EVERYTHING))
                yield self.judge
            self.judge.check()

    async def _subscribed(self, channels: Sequence[str]) -> bool:
        # A kind of channel is there as soon as the broadcaster has heard of the aggregator.
        wanted = [
            Wanted(channel=name, interval_ms=0, levels=0 if name.startswith("book:") else None)
            for name in channels
        ]
        try:
            await self.feed.subscribe(*wanted)
        except RefusedError as refused:
            if refused.code != "UNKNOWN_CHANNEL":
                raise
            return False
        return True

    async def live(self, count: int, feed: str = "", deadline_s: float = LIVE_DEADLINE_S) -> None:
        """Wait until so many books, of a feed or of all, are shown as live."""

        def are_live() -> bool:
            self.judge.check()
            for number, aggregator in enumerate(self.aggregators):
                if number not in self.dead:
                    aggregator.fail_if_ended()
            found = len(self.judge.live_books(feed))
            assert found == count, f"{found} of {count}: {self.not_live(feed)}"
            return True

        await eventually_async(are_live, deadline_s)

    async def moved_on(self, feed: str = "", more: int = 2) -> None:
        """Wait until every live book has been shown so many times more."""
        names = self.judge.live_books(feed)
        wanted = {name: self.judge.live[name] + more for name in names}
        await eventually_async(
            lambda: all(self.judge.live[name] >= count for name, count in wanted.items())
        )
        self.judge.check()

    async def merged_on(self) -> None:
        """Wait until consolidated books have of each live book what it is from now on."""
        now_ns = {name: self.judge.market(name).at_ns for name in self.judge.live_books()}
        await eventually_async(
            lambda: all(self.judge.merged_at_ns.get(name, 0) > at for name, at in now_ns.items()),
            LIVE_DEADLINE_S,
        )
        self.judge.check()

    def kill(self, number: int) -> None:
        """End an aggregator as a crash would, until `start`."""
        self.dead.add(number)
        self.aggregators[number].kill()

    def start(self, number: int) -> None:
        self.aggregators[number].start()
        self.dead.discard(number)

    def not_live(self, feed: str = "") -> dict[str, str]:
        return {
            name: f"{info.state}: {info.reason}"
            for name, info in self.judge.books.items()
            if name.startswith(feed) and name not in self.judge.live_books()
        }

    async def is_told(self, venue: str, *states: FeedState | str, deadline_s: float = 20) -> str:
        """Wait until a state that is one of these was told of a venue or a book of it, with a
        reason; return that.
        """

        def reason() -> str:
            told = self.judge.told.get(venue, [])
            return next((why for state, why in told if state in states and why), "")

        return await eventually_async(reason, deadline_s)

    async def status(self, number: int = 0) -> dict[str, dict[str, object]]:
        """Return what an aggregator says at its own door, by feed."""
        async with httpx.AsyncClient() as http:
            answer = await http.get(f"http://127.0.0.1:{self.aggregator_port + number}/status")
        return {one["feed"]: one for one in answer.json()}

    def metric(self, part: str, name: str, key: str, producer: str = "aggregator") -> int:
        """Return a number of the channel `metrics` as it was last said."""
        said = self.judge.metrics[producer]
        found = msgspec.json.decode(said.parts[part])[name][key]
        assert isinstance(found, int)
        return found

    @property
    def environ(self) -> dict[str, str]:
        """The settings, for commands."""
        ours = {f"RIALTO_{key.upper()}": str(value) for key, value in self.settings.items()}
        return {**os.environ, **ours}


def run_command(
    *words: str, environ: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `rialto` with these words until it ends."""
    return subprocess.run(
        [sys.executable, "-m", "rialto", *words],
        cwd=ROOT,
        env={**(environ or os.environ), "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=COMMAND_DEADLINE_S,
        check=False,
    )


@contextlib.asynccontextmanager
async def running_venues(rate: float, seed: int = 1) -> AsyncIterator[VenuesServer]:
    """Run all venues in this process."""
    server = VenuesServer(load_speakers(), rate=rate, seed=seed)
    await server.start("127.0.0.1", 0)
    try:
        yield server
    finally:
        await server.stop()


def choose_ports(count: int) -> int:
    """Return the first of so many free ports in a row."""
    while True:
        with contextlib.ExitStack() as stack:
            first = stack.enter_context(_bound(0)).getsockname()[1]
            try:
                for port in range(first + 1, first + count):
                    stack.enter_context(_bound(port))
            except (OSError, OverflowError):
                continue
            return int(first)


@contextlib.contextmanager
def _bound(port: int) -> Iterator[socket.socket]:
    with socket.socket() as door:
        door.bind(("127.0.0.1", port))
        yield door


@contextlib.asynccontextmanager
async def running_outside_exchange(
    redis_url: str, folder: Path, simulated: VenuesServer, **wishes: object
) -> AsyncIterator[OutsideExchange]:
    """Run it for as long as the block lasts; `wishes` are settings of the aggregators."""
    count = int(str(wishes.get("aggregators", 1)))
    port = choose_ports(count)
    async with running_feed_exchange(redis_url, folder) as inner:
        settings: dict[str, object] = {
            "redis_url": redis_url,
            "venue": VENUE,
            "venues_address": f"127.0.0.1:{simulated.port}",
            "aggregator_port": port,
            "ws_port": int(inner.feed_url.split(":")[2].split("/")[0]),
            "home": inner.home,
            **wishes,
        }
        aggregators = [
            Service(
                "aggregator",
                inner.home,
                settings,
                arguments=[str(number + 1)],
                label=f"aggregator-{number + 1}",
            )
            for number in range(count)
        ]
        for aggregator in aggregators:
            aggregator.start()
        try:
            yield OutsideExchange(inner, simulated, aggregators, port, settings)
        finally:
            for aggregator in aggregators:
                if aggregator.is_running:
                    aggregator.kill()

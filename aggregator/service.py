"""The aggregator put together: venues in, channels out. The only place where its parts meet.

The rule of this file: it wires, starts in order and ends in the opposite one. What is ready is what
can publish; how the venues do is said on their channels, and keeps nobody from anything.
"""

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import msgspec

from aggregator.books.desk import Desk
from aggregator.client_probe import ClientProbe
from aggregator.feed.common import Limits
from aggregator.feed.fleet import Fleet
from aggregator.feed.runner import Feed
from aggregator.figures import Figures
from aggregator.flying import make_flight_recorder, note_mismatch
from aggregator.measuring import Measuring
from aggregator.merge import MergeOptions
from aggregator.metrics import StageTimes
from aggregator.others import Others
from aggregator.outlet import outlet
from aggregator.outlet.consolidated import ConsolidatedOutlet
from aggregator.outlet.door import TEXT, Door, Page
from aggregator.outlet.listing import RANK_REST
from aggregator.outlet.outlet import Outlet
from aggregator.outlet.signals import TURNS_A_SECOND, SignalsOutlet
from aggregator.outlet.texts import Texts
from aggregator.protocol import Evidence, Kind
from shared.channels import Keys
from shared.listener import Listener
from shared.logs import get_logger
from shared.messages import AggregatorMetrics
from shared.operating_outside import read_order
from shared.publishing import Publisher, PublisherLink
from shared.settings import Settings
from shared.tasks import spawn, stop
from shared.wire import DecodeError

SECOND_S = 1.0
# What changes within so long is one change of a consolidated book; of many symbols, some have their
# turn each time, and it is twice as long or more.
MORE_S = 0.005

_encode = msgspec.json.Encoder().encode

_log = get_logger(__name__)


def producer_of(number: int) -> str:
    """Return the name under which aggregator `number` (from 1) publishes."""
    return "aggregator" if number == 1 else f"aggregator-{number}"


def metrics_name(producer: str) -> str:
    """Return the channel of a producer's figures; the first one's has the plain name."""
    return "metrics" if producer == producer_of(1) else f"metrics:{producer}"


class Aggregator:
    """One process of the aggregator; `start` before and `close` after.

    The first of several builds the consolidated books, of its own feeds and of the others'; so
    `merging` has the fees of all.
    """

    def __init__(
        self,
        settings: Settings,
        number: int,
        redis_url: str,
        desks: Sequence[Desk],
        *,
        merging: MergeOptions,
    ) -> None:
        self._settings = settings
        self._number = number
        producer, keys = producer_of(number), Keys(settings.venue)
        self._publisher = Publisher(producer, keys, boot_us=time.time_ns() // 1_000)
        self.link = PublisherLink(redis_url, keys, self._publisher)
        feeds = [desk.manifest.feed for desk in desks]
        self._stages = {feed: StageTimes() for feed in feeds if settings.metrics_enabled}
        self._recorder = make_flight_recorder(desks, settings.flights_path, settings.flights_kept)
        self.fleet = self._make_fleet(desks)
        self._measuring = Measuring(desks, self.fleet.feeds, self._stages)
        merged, texts = None, Texts()
        if number == 1:
            merged = ConsolidatedOutlet(self._publisher, merging, texts.__getitem__)
        self.outlet = self._make_outlet(desks, merged, texts)
        self.others: Others | None = None
        if merged is not None and settings.aggregators > 1:
            self.others = Others(redis_url, keys, producer, merged, self._say_more_soon)
        self._probe = _make_probe(settings.probed_feed_url, desks, self._stages)
        self.figures = Figures(self.fleet, self._stages, self._publisher, self.link, self.others)
        self._metrics = self._publisher.open_value(metrics_name(producer))
        self._metrics.rank = RANK_REST
        self._orders = Listener(redis_url, {keys.aggregator_channel: self._on_order})
        self._door = Door(
            {
                "/health": self._health_page,
                "/ready": self._ready_page,
                "/status": self._status_page,
                "/metrics": lambda: Page(HTTPStatus.OK, self.figures.page(), TEXT),
            }
        )
        self._more_due: asyncio.TimerHandle | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def _make_fleet(self, desks: Sequence[Desk]) -> Fleet:
        settings = self._settings
        return Fleet(
            desks,
            on_drained=self._drained,
            on_mismatch=note_mismatch(self._recorder),
            recorder=self._recorder,
            offline_address=settings.stand_in_address,
            limits=Limits(
                reconnect_attempts_max=settings.reconnect_attempts_max,
                frames_waiting_max=settings.frames_waiting_max,
                backoff_max_s=settings.reconnect_wait_s_max,
                breaker_pause_s=settings.breaker_pause_s,
            ),
        )

    def _make_outlet(
        self, desks: Sequence[Desk], merged: ConsolidatedOutlet | None, texts: Texts
    ) -> Outlet:
        settings = self._settings
        return Outlet(
            self._publisher,
            [_as_seen(self.fleet.feeds[desk.manifest.feed], desk) for desk in desks],
            levels_max=settings.book_levels_kept,
            clock_ns=time.time_ns,
            consolidated=merged,
            signals=SignalsOutlet(self._publisher) if settings.signals_enabled else None,
            stages=self._stages,
            texts=texts,
        )

    @property
    def is_ready(self) -> bool:
        return self.link.is_connected

    async def start(self) -> None:
        """Begin; raises OSError if the door cannot be opened, with nothing begun."""
        settings = self._settings
        port = settings.aggregator_port + self._number - 1
        await self._door.open(settings.aggregator_host, port)
        await self.link.start()
        await self._orders.start()
        if self.others is not None:
            await self.others.start()
        self.fleet.start()
        if self._probe is not None:
            await self._probe.start()
        self._tasks = [
            spawn(self._every_second(), "aggregator-figures"),
            spawn(self._in_turns(), "aggregator-signals"),
        ]

    async def close(self) -> None:
        """End; the channels are told to be gone."""
        await self._door.close()
        if self._probe is not None:
            await self._probe.close()
        await stop(*self._tasks)
        await self.fleet.close()
        if self.others is not None:
            await self.others.close()
        await self._orders.close()
        if self._more_due is not None:
            self._more_due.cancel()  # It would speak on channels that are closed.
        await self.link.close()
        if self._recorder is not None:
            await asyncio.to_thread(self._recorder.close)

    def _drained(self) -> None:
        self._say()
        self._measuring.look()

    def _say(self) -> None:
        self.link.hold()
        self.outlet.say(self.link.flush)
        if self.outlet.is_more_to_say:
            self._say_more_soon()

    def _say_more_soon(self) -> None:
        if self._more_due is None:
            delay_s = 0.0 if self.outlet.is_urgent else MORE_S
            self._more_due = asyncio.get_running_loop().call_later(delay_s, self._say_more)

    def _say_more(self) -> None:
        self._more_due = None
        self.link.hold()
        self.outlet.say_more(self.link.flush)
        if self.outlet.is_more_to_say:
            self._say_more_soon()

    async def _every_second(self) -> None:
        while True:
            await asyncio.sleep(SECOND_S)
            at_ns = time.time_ns()
            parts = self.figures.read(at_ns)
            said = AggregatorMetrics(
                at_ns=at_ns,
                producer=self._publisher.producer,
                parts={name: msgspec.Raw(_encode(part)) for name, part in parts.items()},
            )
            self._metrics.set(at_ns, _encode(said))

    async def _in_turns(self) -> None:
        while True:
            await asyncio.sleep(SECOND_S / TURNS_A_SECOND)
            self.outlet.pass_time()

    def _on_order(self, data: bytes) -> None:
        try:
            order = read_order(data)
        except DecodeError as error:
            _log.warning("order_unreadable", reason=str(error))
            return
        for name in [order.feed] if order.feed else list(self.fleet.feeds):
            if name in self.fleet.feeds:
                _log.info("feed_resumed_by_operator", feed=name)
                self.fleet.resume(name)

    def _health_page(self) -> Page:
        # Whoever asks by port alone may have come to another exchange's aggregator.
        home = os.path.abspath(self._settings.home_path)
        return Page(HTTPStatus.OK, _encode({"status": "ok", "home": home}) + b"\n")

    def _ready_page(self) -> Page:
        status = HTTPStatus.OK if self.is_ready else HTTPStatus.SERVICE_UNAVAILABLE
        return Page(status, _encode({"ready": self.is_ready}) + b"\n")

    def _status_page(self) -> Page:
        statuses = list(self.fleet.status().values())
        return Page(HTTPStatus.OK, _encode(statuses) + b"\n")


def _make_probe(
    url: str, desks: Sequence[Desk], stages: Mapping[str, StageTimes]
) -> ClientProbe | None:
    books = {
        desk.manifest.feed: next(iter(desk.listings.values())).name
        for desk in desks
        if desk.listings
    }
    return ClientProbe(url, books, stages) if url and books else None


def _as_seen(feed: Feed, desk: Desk) -> outlet.Feed:
    manifest, evidence = desk.manifest, desk.manifest.evidence
    if evidence is Evidence.TOUCH and Kind.TOUCH not in desk.options.kinds:
        evidence = Evidence.CHAIN  # Nobody asks for what would prove more.
    return outlet.Feed(manifest.feed, evidence.value, desk, feed.status)

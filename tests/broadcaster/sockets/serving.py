"""A server of sockets without a venue: one channel that says what a test has it say."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from broadcaster.channels.cadence import Cadence
from broadcaster.channels.frames import text_frame
from broadcaster.channels.hub import Hub
from broadcaster.channels.topic import Topic, View, Wish
from broadcaster.clients.limits import ConnectionCount
from broadcaster.clients.session import Verify
from broadcaster.sockets.clock import Clock
from broadcaster.sockets.server import FeedServer
from broadcaster.sockets.tickets import Redeem, redeem_none
from shared.feed import Reason
from tests.broadcaster.running import verify
from tests.broadcaster.sockets.raw_client import RawClient, say
from tests.support.deadlines import eventually_async

CHANNEL = "numbers"


class FakeClock(Clock):
    """Real time and whatever a test adds to it, for the tasks that look are real ones."""

    def __init__(self) -> None:
        self.added_s = 0.0

    def monotonic_s(self) -> float:
        return super().monotonic_s() + self.added_s

    def unix_ns(self) -> int:
        return super().unix_ns() + int(self.added_s * 1_000_000_000)


class NumbersView(View):
    """A snapshot says the latest number, a message the next one."""

    def snapshot(self, reason: Reason) -> bytes:
        assert isinstance(self.topic, Numbers)
        return text_frame(b'{"snapshot":%d,"reason":"%s"}' % (self.topic.last, reason.encode()))

    def can_resume(self, after_sequence: int) -> bool:
        return False

    def resume(self, after_sequence: int) -> list[bytes] | None:
        return None

    def flush(self) -> None:
        """There is nothing that gathers."""

    def stand(self) -> None:
        """It stands where the topic is."""


class Numbers(Topic):
    """Counts, with as much ballast as a test wants."""

    last = 0

    def new_view(self, wish: Wish) -> View:
        return NumbersView(self, wish)

    def say_next(self, ballast_bytes: int = 0) -> None:
        self.last += 1
        frame = text_frame(b'{"number":%d,"ballast":"%s"}' % (self.last, b"x" * ballast_bytes))
        for view in self.all_views():
            view.publish(frame)


@dataclass
class Serving:
    """What a test needs of a server."""

    port: int
    server: FeedServer
    hub: Hub
    numbers: Numbers
    clock: FakeClock
    clients: list[RawClient] = field(default_factory=list)

    async def client(
        self, *, small: bool = False, path: str = "/ws", subscribed: bool = False
    ) -> RawClient:
        """Connect, shake hands, and subscribe if asked."""
        client = await RawClient.opened(self.port, small=small, path=path)
        self.clients.append(client)
        if subscribed:
            await client.send(say(op="subscribe", channels=[CHANNEL]))
            assert (await client.answer())["op"] == "subscribed"
        return client

    async def visitor(self, *parts: bytes) -> RawClient:
        """Connect and send some bytes."""
        client = await RawClient.connect(self.port)
        self.clients.append(client)
        await client.send(*parts)
        return client

    async def page(self, *parts: bytes) -> tuple[int, str]:
        """Connect, send a request, and return status and body of the answer."""
        visitor = await self.visitor(*parts)
        answer = await visitor.page()
        visitor.close()
        return answer

    async def metrics(self) -> dict[str, int]:
        """Return what /metrics says."""
        _, body = await self.page(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        pairs = (line.rsplit(" ", 1) for line in body.splitlines())
        return {name.removeprefix("rialto_broadcaster_"): int(value) for name, value in pairs}

    async def alone(self) -> None:
        """Wait until every socket has gone."""

        async def is_alone() -> bool:
            return (await self.metrics())["sockets"] == 1  # Which asks.

        await eventually_async(is_alone)


@asynccontextmanager
async def serving(
    *,
    redeem: Redeem = redeem_none,
    verify: Verify = verify,
    connections: ConnectionCount | None = None,
    origins: tuple[str, ...] = (),
) -> AsyncIterator[Serving]:
    """Run a server on a free port."""
    hub = Hub()
    hub.ready = True
    numbers = Numbers(CHANNEL, Cadence())
    hub.put_topic(numbers)
    clock = FakeClock()
    server = FeedServer(
        hub, verify, redeem=redeem, connections=connections, origins=origins, clock=clock
    )
    port = await server.start("127.0.0.1", 0)
    it = Serving(port, server, hub, numbers, clock)
    try:
        yield it
    finally:
        for client in it.clients:
            client.close()
        await asyncio.wait_for(server.close(), 20)

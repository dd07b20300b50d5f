"""A broadcaster inside the test, on a real Redis, with the fake engine on its other side."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import redis

from broadcaster.channels.cadence import Cadence
from broadcaster.channels.hub import Hub
from broadcaster.clients.limits import ConnectionCount
from broadcaster.outside.upstream import Upstream
from broadcaster.sockets.pulse import beat
from broadcaster.sockets.server import FeedServer
from broadcaster.venue.feed import Feed
from broadcaster.venue.relay import Relay
from shared.channels import Keys
from shared.claims import Claims, TokenError
from shared.redis_client import connect
from shared.tasks import spawn, stop
from tests.support.deadlines import eventually_async
from tests.support.fake_engine import FakeEngine, venue_with_markets
from tests.support.feed_client import FeedClient, open_feed

EXPIRES_AT_S = 4_000_000_000


def verify(token: str) -> Claims:
    """Believe `account-7`, with `-until-<Unix time>` or `-of-<session>`, and nothing else."""
    match token.split("-"):
        case ["account", account_id]:
            return Claims("user", int(account_id), "user", "jti", 0, EXPIRES_AT_S, "session")
        case ["account", account_id, "until", at_s]:
            return Claims("user", int(account_id), "user", "jti", 0, int(at_s), "session")
        case ["account", account_id, "of", session_id]:
            return Claims("user", int(account_id), "user", "jti", 0, EXPIRES_AT_S, session_id)
        case ["expired"]:
            raise TokenError("TOKEN_EXPIRED")
    raise TokenError("INVALID_TOKEN")


@dataclass
class Running:
    """What a test needs of a running broadcaster."""

    url: str
    redis: redis.Redis
    keys: Keys
    engine: FakeEngine
    hub: Hub
    feed: Feed
    relay: Relay
    upstream: Upstream
    server: FeedServer

    async def client(self, *channels: str, path: str = "/ws") -> FeedClient:
        """Connect, and subscribe when channels are named."""
        client = await open_feed(self.url + path)
        if channels:
            answer = await client.ask(op="subscribe", channels=list(channels))
            assert answer["op"] == "subscribed", answer
        return client

    async def in_step(self) -> None:
        """Wait until the broadcaster shows what the engine has committed."""

        def has_all() -> bool:
            projection = self.feed.projection
            return (
                self.relay.is_in_step
                and projection is not None
                and projection.sequence == self.engine.sequence
            )

        await eventually_async(has_all)


@asynccontextmanager
async def running(
    redis_url: str, *bases: str, origins: tuple[str, ...] = (), connections_max: int = 1_000
) -> AsyncIterator[Running]:
    """Run a broadcaster for a venue with a market against INR for each base."""
    keys = Keys("test")
    client = connect(redis_url)
    engine = venue_with_markets(client, keys, *(bases or ("TATA",)))
    hub = Hub()
    cadence = Cadence()
    feed = Feed(hub, cadence)
    relay = Relay(redis_url, keys, feed)
    upstream = Upstream(redis_url, keys, hub, cadence)
    server = FeedServer(
        hub,
        verify,
        origins=origins,
        is_ready=lambda: relay.is_in_step,
        connections=ConnectionCount(connections_max),
    )
    await relay.start()
    await upstream.start()
    pulse = spawn(beat(cadence), "cadence")
    port = await server.start("127.0.0.1", 0)
    url = f"ws://127.0.0.1:{port}"
    venue = Running(url, client, keys, engine, hub, feed, relay, upstream, server)
    try:
        await venue.in_step()
        yield venue
    finally:
        await asyncio.gather(server.close(), relay.close(), upstream.close(), stop(pulse))
        client.close()

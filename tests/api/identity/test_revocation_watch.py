"""Two gateways: what one ends, the other refuses, with Redis and without."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import msgspec

from api.app import public_app
from api.gateway import Gateway
from api.identity.revocation_watch import RevocationWatch
from api.identity.sessions import Ended
from api.opening import open_gateway
from shared.revocations import Revocations
from tests.api.conftest import client_of, settings_for
from tests.api.identity.people import AUTH, Person, newcomer
from tests.support.deadlines import eventually_async
from tests.support.redis_server import RedisServer

OVER = (401, "SESSION_REVOKED")


@asynccontextmanager
async def another_gateway(
    home: Path, redis_url: str, database_url: str
) -> AsyncIterator[tuple[Gateway, httpx.AsyncClient]]:
    settings = msgspec.structs.replace(settings_for(home, redis_url), database_url=database_url)
    async with (
        open_gateway(settings) as gateway,
        client_of(public_app(gateway, docs_enabled=False), gateway) as client,
    ):
        yield gateway, client


async def is_over(person: Person) -> None:
    """Wait until the person's token opens nothing."""

    async def refused() -> bool:
        return await person.gets() == OVER

    await eventually_async(refused)


async def test_a_logout_at_one_gateway_counts_at_the_other(
    tmp_path: Path, redis_url: str, database_url: str
) -> None:
    home = tmp_path / "home"
    async with (
        another_gateway(home, redis_url, database_url) as (one, client),
        another_gateway(home, redis_url, database_url) as (other, elsewhere),
    ):
        await eventually_async(lambda: one.revocations.is_in_step and other.revocations.is_in_step)
        alice = await newcomer(client, "alice")
        there = Person(elsewhere, "alice", alice.login)
        assert await there.gets() == (200, "")
        await alice.ask("POST", f"{AUTH}/logout")
        assert await alice.gets() == OVER, "at once where it was said"
        await is_over(there)


async def test_without_redis_the_database_tells_it(
    tmp_path: Path, redis_server: RedisServer, database_url: str
) -> None:
    home, url = tmp_path / "home", redis_server.url
    async with (
        another_gateway(home, url, database_url) as (_, client),
        another_gateway(home, url, database_url) as (_, elsewhere),
    ):
        alice = await newcomer(client, "alice")
        there = Person(elsewhere, "alice", alice.login)
        redis_server.kill()
        try:
            assert await alice.ask("POST", f"{AUTH}/logout") == (200, {"count": 1})
            assert await alice.gets() == OVER
            await is_over(there)
        finally:
            redis_server.start()


async def test_a_gateway_that_starts_knows_what_was_revoked_before(
    tmp_path: Path, redis_server: RedisServer, database_url: str
) -> None:
    home, url = tmp_path / "home", redis_server.url
    async with another_gateway(home, url, database_url) as (_, client):
        alice = await newcomer(client, "alice")
        await alice.ask("POST", f"{AUTH}/logout")
    redis_server.flush()
    async with another_gateway(home, url, database_url) as (later, client):
        assert await Person(client, "alice", alice.login).gets() == OVER, "from its first request"
        assert later.revocations.is_revoked(alice.login["session_id"])


async def test_a_database_that_was_away_is_looked_at_again(
    gateway: Gateway, client: httpx.AsyncClient, redis_url: str
) -> None:
    alice = await newcomer(client, "alice")
    await gateway.identity.sessions.revoke(1, alice.login["session_id"], Ended.REVOKED)
    elsewhere = Revocations(redis_url, "elsewhere", is_source=True)
    sessions = gateway.identity.sessions
    watch = RevocationWatch(sessions, elsewhere)
    engine, sessions.engine = sessions.engine, _Away()  # type: ignore[assignment]
    await watch.look()
    assert not elsewhere.is_revoked(alice.login["session_id"])
    sessions.engine = engine
    await watch.look()
    assert elsewhere.is_revoked(alice.login["session_id"])
    await elsewhere.close()


class _Away:
    """A database whose server does not answer."""

    def connect(self) -> None:
        raise OSError("nobody listens")

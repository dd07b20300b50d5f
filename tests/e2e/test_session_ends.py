"""Whatever ends a session ends its connections to the feed, at once, however they were opened."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec
import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from api.app import admin_app, public_app
from api.gateway import Gateway
from api.identity.users import Role
from api.opening import open_gateway
from rialto.embedded_redis import choose_port
from shared.channels import Keys
from shared.redis_client import connect
from tests.api.conftest import client_of, settings_for
from tests.api.exchange import PASSWORD
from tests.api.identity.people import AUTH, Person, log_in, newcomer, post, staff
from tests.broadcaster.sockets.test_server import close_code
from tests.support.deadlines import eventually_async
from tests.support.fake_engine import venue_with_markets
from tests.support.feed_client import FeedClient, open_feed
from tests.support.processes import Service, running_service

NEW = "battery staple horse"


@dataclass
class Venue:
    """Both doors of a gateway, and a broadcaster as a process that shares its home and Redis."""

    client: httpx.AsyncClient
    admin: httpx.AsyncClient
    gateway: Gateway
    broadcaster: Service
    url: str

    async def by_token(self, person: Person) -> FeedClient:
        client = await open_feed(self.url)
        answer = await client.ask(op="auth", token=person.login["access_token"])
        assert answer["op"] == "authenticated", answer
        return client

    async def by_ticket(self, person: Person) -> FeedClient:
        client = await open_feed(f"{self.url}?ticket={await ticket_of(person)}")
        answer = await client.next()
        assert (answer["op"], answer["account_id"]) == (
            "authenticated",
            person.login["account_id"],
        )
        return client


async def ticket_of(person: Person) -> str:
    status, reply = await person.ask("POST", f"{AUTH}/ticket")
    assert status == 201, reply
    ticket: str = reply["ticket"]
    return ticket


@pytest.fixture
async def venue(tmp_path: Path, redis_url: str) -> AsyncIterator[Venue]:
    home, port = tmp_path / "home", choose_port()
    settings = settings_for(home, redis_url)
    with connect(redis_url) as redis:
        venue_with_markets(redis, Keys(settings.venue), "TATA")
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(
            open_gateway(msgspec.structs.replace(settings, limit_weight_minute=0))
        )
        client, admin = [
            await stack.enter_async_context(client_of(build(gateway, docs_enabled=False), gateway))
            for build in (public_app, admin_app)
        ]
        ours = {"redis_url": redis_url, "ws_port": port, "log": "debug"}
        service = stack.enter_context(running_service("broadcaster", home, ours))
        url = f"ws://127.0.0.1:{port}/ws"

        async def listens() -> bool:
            service.fail_if_ended()
            try:
                feed = await open_feed(url)
            except (OSError, InvalidHandshake, ConnectionClosed):
                return False
            await feed.connection.close()
            return True

        await eventually_async(listens)
        yield Venue(client, admin, gateway, service, url)


async def is_open(client: FeedClient) -> bool:
    try:
        return bool((await client.ask(op="ping"))["op"] == "pong")
    except ConnectionClosed:
        return False


async def end_by(how: str, venue: Venue, lost: Person, kept: Person) -> None:
    """End a session, or all of them, in one of the ways that there are."""
    user_id = (await kept.ask("GET", f"{AUTH}/me"))[1]["user_id"]
    root = await staff(venue.gateway, venue.admin, "root", Role.ADMIN)
    user = f"/api/v1/admin/users/{user_id}"
    changed = {"current_password": PASSWORD, "new_password": NEW}
    asked = {
        "logout": (lost, "POST", f"{AUTH}/logout", None),
        "one session": (kept, "DELETE", f"{AUTH}/sessions/{lost.login['session_id']}", None),
        "all others": (kept, "DELETE", f"{AUTH}/sessions", None),
        "password": (kept, "POST", f"{AUTH}/password", changed),
        "disabled": (root, "PATCH", user, {"is_disabled": True, "reason": "a hint"}),
        "role": (root, "PATCH", user, {"role": "auditor", "reason": "a new job"}),
    }
    if how == "reset":
        code = await venue.gateway.identity.reset_codes.issue_reset_code(user_id)
        status, reply = await post(
            venue.client, f"{AUTH}/password/reset", username="alice", code=code, new_password=NEW
        )
    elif how == "stolen refresh token":
        used = lost.login["refresh_token"]
        _, first = await lost.refresh()
        assert (await lost.refresh(first["refresh_token"]))[0] == 200
        status, reply = await lost.refresh(used)
        assert (status, reply["code"]) == (401, "INVALID_REFRESH_TOKEN")
        return
    else:
        person, method, path, body = asked[how]
        status, reply = await person.ask(method, path, body)
    assert status == 200, reply


@pytest.mark.parametrize(
    ("how", "ends_all"),
    [
        ("logout", False),
        ("one session", False),
        ("all others", False),
        ("password", False),
        ("stolen refresh token", False),
        ("reset", True),
        ("disabled", True),
        ("role", True),
    ],
)
async def test_what_ends_a_session_ends_its_connections(
    venue: Venue, how: str, ends_all: bool
) -> None:
    lost, kept = await newcomer(venue.client, "alice"), await log_in(venue.client, "alice")
    bobby = await newcomer(venue.client, "bobby")
    gone = [await venue.by_token(lost), await venue.by_ticket(lost)]
    stay = [await venue.by_token(bobby), await venue.by_ticket(bobby)]
    (gone if ends_all else stay).extend([await venue.by_token(kept), await venue.by_ticket(kept)])
    unused = await ticket_of(lost)

    await end_by(how, venue, lost, kept)

    assert [await close_code(client) for client in gone] == [4401] * len(gone)
    assert [await is_open(client) for client in stay] == [True] * len(stay)
    with pytest.raises(InvalidStatus, match="401"):
        await open_feed(f"{venue.url}?ticket={unused}")
    for client in stay:
        await client.connection.close()


async def test_the_broadcaster_says_no_token_and_no_ticket_to_its_log(venue: Venue) -> None:
    alice = await newcomer(venue.client, "alice")
    ticket, spoilt = await ticket_of(alice), "x" * 43
    client = await open_feed(f"{venue.url}?ticket={ticket}")
    for refused in (ticket, spoilt, alice.login["access_token"]):
        with pytest.raises(InvalidStatus, match="401"):
            await open_feed(f"{venue.url}?ticket={refused}")
    await client.connection.close()
    assert venue.broadcaster.terminate() == 0
    said = venue.broadcaster.log_path.read_text()
    assert "broadcaster_stopped" in said
    for secret in (ticket, spoilt, alice.login["access_token"]):
        assert secret not in said

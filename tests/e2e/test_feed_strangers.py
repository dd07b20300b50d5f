"""Somebody else's account: every way to ask for it gives nothing of it.

The rule of this file: the victim's orders carry a mark, and trade all the time; whatever a stranger
is sent is searched for it, and for the victim's number.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import msgspec
import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from rialto.client import AsyncClient
from tests.conftest import RedisServers, redis_binaries
from tests.support.deadlines import DEADLINE_S
from tests.support.feed_exchange import FeedExchange, running_feed_exchange

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

ORDERS = 3  # Placed and cancelled by the victim after each try.


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(
    redis_servers: RedisServers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[FeedExchange]:
    server = redis_servers.fresh(redis_binaries()[0])
    folder = tmp_path_factory.mktemp("strangers")
    async with running_feed_exchange(server.url, folder) as exchange, exchange.session():
        yield exchange


class Victim:
    """Trades under a mark, and hears of it."""

    def __init__(self, client: AsyncClient, account_id: int) -> None:
        self.client = client
        self.account_id = account_id
        self.mark = f"mark-{uuid4().hex[:16]}"
        self.count = 0

    async def trade(self) -> None:
        """Place orders and cancel them."""
        for _ in range(ORDERS):
            self.count += 1
            name = f"{self.mark}-{self.count}"
            await self.client.place_order(
                "TATA_INR", "buy", price="90", quantity=1, client_order_id=name
            )
            await self.client.cancel_order(client_order_id=name)


class Stranger:
    """A connection that keeps every frame that it was sent."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.frames: list[str] = []

    async def ask(self, **op: object) -> dict[str, object]:
        """Send an op and return its answer."""
        wanted = f"ask-{len(self.frames)}-{uuid4().hex}"
        await self.connection.send(json.dumps({**op, "id": wanted}))
        while True:
            message = await self.next()
            if message.get("id") == wanted:
                return message

    async def next(self) -> dict[str, object]:
        async with asyncio.timeout(DEADLINE_S):
            frame = await self.connection.recv()
        assert isinstance(frame, str)
        self.frames.append(frame)
        message: dict[str, object] = msgspec.json.decode(frame)
        return message

    async def settled(self, victim: Victim, owner: "Stranger") -> None:
        """Let the victim trade, and read until its owner has heard of it, and we of nothing."""
        await victim.trade()
        last = f"{victim.mark}-{victim.count}"
        while not any(last in frame and "cancelled" in frame for frame in owner.frames):
            await owner.next()
        await self.ask(op="ping")
        # An error repeats what the stranger has said itself.
        told = [frame for frame in self.frames if '"op":"error"' not in frame]
        assert not any(victim.mark in frame for frame in self.frames)
        assert not any(str(victim.account_id) in frame for frame in told)


@pytest_asyncio.fixture(loop_scope="module")
async def victim(exchange: FeedExchange) -> Victim:
    client = await exchange.trader(f"v{uuid4().hex[:12]}")
    return Victim(client, (await client.me()).account_id)


async def token_of(client: AsyncClient) -> str:
    return (await client.refresh()).access_token


@pytest_asyncio.fixture(loop_scope="module")
async def owner(exchange: FeedExchange, victim: Victim) -> AsyncIterator[Stranger]:
    """The victim's own connection: what there is to be heard."""
    async with connect(exchange.feed_url) as connection:
        owner = Stranger(connection)
        assert (await owner.ask(op="auth", token=await token_of(victim.client)))["op"] != "error"
        assert (await owner.ask(op="subscribe", channels=["account"]))["op"] == "subscribed"
        yield owner


@pytest_asyncio.fixture(loop_scope="module")
async def mallory(exchange: FeedExchange) -> AsyncClient:
    return await exchange.trader(f"m{uuid4().hex[:12]}")


@pytest_asyncio.fixture(loop_scope="module")
async def stranger(exchange: FeedExchange) -> AsyncIterator[Stranger]:
    async with connect(exchange.feed_url) as connection:
        yield Stranger(connection)


def ways_to_ask(account_id: int) -> list[dict[str, object]]:
    names = [
        "account",
        f"account:{account_id}",
        f"account/{account_id}",
        f"account.{account_id}",
        f"account {account_id}",
        f"account:{account_id}:*",
        "account:*",
        "account*",
        "acc*",
        "*",
        "",
        "ACCOUNT",
        "accounts",
        "account\x00",
        f"orders:{account_id}",
        f"balances:{account_id}",
        str(account_id),
    ]
    ways: list[dict[str, object]] = [{"op": "subscribe", "channels": [name]} for name in names]
    ways += [{"op": "subscribe", "channels": [{"channel": name}]} for name in names]
    ways += [
        {"op": "subscribe", "channels": [{"channel": "account", "account_id": account_id}]},
        {"op": "subscribe", "channels": ["account"], "account_id": account_id},
        {"op": "subscribe", "channels": ["account"], "account": str(account_id)},
        {"op": "subscribe", "channels": [["account", account_id]]},
        {"op": "subscribe", "channels": {"account": account_id}},
        {"SubscribeOrderbook": f"account:{account_id}"},
        {"op": "list", "account_id": account_id},
    ]
    ways += [
        {"op": "subscribe", "channels": [{"channel": "account", "after_sequence": number}]}
        for number in (0, 1, 5, 2**62)
    ]
    return ways


async def test_nobody_hears_of_an_account_without_a_token(
    victim: Victim, owner: Stranger, stranger: Stranger
) -> None:
    for way in ways_to_ask(victim.account_id):
        answer = await stranger.ask(**way)
        granted = str(answer.get("channels", []))
        assert answer["op"] in ("error", "list") or granted == "['*']", (way, answer)
    await stranger.settled(victim, owner)
    assert not any('"channel":"account"' in frame for frame in stranger.frames)


async def test_whoever_has_a_token_hears_of_no_account_but_its_own(
    victim: Victim, owner: Stranger, stranger: Stranger, mallory: AsyncClient
) -> None:
    own_id = (await mallory.me()).account_id
    answer = await stranger.ask(op="auth", token=await token_of(mallory))
    assert answer["account_id"] == own_id
    for way in ways_to_ask(victim.account_id):
        await stranger.ask(**way)
        await stranger.ask(op="unsubscribe", channels=["account", "*", "account*", "acc*"])
    assert (await stranger.ask(op="subscribe", channels=["account"]))["op"] == "subscribed"
    await stranger.settled(victim, owner)
    snapshots = [frame for frame in stranger.frames if '"channel":"account"' in frame]
    assert snapshots, "it hears of its own"
    assert all(f'"account_id":{own_id}' in frame for frame in snapshots)


async def test_a_connection_does_not_change_its_account(
    victim: Victim, owner: Stranger, stranger: Stranger, mallory: AsyncClient
) -> None:
    assert (await stranger.ask(op="auth", token=await token_of(mallory)))["op"] == "authenticated"
    assert (await stranger.ask(op="subscribe", channels=["account"]))["op"] == "subscribed"
    answer = await stranger.ask(op="auth", token=await token_of(victim.client))
    assert answer["code"] == "ACCOUNT_MISMATCH"
    answer = await stranger.ask(
        op="auth", token=await token_of(mallory), account_id=victim.account_id
    )
    assert answer["code"] == "INVALID_FIELD"
    await stranger.settled(victim, owner)


async def test_a_token_that_was_changed_is_none(
    victim: Victim, owner: Stranger, stranger: Stranger, mallory: AsyncClient
) -> None:
    own_id = (await mallory.me()).account_id
    head, claims, signature = (await token_of(mallory)).split(".")
    _, theirs, _ = (await token_of(victim.client)).split(".")
    changed = _changed(claims, own_id, victim.account_id)
    none = _encoded({"alg": "none", "typ": "JWT"})
    for token in (
        f"{head}.{theirs}.{signature}",
        f"{head}.{changed}.{signature}",
        f"{none}.{changed}.",
        f"{none}.{theirs}.{signature}",
        f"{head}.{theirs}.",
        str(victim.account_id),
        "",
    ):
        answer = await stranger.ask(op="auth", token=token)
        assert answer["code"] in ("INVALID_TOKEN", "INVALID_FIELD"), (token, answer)
    assert (await stranger.ask(op="subscribe", channels=["account"]))["code"] == "AUTH_REQUIRED"
    await stranger.settled(victim, owner)


async def test_a_ticket_that_was_used_opens_nothing_and_a_token_in_the_url_says_nothing(
    exchange: FeedExchange, victim: Victim, owner: Stranger
) -> None:
    token = await token_of(victim.client)
    async with httpx.AsyncClient(base_url=exchange.url) as http:
        headers = {"Authorization": f"Bearer {token}"}
        made = await http.post("/api/v1/auth/ticket", headers=headers)
    assert made.is_success, made.text
    ticket = made.json()["ticket"]
    async with connect(f"{exchange.feed_url}?ticket={ticket}") as connection:
        first = Stranger(connection)
        assert (await first.next())["account_id"] == victim.account_id
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{exchange.feed_url}?ticket={ticket}")
    assert refused.value.response.status_code == 401
    for query in (f"token={token}", f"access_token={token}", f"account_id={victim.account_id}"):
        try:
            connection = await connect(f"{exchange.feed_url}?{query}")
        except InvalidStatus:
            continue
        async with connection:
            stranger = Stranger(connection)
            answer = await stranger.ask(op="subscribe", channels=["account"])
            assert answer["code"] == "AUTH_REQUIRED"
            await stranger.settled(victim, owner)


def _encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def _changed(claims: str, own_id: int, account_id: int) -> str:
    text = base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)).decode()
    assert str(own_id) in text, "the token names its account"
    return _encoded(json.loads(text.replace(str(own_id), str(account_id))))

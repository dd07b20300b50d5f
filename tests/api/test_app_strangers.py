"""Alice on everything that is Bob's: the same answer as for what does not exist, byte by byte.

Every address with a name in it must be in the table, so that a new kind of thing is tried, too.
"""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from api.app import public_app
from tests.api.exchange import Exchange, sweep
from tests.api.signer import KEYS, Signer, make_key

REQUEST_ID = "the-same-for-all"
NO_ORDER = 999_999_999
NO_KEY = "rk_000000000000000000000000"
NO_NAME = "nobody.s"

# Each names something: `{id}` becomes what is Bob's, and then what does not exist.
REQUESTS: tuple[tuple[str, str, str, str], ...] = (
    ("GET", "/api/v1/order/{id}", "", "order"),
    ("GET", "/api/v1/order/{id}?min_sequence=1", "", "order"),
    ("DELETE", "/api/v1/order/{id}", "", "order"),
    ("GET", "/api/v1/order?order_id={id}", "", "order"),
    ("DELETE", "/api/v1/order?order_id={id}", "", "order"),
    ("DELETE", "/api/v1/order", '{"order_id":"{id}"}', "order"),
    ("PATCH", "/api/v1/order", '{"order_id":"{id}","quantity":"2"}', "order"),
    ("PATCH", "/api/v1/order", '{"order_id":"{id}","price":"91"}', "order"),
    ("GET", "/api/v1/order?client_order_id={id}", "", "name"),
    ("DELETE", "/api/v1/order?client_order_id={id}", "", "name"),
    ("DELETE", "/api/v1/order", '{"client_order_id":"{id}"}', "name"),
    ("PATCH", "/api/v1/order", '{"client_order_id":"{id}","quantity":"2"}', "name"),
    ("GET", "/api/v1/order?idempotency_key={id}", "", "request"),
    ("GET", "/api/v1/order?idempotency_key={id}&n={n}", "", "request"),
    ("GET", "/api/v1/order?idempotency_key={id}&n={n}&fp={fp}", "", "request"),
    ("DELETE", "/api/v1/keys/{id}", "", "key"),
    ("PATCH", "/api/v1/keys/{id}", '{"label":"mine"}', "key"),
    ("DELETE", "/api/v1/auth/sessions/{id}", "", "session"),
    ("PATCH", "/api/v1/accounts/{id}", '{"label":"mine"}', "account"),
    ("POST", "/api/v1/keys", '{"label":"x","account_id":{id}}', "account"),
    ("GET", "/api/v1/withdrawals/{id}", "", "withdrawal"),
    ("DELETE", "/api/v1/withdrawals/{id}", "", "withdrawal"),
    ("POST", "/api/v1/transfers", '{"to_account_id":{id},"asset":"INR","amount":"1"}', "receiver"),
)
# What has a name, and is everybody's.
SHARED = {
    ("GET", "/api/v1/markets/{}"),
    ("GET", "/api/v1/assets/{}"),
    ("GET", "/docs/{}"),
}
# The history answers, where tests/api/history/test_routes_with_the_history.py tries it.
ASKED_ELSEWHERE = {("GET", "/api/v1/orders/{}")}


@dataclass
class Strangers:
    """Alice, and what Bob has, each with a name that nobody has."""

    exchange: Exchange
    alice: str
    bob: str
    signer: Signer
    names: dict[str, tuple[str, str]]
    n: int
    fp: str

    async def answer(
        self, method: str, target: str, body: str, name: str, *, by_key: bool
    ) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
        """Return all of the answer but what is of this one request: its own idempotency key, and
        the journal's number of a refusal.
        """
        target = target.format(id=name, n=self.n, fp=self.fp)
        content = body.replace("{id}", name).encode()
        headers = {"Content-Type": "application/json"} if content else {}
        if by_key:
            headers |= self.signer.headers(method, target, content)
        else:
            headers |= self.exchange.tokens[self.alice]
        headers["X-Request-Id"] = REQUEST_ID
        response = await self.exchange.client.request(
            method, target, content=content, headers=headers
        )
        return response.status_code, shown(response), kept_headers(response)


def shown(response: httpx.Response) -> bytes:
    body = response.json()
    for own in ("n", "sequence", "idempotency_key"):
        if own in body:
            body[own] = type(body[own])()
    return json.dumps(body).encode()


def kept_headers(response: httpx.Response) -> list[tuple[bytes, bytes]]:
    """Return those that say something of what was asked for, not how often one has asked."""
    own = (b"content-length", b"x-ratelimit-")
    return [pair for pair in response.headers.raw if not pair[0].lower().startswith(own)]


@pytest.fixture
async def strangers(exchange: Exchange) -> AsyncIterator[Strangers]:
    number = len(await exchange.gateway.users.all())
    alice, bob = f"alice.{number}", f"bob.{number}"
    await exchange.user(alice, INR="100000", TATA="1000")
    await exchange.user(bob, INR="100000", TATA="1000")
    placed = await exchange.place(
        bob, "buy", "90", "5", client_order_id=f"mine.{number}", key=f"req.{number}"
    )
    wish = {"asset": "INR", "amount": "10", "destination": "a bank"}
    _, withdrawal = await exchange.ask(bob, "POST", "/api/v1/withdrawals", wish)
    _, sessions = await exchange.ask(bob, "GET", "/api/v1/auth/sessions")
    key, _ = await make_key(exchange.client, exchange.tokens[bob])
    signer, _ = await make_key(
        exchange.client, exchange.tokens[alice], scopes=["read", "trade", "withdraw"]
    )
    yield Strangers(
        exchange,
        alice,
        bob,
        signer,
        {
            "order": (str(placed["order_id"]), str(NO_ORDER)),
            "name": (f"mine.{number}", NO_NAME),
            "request": (f"req.{number}", NO_NAME),
            "key": (key.key_id, NO_KEY),
            "session": (sessions["sessions"][0]["session_id"], "0" * 32),
            "account": (str(exchange.accounts[bob]), "4503599627370495"),
            "receiver": (str(exchange.accounts[bob]), "4503599627370495"),
            "withdrawal": (str(withdrawal["withdrawal_id"]), "4503599627370495"),
        },
        placed["n"],
        "00" * 8,
    )
    await sweep(exchange, bob)


@pytest.mark.parametrize("by_key", [False, True], ids=["by token", "by key"])
async def test_what_is_of_somebody_else_is_like_nothing(strangers: Strangers, by_key: bool) -> None:
    before = await strangers.exchange.state()
    for method, target, body, kind in REQUESTS:
        if by_key and kind in ("key", "session", "account"):
            continue  # No key manages those, whosever they are.
        theirs, none = strangers.names[kind]
        answers = [
            await strangers.answer(method, target, body, name, by_key=by_key)
            for name in (theirs, none)
        ]
        assert answers[0] == answers[1], (method, target)
        assert answers[0][0] in (202, 404), (method, target, answers[0])
    assert await strangers.exchange.state() == before
    keys = await strangers.exchange.ask(strangers.bob, "GET", KEYS)
    assert [key["label"] for key in keys[1]["keys"]] == ["bot"]


def test_every_address_with_a_name_in_it_is_tried(exchange: Exchange) -> None:
    app = public_app(exchange.gateway, docs_enabled=False)
    named = {
        (method, without_names(route.path))
        for route in iter_route_contexts(app.routes)
        for method in route.methods or ()
        if route.path and "{" in route.path
    }
    assert named
    assert named - SHARED - ASKED_ELSEWHERE <= {
        (method, without_names(target.partition("?")[0])) for method, target, _, _ in REQUESTS
    }


def without_names(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


async def test_lists_show_what_is_ones_own(strangers: Strangers) -> None:
    for path, field in (("/order/open", "orders"), (KEYS, "keys")):
        _, mine = await strangers.exchange.ask(strangers.alice, "GET", path)
        _, theirs = await strangers.exchange.ask(strangers.bob, "GET", path)
        ours = [json.dumps(one) for one in mine[field]]
        assert theirs[field]
        assert not [one for one in theirs[field] if json.dumps(one) in ours]

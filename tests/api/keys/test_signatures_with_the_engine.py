"""Signed orders, and what comes of sending one again, on a real engine."""

import hashlib
from collections.abc import AsyncIterator

import httpx
import pytest

from api.app import public_app
from api.opening import open_gateway
from tests.api.conftest import READY_S, Engine, client_of, settings_for
from tests.api.exchange import Exchange
from tests.api.signer import Signer, make_key

ORDER = b'{"market":"TATA_INR","side":"buy","price":"90","quantity":"1"}'
TARGET = "/api/v1/order"


async def trader_of(exchange: Exchange, name: str) -> Signer:
    await exchange.user(name, INR="100000", TATA="1000")
    scopes = ["read", "trade"]
    return (await make_key(exchange.client, exchange.tokens[name], scopes=scopes))[0]


async def test_a_signed_order_is_placed_for_the_account_of_the_key(exchange: Exchange) -> None:
    signer = await trader_of(exchange, "sign.place")
    placed = await signer.ask(exchange.client, "POST", TARGET, ORDER)
    assert placed.status_code == 201, placed.text
    opened = await signer.ask(exchange.client, "GET", f"{TARGET}/open?market=TATA_INR")
    assert [order["order_id"] for order in opened.json()["orders"]] == [placed.json()["order_id"]]
    balances = await signer.ask(exchange.client, "GET", "/balances/")
    assert balances.json()["account_id"] == exchange.accounts["sign.place"]
    gone = await signer.ask(exchange.client, "DELETE", f"/order/{placed.json()['order_id']}")
    assert gone.json()["status"] == "cancelled"


@pytest.mark.parametrize(
    "target",
    [
        "/order/open",
        "/order/open/",
        "/api/v1/order/open?market=TATA_INR",
        "/api/v1/order/open?min_sequence=0&market=TATA%5FINR",
        "/api/v1/order/%6Fpen",
        "/api/v1/order?client_order_id=a%3Ab",
    ],
)
async def test_path_and_query_are_signed_as_they_are_sent(exchange: Exchange, target: str) -> None:
    signer = await trader_of(exchange, f"raw.{hashlib.sha256(target.encode()).hexdigest()[:8]}")
    response = await signer.ask(exchange.client, "GET", target)
    assert response.status_code in (200, 404), response.text
    if response.status_code == 404:
        assert response.json()["code"] == "UNKNOWN_ORDER"


@pytest.fixture
async def second(engine: Engine) -> AsyncIterator[httpx.AsyncClient]:
    """The public door of another gateway on the same engine."""
    async with open_gateway(settings_for(engine.home, engine.redis_url)) as gateway:
        assert await gateway.bus.wait_until_ready(READY_S)
        async with client_of(public_app(gateway, docs_enabled=False), gateway) as client:
            yield client


async def test_a_replay_gets_the_first_answer_from_every_gateway(
    exchange: Exchange, second: httpx.AsyncClient
) -> None:
    signer = await trader_of(exchange, "replay.all")
    headers = signer.headers("POST", TARGET, ORDER)
    answers = []
    for client in (exchange.client, exchange.client, second, second):
        response = await client.post(TARGET, content=ORDER, headers=headers)
        assert response.status_code == 201, response.text
        answers.append(response.json())
    assert [answer["replayed"] for answer in answers] == [False, True, True, True]
    assert {answer["order_id"] for answer in answers} == {answers[0]["order_id"]}
    opened = await signer.ask(exchange.client, "GET", "/order/open")
    assert len(opened.json()["orders"]) == 1


async def test_a_replayed_cancel_all_takes_no_later_order(exchange: Exchange) -> None:
    signer = await trader_of(exchange, "replay.cancel")
    headers = signer.headers("DELETE", "/order/open")
    first = await exchange.client.delete("/order/open", headers=headers)
    assert (first.status_code, first.json()["count"]) == (200, 0)
    assert (await signer.ask(exchange.client, "POST", TARGET, ORDER)).status_code == 201
    again = await exchange.client.delete("/order/open", headers=headers)
    assert (again.json()["replayed"], again.json()["count"]) == (True, 0)
    assert len((await signer.ask(exchange.client, "GET", "/order/open")).json()["orders"]) == 1


async def test_two_requests_of_two_milliseconds_are_two(exchange: Exchange) -> None:
    signer = await trader_of(exchange, "replay.two")
    for _ in range(2):
        assert (await signer.ask(exchange.client, "POST", TARGET, ORDER)).status_code == 201
    assert len((await signer.ask(exchange.client, "GET", "/order/open")).json()["orders"]) == 2


async def test_an_own_idempotency_key_works_as_ever(exchange: Exchange) -> None:
    signer = await trader_of(exchange, "replay.own")
    replies = [
        (await signer.ask(exchange.client, "POST", TARGET, ORDER, key="own-1")).json()
        for _ in range(2)
    ]
    assert [reply["replayed"] for reply in replies] == [False, True]
    assert replies[0]["idempotency_key"] == "own-1"

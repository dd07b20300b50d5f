"""Requests that meet trouble on their way: each is answered, once."""

import asyncio

import pytest
from websockets.asyncio.client import connect

from api.edge.errors import ApiError
from api.entry.clerk import at_once
from api.entry.limits import IN_FLIGHT_MAX
from tests.api.entry.clients import ask, hear, limit, log_in, tell
from tests.api.entry.conftest import Port
from tests.api.exchange import two_users


async def test_a_limit_on_orders_is_one_for_both_doors(port: Port) -> None:
    alice, _ = await two_users(port.exchange, "ws-limit")
    taken = port.exchange.gateway.limits

    def take(*_: object, **__: object) -> object:
        raise ApiError("BUSY")

    async with connect(port.url) as client:
        await log_in(client, port.exchange.tokens[alice])
        [own] = port.hub.sockets
        before = await ask(client, op="cancel_all", id=0, body={})
        assert before["status"] == 200
        clerk = port.hub.carrier
        clerk._take = take  # type: ignore[attr-defined]
        answer = await ask(client, op="place", id=1, body=limit("buy", "70"))
        assert (answer["status"], answer["body"]["code"]) == (503, "BUSY")
        assert own.session.in_flight == 0
    assert taken.sizes["orders-10s"] > 0


async def test_a_market_that_is_not_there_is_looked_for_and_told(port: Port) -> None:
    alice, _ = await two_users(port.exchange, "ws-market")
    async with connect(port.url) as client:
        await log_in(client, port.exchange.tokens[alice])
        body = {**limit("buy", "70"), "market": "NO_SUCH"}
        for number in range(10):
            await tell(client, op="place", id=number, body=body)
        answers = [await hear(client) for _ in range(10)]
    assert {answer["body"]["code"] for answer in answers} == {"UNKNOWN_MARKET"}
    assert {answer["id"] for answer in answers} == set(range(10))
    assert IN_FLIGHT_MAX > 10


async def test_what_needs_to_wait_is_not_done_at_once() -> None:
    assert at_once(_plain()) == 7
    with pytest.raises(AssertionError, match="given a task"):
        at_once(_waits())


async def _plain() -> int:
    return 7


async def _waits() -> None:
    await asyncio.sleep(0)

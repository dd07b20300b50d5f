"""The door answers what was asked, says no as the gateway does, and tells how it is."""

from typing import Any

import httpx
import msgspec
import pytest

from shared.history_key import HEADER
from shared.rest.errors import ErrorBody
from shared.rest.history import (
    Fills,
    Klines,
    Ledger,
    Orders,
    OrderStory,
    Rejections,
    Tickers,
    TradeHistory,
)
from shared.rest.history_queries import ROUTES, HistoryQuery
from tests.history.door.conftest import OpenDoor

KINDS = {
    "/klines": Klines,
    "/tickers": Tickers,
    "/trades": TradeHistory,
    "/orders": Orders,
    "/orders/story": OrderStory,
    "/fills": Fills,
    "/ledger": Ledger,
    "/rejections": Rejections,
}


async def test_each_route_answers_its_struct(door: OpenDoor) -> None:
    order = door.stand.world.orders[3]
    assert set(KINDS) == {route.path for route in ROUTES}
    for route in ROUTES:
        asked: dict[str, Any] = {
            "market": order.market,
            "interval": "1h",
            "order_id": order.order_id,
            "limit": 5,
        }
        query = HistoryQuery(
            account_id=order.account_id if route.is_private else 0,
            **{name: value for name, value in asked.items() if name in route.parameters},
        )
        reply = await door.client.get(f"/v1{route.path}", params=dict(query.pairs()))
        assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json")
        direct = await door.stand.queries.answers[route.path](
            msgspec.structs.replace(query, limit=5)
        )
        assert msgspec.json.decode(reply.content, type=KINDS[route.path]) == direct


REFUSED = (
    ("/v1/klines?market=TATA_INR", 422, "MISSING_FIELD", "interval"),
    ("/v1/klines?market=TATA_INR&interval=2m", 422, "INVALID_PARAMETER", "interval"),
    ("/v1/klines?market=NO_SUCH&interval=1m", 404, "UNKNOWN_MARKET", "market"),
    ("/v1/trades?market=TATA_INR&account_id=1", 422, "UNKNOWN_PARAMETER", "account_id"),
    ("/v1/trades?market=TATA_INR&cursor=AAAA", 422, "INVALID_PARAMETER", "cursor"),
    ("/v1/fills", 422, "INVALID_PARAMETER", "account_id"),
    ("/v1/fills?account_id=1&account_id=2", 422, "INVALID_PARAMETER", "account_id"),
    ("/v1/fills?account_id=-1", 422, "INVALID_PARAMETER", "account_id"),
    ("/v1/fills?account_id=%C2%B2", 422, "INVALID_PARAMETER", "account_id"),
    ("/v1/fills?account_id=9999999999999999999", 422, "INVALID_PARAMETER", "account_id"),
    ("/v1/ledger?account_id=1&asset=GOLD", 404, "UNKNOWN_ASSET", "asset"),
    ("/v1/orders/story?account_id=1&order_id=999999", 404, "UNKNOWN_ORDER", "order_id"),
    ("/v1/fills?account_id=1&min_sequence=999999", 409, "SEQUENCE_NOT_REACHED", "min_sequence"),
    ("/v1/nothing", 404, "NOT_FOUND", ""),
)


async def test_it_says_no_in_the_words_of_the_gateway(door: OpenDoor) -> None:
    for address, status, code, field in REFUSED:
        reply = await door.client.get(address)
        said = msgspec.json.decode(reply.content, type=ErrorBody)
        assert (reply.status_code, said.code, said.field) == (status, code, field), address
        assert said.message
        assert ("retry-after" in reply.headers) == (status == 409)


async def test_only_reading_is_understood(door: OpenDoor) -> None:
    reply = await door.client.post("/v1/fills")
    assert (reply.status_code, reply.json()["code"]) == (405, "METHOD_NOT_ALLOWED")


async def test_it_tells_machines_how_it_is(door: OpenDoor) -> None:
    health, ready = await door.client.get("/health"), await door.client.get("/ready")
    assert (health.status_code, health.json()) == (200, {"status": "ok"})
    assert (ready.status_code, ready.json()) == (503, {"ready": False, "behind": 7})
    assert (await door.client.get("/metrics")).text == "history_behind 7\n"


@pytest.mark.parametrize("shown", [{}, {HEADER: ""}, {HEADER: "0123456789abcdeg"}])
async def test_only_the_gateway_is_answered(door: OpenDoor, shown: dict[str, str]) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{door.port}") as stranger:
        asked = await stranger.get("/v1/ledger", params={"account_id": "1"}, headers=shown)
        assert (asked.status_code, asked.json()["code"]) == (403, "FORBIDDEN")
        # Who watches the machine needs no key.
        assert (await stranger.get("/health")).status_code == 200
    assert (await door.client.get("/v1/tickers")).status_code == 200

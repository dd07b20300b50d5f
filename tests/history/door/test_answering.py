"""The door in trouble: too many at once, too slow, a database that is gone."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from history.door import answering
from history.queries.standing import UnavailableError
from shared.rest.history_queries import HistoryQuery
from tests.history.door.conftest import OpenDoor
from tests.support.deadlines import eventually_async

FILLS = "/v1/fills?account_id=1"


def answer_fills(door: OpenDoor, by: Callable[[HistoryQuery], Awaitable[Any]]) -> None:
    door.stand.queries.answers = {**door.stand.queries.answers, "/fills": by}


class Gate:
    """Holds every answer until it is opened."""

    def __init__(self) -> None:
        self.waiting, self.opened = 0, asyncio.Event()

    async def __call__(self, _query: object) -> dict[str, int]:
        self.waiting += 1
        await self.opened.wait()
        return {"sequence": 1}


@pytest.fixture
def gate(door: OpenDoor) -> Gate:
    found = Gate()
    answer_fills(door, found)
    return found


async def test_an_answer_ends_its_line_whatever_it_says(door: OpenDoor) -> None:
    for path, status in (("/v1/tickers", 200), (FILLS, 200), ("/v1/fills", 422), ("/v1/no", 404)):
        response = await door.client.get(path)
        assert response.status_code == status, path
        assert response.content.endswith(b"}\n"), path


async def test_one_more_than_are_answered_at_once_is_told_to_come_again(
    door: OpenDoor, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "ANSWERS_AT_ONCE", 2)
    under_way = [asyncio.create_task(door.client.get(FILLS)) for _ in range(2)]
    await eventually_async(lambda: gate.waiting == 2)
    refused = await door.client.get(FILLS)
    assert (refused.status_code, refused.json()["code"]) == (503, "HISTORY_UNAVAILABLE")
    assert refused.headers["retry-after"] == "1"
    gate.opened.set()
    assert [reply.status_code for reply in await asyncio.gather(*under_way)] == [200, 200]
    assert (await door.client.get(FILLS)).status_code == 200


async def test_an_answer_that_takes_too_long_is_given_up(
    door: OpenDoor, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "ANSWER_TIMEOUT_S", 0.05)
    reply = await door.client.get(FILLS)
    assert (reply.status_code, reply.json()["code"]) == (503, "HISTORY_UNAVAILABLE")


async def test_a_database_that_is_gone_is_said_to_be(door: OpenDoor) -> None:
    async def gone(_query: object) -> None:
        raise UnavailableError("it is gone")

    answer_fills(door, gone)
    reply = await door.client.get(FILLS)
    assert (reply.status_code, reply.json()["code"]) == (503, "HISTORY_UNAVAILABLE")


async def test_a_fault_of_ours_is_told_as_one_and_nothing_of_it(door: OpenDoor) -> None:
    async def broken(_query: object) -> None:
        raise ZeroDivisionError("a secret")

    answer_fills(door, broken)
    reply = await door.client.get(FILLS)
    assert (reply.status_code, reply.json()["code"]) == (500, "INTERNAL_ERROR")
    assert "secret" not in reply.text


async def test_searches_wait_for_each_other_and_let_all_others_pass(
    door: OpenDoor, gate: Gate
) -> None:
    at_once = answering.SEARCHES_AT_ONCE
    searches = [
        asyncio.create_task(door.client.get(f"{FILLS}&side=buy")) for _ in range(at_once + 1)
    ]
    await eventually_async(lambda: gate.waiting == at_once)
    plain = asyncio.create_task(door.client.get(FILLS))
    await eventually_async(lambda: gate.waiting == at_once + 1)
    gate.opened.set()
    replies = await asyncio.gather(*searches, plain)
    assert {reply.status_code for reply in replies} == {200}

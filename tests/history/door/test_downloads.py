"""A CSV comes whole, or is seen to be cut."""

import contextlib
import csv
import io

import httpx
import pytest

from history.door import answering
from history.queries import export as exporting
from history.sql import tables
from tests.history.door.conftest import OpenDoor
from tests.support.deadlines import eventually_async

LEDGER = "/v1/ledger?account_id=1&format=csv"


async def test_it_says_how_many_rows_come_and_under_which_name(door: OpenDoor) -> None:
    reply = await door.client.get(LEDGER)
    lines = [line for line in door.stand.world.ledger if line.account_id == 1]
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    assert reply.headers["content-disposition"] == 'attachment; filename="ledger.csv"'
    assert reply.headers["x-total-rows"] == str(len(lines))
    assert reply.headers["transfer-encoding"] == "chunked"
    rows = list(csv.DictReader(io.StringIO(reply.text, newline="")))
    assert [int(row["sequence"]) for row in rows] == [line.sequence for line in reversed(lines)]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/klines?market=TATA_INR&interval=1m", "klines-TATA_INR-1m.csv"),
        ("/v1/trades?market=TATA_INR", "trades-TATA_INR.csv"),
        ("/v1/fills?account_id=1&market=TATA_INR&side=buy", "fills-TATA_INR.csv"),
        ("/v1/rejections?account_id=1", "rejections.csv"),
    ],
)
async def test_files_of_several_markets_have_names_of_their_own(
    door: OpenDoor, path: str, name: str
) -> None:
    reply = await door.client.get(f"{path}&format=csv")
    assert reply.headers["content-disposition"] == f'attachment; filename="{name}"'


async def test_it_is_seen_to_be_cut_when_the_database_fails_in_the_middle(
    door: OpenDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "PAGE_ROWS", 10)
    async with door.client.stream("GET", LEDGER) as reply:
        assert reply.status_code == 200
        async with door.stand.database.writing() as connection:
            await connection.execute(tables.ledger.delete())
        with pytest.raises(httpx.RemoteProtocolError):
            async for _ in reply.aiter_raw():
                pass


async def test_too_many_at_once_are_refused_and_an_ended_one_makes_room(
    door: OpenDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "EXPORTS_AT_ONCE", 0)
    refused = await door.client.get(LEDGER)
    assert (refused.status_code, refused.json()["code"]) == (503, "BUSY")
    monkeypatch.setattr(answering, "EXPORTS_AT_ONCE", 1)
    monkeypatch.setattr(exporting, "PAGE_ROWS", 1)
    async with door.client.stream("GET", LEDGER) as reply:
        assert reply.status_code == 200
        assert (await door.client.get(LEDGER)).status_code == 503

    async def is_free() -> bool:
        return (await door.client.get("/v1/fills?account_id=2&format=csv")).status_code == 200

    await eventually_async(is_free)


async def test_what_cannot_be_exported_is_refused_before_it_begins(door: OpenDoor) -> None:
    reply = await door.client.get("/v1/klines?market=NO_SUCH&interval=1s&format=csv")
    assert (reply.status_code, reply.json()["code"]) == (404, "UNKNOWN_MARKET")
    assert (await door.client.get(LEDGER)).status_code == 200, "it has not taken up a place"


async def test_what_anybody_may_ask_for_leaves_room_for_the_owners_of_accounts(
    door: OpenDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "PAGE_ROWS", 1)
    market = door.stand.world.trades[0].market
    public = f"/v1/trades?market={market}&format=csv"
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(answering.PUBLIC_EXPORTS_AT_ONCE):
            reply = await stack.enter_async_context(door.client.stream("GET", public))
            assert reply.status_code == 200
        refused = await door.client.get(public)
        assert (refused.status_code, refused.json()["code"]) == (503, "BUSY")
        assert (await door.client.get(LEDGER)).status_code == 200

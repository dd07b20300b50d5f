"""Books that are encoded once: grouped, bounded, and never older than the read that sees them."""

import asyncio
from collections.abc import Iterator
from typing import Any, cast

import httpx
import msgspec
import pytest

from api.gateway import Gateway
from api.reads import depth as depth_module
from api.reads.depth import Depths
from api.reads.store import Store
from api.reads.together import Command
from shared.messages import Market, MarketState
from shared.redis_client import connect
from shared.wire import encode
from tests.api.ledger_rows import KEYS, MARKET, Rows
from tests.support.deadlines import eventually_async

PATH = "/depth?market=TATA_INR"


@pytest.fixture
def rows(redis_url: str) -> Iterator[Rows]:
    with Rows(redis_url) as rows:
        rows.market()
        yield rows


def books_read(redis_url: str) -> int:
    with connect(redis_url) as redis:
        stats: Any = redis.info("commandstats")
    return int(stats.get("cmdstat_hgetall", {"calls": 0})["calls"])


async def test_a_book_that_did_not_change_is_read_once(
    client: httpx.AsyncClient, rows: Rows, redis_url: str
) -> None:
    rows.level("b2030", 25)
    rows.state(17)
    first = (await client.get(PATH)).json()
    count = books_read(redis_url)
    rows.commit(2)  # Of something else.
    assert [(await client.get(PATH)).json() for _ in range(3)] == [first] * 3
    assert books_read(redis_url) == count


async def test_a_book_that_changed_is_shown_as_it_is(client: httpx.AsyncClient, rows: Rows) -> None:
    for sequence in range(1, 20):
        rows.level("b2030", sequence)
        rows.state(sequence)
        rows.commit(sequence)
        shown = (await client.get(f"{PATH}&min_sequence={sequence}")).json()
        assert (shown["sequence"], shown["bids"]) == (sequence, [["101.5", f"{sequence / 10:g}"]])


async def test_readers_at_once_never_see_an_older_book_than_the_one_before_them(
    client: httpx.AsyncClient, rows: Rows
) -> None:
    async def read_and_read() -> None:
        before = (await client.get(PATH)).json()
        after = (await client.get(PATH)).json()
        assert after["sequence"] >= before["sequence"]
        for shown in (before, after):
            assert shown["bids"] == [["101.5", str(shown["sequence"])]]

    rows.put_book(1)
    for sequence in range(2, 60):
        readers = [asyncio.create_task(read_and_read()) for _ in range(8)]
        rows.put_book(sequence)
        written = (await client.get(PATH)).json()
        assert written["sequence"] >= sequence
        await asyncio.gather(*readers)


class HeldStore:
    """A store of one book, which is read when the test lets it."""

    def __init__(self) -> None:
        self.keys = KEYS
        self.sequence = 0
        self.gates: list[asyncio.Future[None]] = []

    async def read(self, *commands: Command, min_sequence: int = 0) -> tuple[int, list[Any]]:
        assert min_sequence == 0
        sequence = self.sequence
        state = encode(MarketState(MARKET.market, sequence, 0, 0))
        if len(commands) == 1:
            return sequence, [state]
        self.gates.append(asyncio.get_running_loop().create_future())
        await self.gates[-1]
        return sequence, [{b"b2030": b"%d" % (sequence * 10)}, state]


async def test_who_saw_a_later_book_is_not_given_the_one_that_was_being_read(
    gateway: Gateway, rows: Rows
) -> None:
    market = await gateway.catalog.market(MARKET.market)
    store = HeldStore()
    depths = Depths(cast(Store, store), gateway.catalog)
    readers = []
    for sequence in (1, 1, 2):
        store.sequence = sequence
        readers.append(asyncio.create_task(depths.answer(market, 5, 1, 0)))
        await asyncio.sleep(0)  # It has seen the sequence by now.
    await eventually_async(lambda: len(store.gates) == 1)
    store.gates[0].set_result(None)
    await eventually_async(lambda: len(store.gates) == 2)
    assert [reader.done() for reader in readers] == [True, True, False], (
        "one read for the first two"
    )
    store.gates[1].set_result(None)
    shown = [msgspec.json.decode(answer)["sequence"] for answer in await asyncio.gather(*readers)]
    assert shown == [1, 1, 2]


async def test_levels_are_grouped_away_from_the_best_price(
    client: httpx.AsyncClient, rows: Rows
) -> None:
    for field, lots in (("b2030", 25), ("b2021", 10), ("b2019", 1), ("a2031", 7), ("a2040", 3)):
        rows.level(field, lots)
    rows.level("a2041", 1)
    shown = (await client.get(f"{PATH}&grouping=1")).json()
    assert shown["bids"] == [["101", "3.5"], ["100", "0.1"]]
    assert shown["asks"] == [["102", "1"], ["103", "0.1"]]
    shown = (await client.get(f"{PATH}&grouping=1.00&levels=1")).json()
    assert (shown["bids"], shown["asks"]) == ([["101", "3.5"]], [["102", "1"]])
    shown = (await client.get(f"{PATH}&grouping=0.05&levels=1")).json()
    assert (shown["bids"], shown["asks"]) == ([["101.5", "2.5"]], [["101.55", "0.7"]])
    shown = (await client.get(f"{PATH}&grouping=1000")).json()
    assert (shown["bids"], shown["asks"]) == ([["0", "3.6"]], [["1000", "1.1"]])


@pytest.mark.parametrize("grouping", ["0", "0.01", "0.06", "-1", "1e1", "", "x", "9" * 30])
async def test_a_grouping_that_is_off_the_grid_is_refused(
    client: httpx.AsyncClient, rows: Rows, grouping: str
) -> None:
    response = await client.get(f"{PATH}&grouping={grouping}")
    assert response.status_code == 422
    assert (response.json()["code"], response.json()["field"]) == ("INVALID_PARAMETER", "grouping")
    assert "0.05" in response.json()["message"]


async def test_what_is_kept_is_bounded(
    gateway: Gateway, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    market: Market = await gateway.catalog.market(MARKET.market)
    depths = Depths(gateway.store, gateway.catalog)
    monkeypatch.setattr(depth_module, "KEPT_MAX", 3)
    for levels in range(1, 9):
        await depths.answer(market, levels, 1, 0)
    assert [wanted.levels for wanted in depths._kept] == [6, 7, 8]
    size = len(await depths.answer(market, 8, 1, 0))
    assert depths._kept_size == 3 * size
    monkeypatch.setattr(depth_module, "KEPT_SIZE_MAX", size - 1)
    rows.state(5)
    shown = await depths.answer(market, 8, 1, 0)
    assert b'"sequence":5' in shown, "what is too large to be kept is shown all the same"
    assert (len(depths._kept), depths._kept_size) == (0, 0)

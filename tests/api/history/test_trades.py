"""The trades of a market are one list, wherever the one half ends and the other begins."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.gateway import Gateway
from shared.messages import Side
from shared.wire import TradeRow
from tests.api.ledger_rows import Rows
from tests.support.fake_history import AT_NS, SEQUENCE, FakeHistory, Manner

PATH = "/trades?market=TATA_INR"


@pytest.fixture
def rows(redis_url: str) -> Iterator[Rows]:
    """A market whose last ten trades, 41 to 50, are kept by Redis."""
    with Rows(redis_url) as rows:
        rows.market()
        for trade_id in range(41, 51):
            rows.trade(TradeRow(trade_id, trade_id, 2_030, 25, Side.BUY))
        yield rows


def ids(page: dict[str, Any]) -> list[int]:
    return [row["trade_id"] for row in page["trades"]]


async def all_pages(client: httpx.AsyncClient, limit: int) -> list[int]:
    found: list[int] = []
    path = f"{PATH}&limit={limit}"
    following: int | None = 0
    while following is not None:
        response = await client.get(path + (f"&before={following}" if following else ""))
        assert response.status_code == 200, response.text
        page = response.json()
        assert set(page) == {"market", "trades", "next"}
        found += ids(page)
        following = page["next"]
    return found


@pytest.mark.parametrize("limit", [1, 3, 5, 10, 11, 50, 1_000])
@pytest.mark.parametrize("known", [range(1, 51), range(1, 41), range(1, 47)])
async def test_the_pages_lead_to_the_first_trade_without_gap_or_double(
    client: httpx.AsyncClient, history: FakeHistory, rows: Rows, limit: int, known: range
) -> None:
    history.trades = known
    assert await all_pages(client, limit) == list(range(50, 0, -1))


async def test_the_first_trade_ends_the_list_without_a_question(
    client: httpx.AsyncClient, history: FakeHistory, redis_url: str
) -> None:
    with Rows(redis_url) as rows:
        rows.market()
        assert await all_pages(client, 2) == []
        page = (await client.get(f"{PATH}&before=9")).json()
        assert (page["trades"], page["next"]) == ([], None)
        for trade_id in (1, 2, 3):
            rows.trade(TradeRow(trade_id, trade_id, 2_030, 25, Side.BUY))
        assert await all_pages(client, 2) == [3, 2, 1]
        page = (await client.get(f"{PATH}&before=1")).json()
        assert (page["trades"], page["next"]) == ([], None)
    assert history.asked == []


async def test_what_is_only_in_parquet_files_ends_the_list(
    client: httpx.AsyncClient, history: FakeHistory, rows: Rows
) -> None:
    history.trades = range(31, 51)
    assert await all_pages(client, 7) == list(range(50, 30, -1))
    page = (await client.get(f"{PATH}&before=31")).json()
    assert (page["trades"], page["next"]) == ([], None)


@pytest.mark.parametrize("known", [(), range(1, 40), [*range(1, 39), 40]])
async def test_a_page_that_would_have_a_gap_is_not_given(
    client: httpx.AsyncClient, history: FakeHistory, rows: Rows, known: Any
) -> None:
    history.trades = known
    response = await client.get(f"{PATH}&before=41")
    assert (response.status_code, response.json()["code"]) == (503, "HISTORY_UNAVAILABLE")


async def test_recent_trades_need_no_history(
    client: httpx.AsyncClient, history: FakeHistory, rows: Rows
) -> None:
    history.manner = Manner.FAILS
    page = (await client.get(PATH)).json()
    assert (ids(page), page["next"]) == (list(range(50, 40, -1)), 41)
    assert history.asked == []
    response = await client.get(f"{PATH}&before=41")
    assert (response.status_code, response.json()["code"]) == (503, "HISTORY_UNAVAILABLE")


async def test_where_no_history_is_kept_the_recent_trades_are_all(
    client: httpx.AsyncClient, gateway: Gateway, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.history, "is_kept", False)
    assert await all_pages(client, 4) == list(range(50, 40, -1))
    page = (await client.get(f"{PATH}&before=41")).json()
    assert (page["trades"], page["next"]) == ([], None)


@pytest.mark.parametrize("more", ["from_ns=0", "to_ns=99", "cursor=more", "format=json"])
async def test_a_question_about_the_past_is_the_historys(
    client: httpx.AsyncClient, history: FakeHistory, rows: Rows, more: str
) -> None:
    history.trades = range(1, 51)
    page = (await client.get(f"{PATH}&limit=2&{more}&before=40")).json()
    assert ids(page) == [39, 38]
    assert (page["next"], page["sequence"], page["at_ns"]) == ("more", SEQUENCE, AT_NS)
    assert history.asked[-1][1].before == 40


async def test_the_state_that_a_client_wants_to_see_is_asked_for(
    client: httpx.AsyncClient, history: FakeHistory, rows: Rows
) -> None:
    history.trades = range(1, 51)
    assert (await client.get(f"{PATH}&before=41&min_sequence=1")).status_code == 200
    assert history.asked[-1][1].min_sequence == 1

"""Recent trades, page by page."""

from typing import Any

import httpx
import pytest

from api.gateway import Gateway
from api.reads.trades import read_trades
from shared.messages import Side
from shared.wire import TradeRow
from tests.api.ledger_rows import Rows

PATH = "/trades?market=TATA_INR"


@pytest.fixture
def rows(redis_url: str) -> Any:
    with Rows(redis_url) as rows:
        rows.market()
        yield rows


def trade(rows: Rows, *trade_ids: int) -> None:
    for trade_id in trade_ids:
        rows.trade(TradeRow(trade_id, trade_id, 2_030, 25, Side.BUY))


def ids(page: dict[str, Any]) -> list[int]:
    return [row["trade_id"] for row in page["trades"]]


async def test_pages_follow_each_other_without_gap_or_repeat(
    client: httpx.AsyncClient, rows: Rows
) -> None:
    trade(rows, *range(11, 21))  # Older ones are not kept.
    page = (await client.get(f"{PATH}&limit=4")).json()
    assert (ids(page), page["next"]) == ([20, 19, 18, 17], 17)
    trade(rows, 21, 22)
    page = (await client.get(f"{PATH}&limit=4&before=17")).json()
    assert (ids(page), page["next"]) == ([16, 15, 14, 13], 13)
    page = (await client.get(f"{PATH}&limit=4&before=13")).json()
    assert (ids(page), page["next"]) == ([12, 11], None)
    page = (await client.get(f"{PATH}&limit=2&before=13")).json()
    assert (ids(page), page["next"]) == ([12, 11], None), "a full page may be the last"


async def test_the_edges_of_what_is_kept(client: httpx.AsyncClient, rows: Rows) -> None:
    page = (await client.get(PATH)).json()
    assert (page["trades"], page["next"]) == ([], None)
    page = (await client.get(f"{PATH}&before=5")).json()
    assert (page["trades"], page["next"]) == ([], None)
    trade(rows, 11, 12)
    assert ids((await client.get(f"{PATH}&before=99")).json()) == [12, 11]
    for before in (11, 3, 1):
        page = (await client.get(f"{PATH}&before={before}")).json()
        assert (page["trades"], page["next"]) == ([], None)
    response = await client.get(f"{PATH}&before=0")
    assert (response.status_code, response.json()["field"]) == (422, "before")


async def test_trades_that_come_between_two_reads_do_not_move_the_page(
    gateway: Gateway, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    trade(rows, *range(1, 31))
    read, calls = gateway.store.read, 0

    async def read_and_trade(*commands: Any, min_sequence: int = 0) -> tuple[int, list[Any]]:
        nonlocal calls
        answer = await read(*commands, min_sequence=min_sequence)
        calls += 1
        if calls == 1:
            trade(rows, *range(31, 31 + 40))
        return answer

    monkeypatch.setattr(gateway.store, "read", read_and_trade)
    page = await read_trades(gateway.store, "TATA_INR", 20, 5, 0)
    assert ([row.trade_id for row in page.trades], page.next_before) == ([19, 18, 17, 16, 15], 15)

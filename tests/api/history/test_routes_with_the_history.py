"""The gateway and the history's own door and database: what a client gets is what has happened."""

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import httpx
import pytest

from api.app import public_app
from api.opening import open_gateway
from history.door.app import Watched, door_app
from history.door.serving import serving
from history.sql.database import open_history
from shared.history_key import history_key
from shared.messages import Side
from shared.wire import TradeRow
from tests.api.conftest import client_of, settings_for
from tests.api.exchange import token_for
from tests.api.history.test_routes import account_of
from tests.api.ledger_rows import Rows
from tests.history.conftest import seed  # noqa: F401 - a fixture.
from tests.history.queries import world
from tests.history.queries.stand import Stand
from tests.support.deadlines import eventually_async

EVENTS = 400
MARKET = "TATA_INR"
Token = dict[str, str]


class Venue(NamedTuple):
    """A gateway's client, the history behind it, and what has happened to whom."""

    client: httpx.AsyncClient
    stand: Stand
    tokens: dict[int, Token]

    async def walk(self, path: str, field: str, token: Token) -> list[dict[str, Any]]:
        """Return all rows of a list, page by page."""
        rows: list[dict[str, Any]] = []
        cursor = ""
        while True:
            query = f"limit=7{f'&cursor={cursor}' if cursor else ''}"
            mark = "&" if "?" in path else "?"
            response = await self.client.get(f"{path}{mark}{query}", headers=token)
            assert response.status_code == 200, response.text
            page = response.json()
            rows += page[field]
            cursor = page["next"]
            if cursor is None:
                return rows


@pytest.fixture
async def venue(
    tmp_path: Path,
    redis_url: str,
    seed: int,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Venue]:
    """Two users, and a history of what has happened to them."""
    home = tmp_path / "home"
    database = await open_history(home, "")
    watched = Watched(
        health=lambda: (True, {"status": "ok"}),
        ready=lambda: (True, {"ready": True}),
        metrics=lambda: b"",
    )
    stand = Stand(database, Random(seed))
    async with serving(
        door_app(stand.queries, watched, history_key(redis_url)), "127.0.0.1", 0
    ) as port:
        settings = settings_for(home, redis_url, f"http://127.0.0.1:{port}")
        async with (
            open_gateway(settings) as gateway,
            client_of(public_app(gateway, docs_enabled=True), gateway) as client,
        ):
            await eventually_async(lambda: gateway.bus.redis_is_up)
            tokens: dict[int, Token] = {}
            for name in ("alice", "bob"):
                token = await token_for(client, name)
                tokens[await account_of(client, token)] = token
            monkeypatch.setattr(world, "ACCOUNTS", tuple(tokens))
            await stand.grow(EVENTS)
            yield Venue(client, stand, tokens)
    await database.close()


async def test_every_list_has_the_accounts_rows_and_no_others(venue: Venue) -> None:
    happened = venue.stand.world
    for account_id, token in venue.tokens.items():
        for path, field, expected in (
            ("/api/v1/orders", "orders", list(happened.orders.values())),
            ("/api/v1/fills", "fills", happened.fills),
            ("/api/v1/ledger", "lines", happened.ledger),
            ("/api/v1/rejections", "rejections", happened.rejections),
        ):
            own: list[Any] = [row for row in expected if row.account_id == account_id]
            rows = await venue.walk(path, field, token)
            assert len(rows) == len(own), path
            key = "order_id" if field == "orders" else "sequence"
            assert sorted(row[key] for row in rows) == sorted(getattr(row, key) for row in own)


async def test_another_accounts_order_is_no_order(venue: Venue) -> None:
    for account_id, token in venue.tokens.items():
        for order in list(venue.stand.world.orders.values())[:10]:
            response = await venue.client.get(f"/api/v1/orders/{order.order_id}", headers=token)
            expected = 200 if order.account_id == account_id else 404
            assert response.status_code == expected, response.text


async def test_trades_are_one_list_from_redis_into_the_database(
    venue: Venue, redis_url: str
) -> None:
    trades = [row for row in venue.stand.world.trades if row.market == MARKET]
    assert len(trades) > 20
    with Rows(redis_url) as rows:
        rows.market()
        for trade in trades[-5:]:
            side = Side(trade.taker_side)
            rows.trade(
                TradeRow(trade.trade_id, trade.at_ns, trade.price_ticks, trade.quantity_lots, side)
            )
        found: list[int] = []
        before: int | None = 0
        while before is not None:
            more = f"&before={before}" if before else ""
            response = await venue.client.get(f"/trades?market={MARKET}&limit=3{more}")
            assert response.status_code == 200, response.text
            found += [row["trade_id"] for row in response.json()["trades"]]
            before = response.json()["next"]
    assert found == [trade.trade_id for trade in reversed(trades)]


async def test_files_have_the_same_rows_as_pages(venue: Venue) -> None:
    for token in venue.tokens.values():
        for path, field in (("fills", "fills"), ("ledger", "lines"), ("orders", "orders")):
            rows = await venue.walk(f"/api/v1/{path}", field, token)
            response = await venue.client.get(f"/api/v1/{path}?format=csv", headers=token)
            assert response.status_code == 200, response.text
            assert response.headers["content-disposition"] == f'attachment; filename="{path}.csv"'
            lines = response.text.splitlines()[1:]
            assert len(lines) == len(rows) == int(response.headers["x-total-rows"])


async def test_candles_come_and_what_is_unknown_is_said(venue: Venue) -> None:
    client = venue.client
    response = await client.get(f"/klines?market={MARKET}&interval=1d")
    assert response.status_code == 200, response.text
    traded = sum(row.market == MARKET for row in venue.stand.world.trades)
    assert sum(kline["trades"] for kline in response.json()["klines"]) == traded
    missing = await client.get("/klines?market=NO_SUCH&interval=1d")
    assert (missing.status_code, missing.json()["code"]) == (404, "UNKNOWN_MARKET")
    assert missing.json()["request_id"] == missing.headers["x-request-id"]
    ahead = await client.get(f"/klines?market={MARKET}&interval=1d&min_sequence=999999999")
    assert (ahead.status_code, ahead.json()["code"]) == (409, "SEQUENCE_NOT_REACHED")
    made_up = await client.get(f"/trades?market={MARKET}&cursor=abc")
    assert (made_up.status_code, made_up.json()["field"]) == (422, "cursor")
    assert (await client.get("/ready")).json()["history"] is True

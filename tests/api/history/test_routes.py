"""What is asked of the history, about whose rows, and its answer, which is passed on as it is."""

import httpx
import pytest

from api.gateway import Gateway
from shared.rest.history_queries import (
    FILLS,
    LEDGER,
    ORDERS,
    REJECTIONS,
    ROUTES,
    HistoryQuery,
    QueryFault,
)
from tests.api.exchange import PASSWORD, token_for
from tests.api.signer import make_key
from tests.support.fake_history import FakeHistory

PUBLIC = (
    "/klines?market=TATA_INR&interval=1m",
    "/tickers",
    "/tickers?market=TATA_INR",
    "/api/v1/trades?market=TATA_INR&from_ns=1",
)
PRIVATE = (
    "/api/v1/orders",
    "/api/v1/orders/42",
    "/api/v1/fills",
    "/api/v1/ledger",
    "/api/v1/rejections",
)
Token = dict[str, str]


async def account_of(client: httpx.AsyncClient, token: Token) -> int:
    accounts = (await client.get("/api/v1/accounts", headers=token)).json()["accounts"]
    account_id: int = accounts[0]["account_id"]
    return account_id


@pytest.mark.parametrize("path", PUBLIC)
async def test_anybody_reads_the_market_and_gets_the_very_bytes(
    client: httpx.AsyncClient, history: FakeHistory, path: str
) -> None:
    response = await client.get(path)
    assert response.status_code == 200, response.text
    asked, query = history.asked[-1]
    route = next(route for route in ROUTES if route.path == asked)
    assert response.content == history.body(route, query)
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", PRIVATE)
async def test_an_account_reads_its_own_rows(
    client: httpx.AsyncClient, history: FakeHistory, path: str
) -> None:
    refused = await client.get(path)
    assert (refused.status_code, refused.json()["code"]) == (401, "TOKEN_MISSING")
    assert history.asked == []
    for name in ("alice", "bob"):
        token = await token_for(client, name)
        response = await client.get(path, headers=token)
        assert response.status_code == 200, response.text
        asked, query = history.asked[-1]
        assert query.account_id == await account_of(client, token)
        route = next(route for route in ROUTES if route.path == asked)
        assert response.content == history.body(route, query)
        assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", [*PUBLIC, *PRIVATE])
async def test_nobody_says_whose_rows_they_want(
    client: httpx.AsyncClient, history: FakeHistory, path: str
) -> None:
    alice = await token_for(client, "alice")
    mark = "&" if "?" in path else "?"
    for name in ("account_id", "account_id%20", "order_id" if "42" in path else "account"):
        response = await client.get(f"{path}{mark}{name}=1", headers=alice)
        assert (response.status_code, response.json()["code"]) == (422, "UNKNOWN_PARAMETER")
    assert history.asked == []


async def test_an_account_of_several_is_the_one_that_the_token_speaks_for(
    client: httpx.AsyncClient, history: FakeHistory
) -> None:
    alice = await token_for(client, "alice")
    made = await client.post("/api/v1/accounts", json={"label": "bot"}, headers=alice)
    account_id = made.json()["account_id"]
    body = {"username": "alice", "password": PASSWORD, "account_id": account_id}
    token = (await client.post("/login", json=body)).json()["access_token"]
    await client.get("/api/v1/ledger", headers={"Authorization": f"Bearer {token}"})
    assert history.asked[-1][1].account_id == account_id


async def test_a_key_reads_if_it_may(client: httpx.AsyncClient, history: FakeHistory) -> None:
    alice = await token_for(client, "alice")
    for scopes, status in ((["read"], 200), (["trade"], 403), (["withdraw"], 403)):
        key, _ = await make_key(client, alice, scopes=scopes)
        for path in PRIVATE:
            response = await key.ask(client, "GET", path)
            assert response.status_code == status, (scopes, path, response.text)
    assert {query.account_id for _, query in history.asked} == {await account_of(client, alice)}
    assert len(history.asked) == len(PRIVATE)


async def test_every_filter_goes_on_as_it_was_meant(
    client: httpx.AsyncClient, history: FakeHistory
) -> None:
    alice = await token_for(client, "alice")
    account_id = await account_of(client, alice)
    path = "/api/v1/orders?market=TATA_INR&side=BUY&type=limit&status=open,Filled,open&limit=7"
    await client.get(f"{path}&client_order_id=a:b&from_ns=5&to_ns=9&min_sequence=3", headers=alice)
    wanted = HistoryQuery(
        account_id=account_id,
        market="TATA_INR",
        side="buy",
        type="limit",
        statuses=("open", "filled"),
        client_order_id="a:b",
        from_ns=5,
        to_ns=9,
        min_sequence=3,
        limit=7,
    )
    assert history.asked == [(ORDERS.path, wanted)]
    await client.get("/api/v1/fills?role=taker&order_id=3&cursor=abc_-", headers=alice)
    await client.get("/api/v1/ledger?asset=INR&cause=Trade", headers=alice)
    await client.get("/api/v1/rejections?market=TATA_INR", headers=alice)
    fills, ledger, rejections = history.asked[1:]
    assert fills == (
        FILLS.path,
        HistoryQuery(account_id=account_id, role="taker", order_id=3, cursor="abc_-", limit=100),
    )
    assert (ledger[0], ledger[1].asset, ledger[1].cause) == (LEDGER.path, "INR", "trade")
    assert (rejections[0], rejections[1].market) == (REJECTIONS.path, "TATA_INR")


@pytest.mark.parametrize(
    ("path", "code", "field"),
    [
        ("/klines?market=TATA_INR", "MISSING_FIELD", "interval"),
        ("/klines?market=TATA_INR&interval=2m", "INVALID_PARAMETER", "interval"),
        ("/klines?market=A&market=B&interval=1m", "INVALID_PARAMETER", "market"),
        ("/klines?market=A%0d%0aHost:x&interval=1m", "INVALID_PARAMETER", "market"),
        ("/klines?market=A&interval=1m&limit=1001", "INVALID_PARAMETER", "limit"),
        ("/klines?market=A&interval=1m&limit=0", "INVALID_PARAMETER", "limit"),
        ("/klines?market=A&interval=1m&from_ns=9&to_ns=9", "INVALID_PARAMETER", "to_ns"),
        ("/klines?market=A&interval=1m&cursor=", "INVALID_PARAMETER", "cursor"),
        ("/klines?market=A&interval=1m&cursor=" + "a" * 129, "INVALID_PARAMETER", "cursor"),
        ("/klines?market=A&interval=1m&cursor=" + "a" * 64 + "%0a", "INVALID_PARAMETER", "cursor"),
        ("/tickers?limit=5", "UNKNOWN_PARAMETER", "limit"),
        ("/trades?market=A&format=xml", "INVALID_PARAMETER", "format"),
        ("/api/v1/orders?status=open,won", "INVALID_PARAMETER", "status"),
        ("/api/v1/fills?order_id=0", "INVALID_PARAMETER", "order_id"),
        ("/api/v1/orders/0", "UNKNOWN_ORDER", "order_id"),
        ("/api/v1/orders/9223372036854775808", "UNKNOWN_ORDER", "order_id"),
        ("/api/v1/orders/42?format=csv", "UNKNOWN_PARAMETER", "format"),
    ],
)
async def test_what_is_no_question_is_not_asked(
    client: httpx.AsyncClient, history: FakeHistory, path: str, code: str, field: str
) -> None:
    response = await client.get(path, headers=await token_for(client, "alice"))
    assert (response.json()["code"], response.json()["field"]) == (code, field)
    assert history.asked == []


@pytest.mark.parametrize(
    ("path", "code", "status"),
    [
        ("/api/v1/fills", "UNKNOWN_MARKET", 404),
        ("/api/v1/orders/42", "UNKNOWN_ORDER", 404),
        ("/tickers", "SEQUENCE_NOT_REACHED", 409),
        ("/klines?market=A&interval=1m", "INVALID_PARAMETER", 422),
    ],
)
async def test_a_no_of_the_history_gets_the_id_of_the_request(
    client: httpx.AsyncClient, history: FakeHistory, path: str, code: str, status: int
) -> None:
    history.refusal, history.refusal_status = QueryFault(code, "So it is.", "market"), status
    headers = {**await token_for(client, "alice"), "X-Request-Id": "my-request-1"}
    response = await client.get(path, headers=headers)
    assert (response.status_code, response.json()) == (
        status,
        {"code": code, "message": "So it is.", "field": "market", "request_id": "my-request-1"},
    )
    if status == 409:
        assert response.headers["retry-after"] == "1"


@pytest.mark.parametrize("path", ["/tickers", "/api/v1/trades?market=A&format=csv"])
async def test_without_a_history_there_is_a_plain_word_and_no_use_in_asking_again(
    client: httpx.AsyncClient, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(gateway.history, "is_kept", False)
    response = await client.get(path)
    assert (response.status_code, response.json()["code"]) == (404, "HISTORY_OFF")
    assert response.json()["message"] == "This exchange keeps no history."
    assert "retry-after" not in response.headers
    assert "history" not in (await client.get("/ready")).json(), "nothing of it is broken"

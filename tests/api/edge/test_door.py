"""What holds for every request, whatever it asks for."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from api.edge.door import BODY_SIZE_MAX
from api.gateway import Gateway
from api.paths import canonical_path

ERROR_FIELDS = {"code", "message", "field", "request_id"}


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("/", "/"),
        ("/health/", "/health"),
        ("/login", "/api/v1/auth/login"),
        ("/login/", "/api/v1/auth/login"),
        ("/order/open/", "/api/v1/order/open"),
        ("/depth", "/api/v1/depth"),
        ("/api/v1/depth/", "/api/v1/depth"),
        ("/depths", "/depths"),
        ("//", "/"),
    ],
)
def test_a_path_has_one_address(path: str, canonical: str) -> None:
    assert canonical_path(path) == canonical


@pytest.mark.parametrize("path", ["/api/v1/time", "/api/v1/time/", "/time", "/time/", "/health/"])
async def test_a_trailing_slash_is_no_redirect(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 200


async def test_every_answer_has_an_id_and_the_security_headers(client: httpx.AsyncClient) -> None:
    for path in ("/health", "/nowhere", "/api/v1/balances"):
        response = await client.get(path, headers={"X-Request-Id": "client-1234"})
        assert response.headers["x-request-id"] == "client-1234"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["cache-control"] == "no-store"
        assert "server" not in response.headers


@pytest.mark.parametrize("given", ["short", "with space in it", "x" * 65, "new\u00e9"])
async def test_an_odd_request_id_is_replaced(client: httpx.AsyncClient, given: str) -> None:
    headers = {b"X-Request-Id": given.encode("latin-1")}
    response = await client.get("/health", headers=headers)
    assert len(response.headers["x-request-id"]) == 32


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "NOT_FOUND"),
        ("GET", "/api/v1", 404, "NOT_FOUND"),
        ("PUT", "/api/v1/order", 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/api/v1/depth", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/api/v1/depth?market=A_B&market=A_B", 422, "INVALID_PARAMETER"),
        ("GET", "/api/v1/depth?markt=A_B", 422, "UNKNOWN_PARAMETER"),
        ("GET", "/api/v1/depth", 422, "MISSING_FIELD"),
        ("GET", "/api/v1/depth?market=NO_SUCH", 404, "UNKNOWN_MARKET"),
        ("GET", "/api/v1/depth?market=%00", 404, "UNKNOWN_MARKET"),
        ("GET", "/api/v1/depth?market=A_B&levels=0", 422, "INVALID_PARAMETER"),
        ("GET", "/api/v1/depth?market=A_B&levels=-1", 422, "INVALID_PARAMETER"),
        ("GET", "/api/v1/depth?market=A_B&levels=1e3", 422, "INVALID_PARAMETER"),
        ("GET", "/api/v1/depth?market=A_B&levels=%D9%A1", 422, "INVALID_PARAMETER"),
        ("GET", "/api/v1/trades?market=A_B&limit=99999999999999999999", 422, "INVALID_PARAMETER"),
    ],
)
async def test_every_refusal_has_one_shape(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    response = await client.request(method, path)
    body = response.json()
    assert (response.status_code, body["code"]) == (status, code)
    assert set(body) == ERROR_FIELDS
    assert body["request_id"] == response.headers["x-request-id"]


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Content-Type": "text/plain"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ({"Content-Type": "application/jsonx"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ({"Content-Type": "application/json; charset=latin-1"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ({}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        (
            {"Content-Type": "application/json", "Content-Encoding": "gzip"},
            415,
            "UNSUPPORTED_ENCODING",
        ),
        ({"Content-Type": "application/json; charset=UTF-8"}, 422, "MISSING_FIELD"),
        ({"Content-Type": "Application/JSON"}, 422, "MISSING_FIELD"),
    ],
)
async def test_a_body_is_plain_json(
    client: httpx.AsyncClient, headers: dict[str, str], status: int, code: str
) -> None:
    response = await client.post("/login", content=b"{}", headers=headers)
    assert (response.status_code, response.json()["code"]) == (status, code)


@pytest.mark.parametrize("path", ["/login", "/api/v1/order", "/nowhere"])
async def test_a_large_body_is_refused(client: httpx.AsyncClient, path: str) -> None:
    response = await client.post(path, content=b"{" + b" " * BODY_SIZE_MAX)
    assert (response.status_code, response.json()["code"]) == (413, "BODY_TOO_LARGE")
    assert response.headers["connection"] == "close"


async def test_a_large_body_without_a_length_is_refused_on_the_way(
    client: httpx.AsyncClient,
) -> None:
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(10_000):
            sent += 1_000
            yield b" " * 1_000

    headers = {"Content-Type": "application/json"}
    response = await client.post("/login", content=chunks(), headers=headers)
    assert (response.status_code, response.json()["code"]) == (413, "BODY_TOO_LARGE")
    assert sent < 2_000_000


async def test_a_body_that_never_ends_is_cut(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.edge.door.BODY_TIMEOUT_S", 0.05)

    async def chunks() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    headers = {"Content-Type": "application/json"}
    response = await client.post("/login", content=chunks(), headers=headers)
    assert (response.status_code, response.json()["code"]) == (408, "BODY_TIMEOUT")


async def test_only_listed_pages_may_call(client: httpx.AsyncClient) -> None:
    preflight = {"Access-Control-Request-Method": "POST"}
    for origin, allowed in (("https://desk.example", True), ("https://evil.example", False)):
        response = await client.options("/order", headers={"Origin": origin, **preflight})
        assert (response.headers.get("access-control-allow-origin") == origin) is allowed
        assert "access-control-allow-credentials" not in response.headers


async def test_the_figures_name_routes_and_never_what_clients_write(
    client: httpx.AsyncClient, gateway: Gateway
) -> None:
    await client.get("/api/v1/order/12345")
    await client.get("/secret-path")
    text = gateway.metrics.text().decode()
    assert 'route="/api/v1/order/{order_id}"' in text
    assert "secret-path" not in text
    assert "12345" not in text

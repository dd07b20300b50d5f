"""The short way to a handler answers as the whole application does."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from api.app import public_app
from api.edge.answers import answer, install_error_handlers
from api.edge.door import App, Door
from api.edge.errors import ApiError
from api.edge.metrics import Metrics
from api.edge.shortcut import Shortcut
from api.gateway import Gateway
from shared.addresses import Proxies

PAGE = {"Origin": "https://desk.example"}
REQUESTS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("GET", "/api/v1/time", {}),
    ("GET", "/time", {}),
    ("GET", "/api/v1/time/", PAGE),
    ("GET", "/api/v1/time?x=1", {}),
    ("POST", "/api/v1/time", {}),
    ("HEAD", "/health", {}),
    ("GET", "/health", PAGE),
    ("OPTIONS", "/api/v1/order", {**PAGE, "Access-Control-Request-Method": "POST"}),
    ("POST", "/api/v1/order", {}),
    ("POST", "/api/v1/order", PAGE),
    ("GET", "/api/v1/order/7", {}),
    ("GET", "/nowhere", {}),
    ("GET", "/metrics", {}),
)


def client_of(app: object) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url="http://gateway")


def door(app: App, metrics: Metrics | None = None) -> Door:
    return Door(app, metrics or Metrics(), proxies=Proxies(()))


def comparable(response: httpx.Response) -> tuple[object, ...]:
    headers = [pair for pair in response.headers.raw if pair[0] not in (b"content-length",)]
    body = (
        response.text
        if "/time" not in str(response.url) and "/metrics" not in str(response.url)
        else ""
    )
    return response.status_code, headers, body


@pytest.mark.parametrize("origins", [(), ("https://desk.example",)])
async def test_the_answers_are_the_same(gateway: Gateway, origins: tuple[str, ...]) -> None:
    app = public_app(gateway, docs_enabled=False, cors_origins=origins)
    async with (
        client_of(door(app)) as long,
        client_of(door(Shortcut(app))) as short,
    ):
        for method, path, headers in REQUESTS:
            given = {"X-Request-Id": "the-same-one", **headers}
            answers = [await each.request(method, path, headers=given) for each in (long, short)]
            assert comparable(answers[1]) == comparable(answers[0]), (method, path)


async def _fail(_request: Request) -> Response:
    raise ZeroDivisionError


async def _refuse(_request: Request) -> Response:
    raise ApiError("HALTED")


async def _name(request: Request, name: str) -> Response:
    return answer({"name": name})


@pytest.fixture
async def odd() -> AsyncIterator[tuple[httpx.AsyncClient, Metrics]]:
    app, metrics = FastAPI(), Metrics()
    install_error_handlers(app)
    for path, handler in (("/fail", _fail), ("/refuse", _refuse), ("/names/{name}", _name)):
        app.add_api_route(path, handler)
    async with client_of(door(Shortcut(app), metrics)) as client:
        yield client, metrics


async def test_a_bug_is_an_internal_error(odd: tuple[httpx.AsyncClient, Metrics]) -> None:
    response = await odd[0].get("/fail")
    assert (response.status_code, response.json()["code"]) == (500, "INTERNAL_ERROR")


async def test_a_no_is_told_and_counted_by_its_route(
    odd: tuple[httpx.AsyncClient, Metrics],
) -> None:
    client, metrics = odd
    response = await client.get("/refuse")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "30")
    assert b'method="GET",route="/refuse",status="503"} 1.0' in metrics.text()


async def test_an_address_with_a_parameter_goes_the_long_way(
    odd: tuple[httpx.AsyncClient, Metrics],
) -> None:
    assert (await odd[0].get("/names/x")).json() == {"name": "x"}

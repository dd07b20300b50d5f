"""Who gets in where: every route of both applications, taken from their own tables of routes.

A new route is tried here without a line being written; only what opens without a token, and what
no key may do, is said by name.
"""

import re
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from api.app import admin_app, public_app
from api.gateway import Gateway
from api.identity.users import Role
from api.paths import PREFIX
from shared.claims import ADMIN_AUDIENCE, AUDIENCE
from tests.api.exchange import PASSWORD, token_for
from tests.api.signer import Signer, key_of, make_key

Route = tuple[str, str]

# What anybody may ask; a route that is not here needs a token.
OPEN = {
    ("GET", "/openapi.json"),
    ("HEAD", "/openapi.json"),
    ("GET", "/docs"),
    ("GET", "/docs/1"),
    ("GET", "/health"),
    ("HEAD", "/health"),
    ("GET", "/ready"),
    ("HEAD", "/ready"),
    ("GET", "/metrics"),
    ("POST", f"{PREFIX}/auth/register"),
    ("POST", f"{PREFIX}/auth/login"),
    ("POST", f"{PREFIX}/auth/refresh"),
    ("POST", f"{PREFIX}/auth/password/reset"),
    ("GET", f"{PREFIX}/markets"),
    ("GET", f"{PREFIX}/markets/1"),
    ("GET", f"{PREFIX}/assets"),
    ("GET", f"{PREFIX}/assets/1"),
    ("GET", f"{PREFIX}/depth"),
    ("GET", f"{PREFIX}/trades"),
    ("GET", f"{PREFIX}/time"),
    ("GET", f"{PREFIX}/klines"),
    ("GET", f"{PREFIX}/tickers"),
}
# What only who has logged in may ask, whatever the scopes of a key: no key lists keys.
MANAGED = (f"{PREFIX}/keys", f"{PREFIX}/auth/")
MANAGED_CHANGES = (f"{PREFIX}/accounts",)


def routes_of(app: FastAPI) -> Iterator[Route]:
    for route in iter_route_contexts(app.routes):
        path = re.sub(r"\{\w+\}", "1", route.path or "")
        for method in sorted(route.methods or ()):
            yield method, path


def is_managed(method: str, path: str) -> bool:
    return path.startswith(MANAGED) or (method != "GET" and path.startswith(MANAGED_CHANGES))


@pytest.fixture
def public(gateway: Gateway) -> list[Route]:
    return list(routes_of(public_app(gateway, docs_enabled=True)))


@pytest.fixture
def secured(public: list[Route]) -> list[Route]:
    return [route for route in public if route not in OPEN]


@pytest.fixture
def admin_secured(gateway: Gateway) -> list[Route]:
    routes = routes_of(admin_app(gateway, docs_enabled=True))
    return [route for route in routes if route not in OPEN]


def code_of(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def test_the_tables_are_read_whole(
    public: list[Route], secured: list[Route], admin_secured: list[Route]
) -> None:
    assert ("POST", f"{PREFIX}/order") in secured
    assert ("DELETE", f"{PREFIX}/keys/1") in secured
    assert ("POST", f"{PREFIX}/admin/deposits") in admin_secured
    assert set(public) >= OPEN
    assert not [path for _, path in public if path.startswith(f"{PREFIX}/admin")]


def test_the_document_says_what_needs_a_token(gateway: Gateway) -> None:
    for app in (public_app(gateway, docs_enabled=True), admin_app(gateway, docs_enabled=True)):
        for path, item in app.openapi()["paths"].items():
            for method, operation in item.items():
                is_open = (method.upper(), re.sub(r"\{\w+\}", "1", path)) in OPEN
                assert ("security" in operation) is not is_open, (method, path)


async def test_without_a_token_nothing_else_opens(
    client: httpx.AsyncClient,
    admin_client: httpx.AsyncClient,
    secured: list[Route],
    admin_secured: list[Route],
) -> None:
    for door, routes in ((client, secured), (admin_client, admin_secured)):
        for method, path in routes:
            for headers in ({}, {"Authorization": "Bearer"}, {"Cookie": "token=x"}):
                response = await door.request(method, path, headers=headers)
                assert code_of(response) == (401, "TOKEN_MISSING"), (method, path)
                assert response.headers["www-authenticate"] == "Bearer"


async def test_a_token_of_one_door_opens_nothing_at_the_other(
    client: httpx.AsyncClient,
    admin_client: httpx.AsyncClient,
    gateway: Gateway,
    secured: list[Route],
    admin_secured: list[Route],
) -> None:
    trader = await token_for(client, "alice")
    admin = gateway.issuer.issue(
        user_id=1, account_id=1, role="admin", audience=ADMIN_AUDIENCE, session_id="s"
    )
    root = {"Authorization": f"Bearer {admin}"}
    for door, routes, headers in (
        (client, secured, root),
        (admin_client, admin_secured, trader),
    ):
        for method, path in routes:
            response = await door.request(method, path, headers=headers)
            assert code_of(response) == (401, "INVALID_TOKEN"), (method, path)


async def test_a_refresh_token_or_a_secret_is_no_access_token(
    client: httpx.AsyncClient, admin_client: httpx.AsyncClient
) -> None:
    token = await token_for(client, "alice")
    login = {"username": "alice", "password": PASSWORD}
    logged_in = (await client.post("/login", json=login)).json()
    _, made = await make_key(client, token)
    for secret in (logged_in["refresh_token"], made["secret"], made["key_id"]):
        headers = {"Authorization": f"Bearer {secret}"}
        for door, path in ((client, "/balances"), (admin_client, f"{PREFIX}/admin/users")):
            response = await door.get(path, headers=headers)
            assert code_of(response) == (401, "INVALID_TOKEN")


async def test_an_admin_who_trades_stays_out_of_the_operators_door(
    admin_client: httpx.AsyncClient, gateway: Gateway, admin_secured: list[Route]
) -> None:
    # The role alone opens nothing: the token was made at the other door.
    token = gateway.issuer.issue(
        user_id=1, account_id=1, role=Role.ADMIN, audience=AUDIENCE, session_id="s"
    )
    for method, path in admin_secured:
        response = await admin_client.request(
            method, path, headers={"Authorization": f"Bearer {token}"}
        )
        assert code_of(response) == (401, "INVALID_TOKEN"), (method, path)


async def test_a_key_opens_nothing_at_the_operators_door(
    client: httpx.AsyncClient, admin_client: httpx.AsyncClient, admin_secured: list[Route]
) -> None:
    signer = await key_of(client, "alice", scopes=["read", "trade", "withdraw"])
    for method, path in admin_secured:
        response = await signer.ask(admin_client, method, path)
        assert response.status_code == 401, (method, path)


async def test_a_key_that_reads_reads_and_does_nothing_else(
    client: httpx.AsyncClient, secured: list[Route]
) -> None:
    signer = await key_of(client, "alice")
    passed = []
    for method, path in secured:
        response = await signer.ask(client, method, path)
        if response.status_code not in (401, 403):
            passed.append((method, path))
        else:
            refusals = ((403, "FORBIDDEN"), (401, "TOKEN_MISSING"))
            assert code_of(response) in refusals, (method, path)
    expected = [route for route in secured if route[0] == "GET" and not is_managed(*route)]
    assert passed == expected


async def test_no_key_does_what_only_a_password_may(
    client: httpx.AsyncClient, secured: list[Route]
) -> None:
    token = await token_for(client, "alice")
    every, _ = await make_key(client, token, scopes=["read", "trade", "withdraw"])
    none = [
        (await make_key(client, token, scopes=[scope]))[0]
        for scope in ("read", "trade", "withdraw")
    ]

    async def opens(signer: Signer, route: Route) -> bool:
        return (await signer.ask(client, *route)).status_code not in (401, 403)

    for route in secured:
        # A route that all scopes together open is opened by one of them alone.
        alone = [await opens(signer, route) for signer in none]
        assert await opens(every, route) == any(alone), route
        assert sum(alone) <= 1, route
        assert any(alone) is not is_managed(*route), route


async def test_no_header_changes_the_method_or_the_address(
    client: httpx.AsyncClient, gateway: Gateway
) -> None:
    signer = await key_of(client, "alice")
    for name, value in (
        ("X-HTTP-Method-Override", "DELETE"),
        ("X-Method-Override", "DELETE"),
        ("X-Original-URL", f"{PREFIX}/keys"),
        ("X-Rewrite-URL", f"{PREFIX}/keys"),
    ):
        headers = signer.headers("GET", "/order/1") | {name: value}
        response = await client.get("/order/1", headers=headers)
        assert response.json()["code"] not in ("FORBIDDEN", "INVALID_KEY"), name

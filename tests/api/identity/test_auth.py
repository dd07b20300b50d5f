"""Registering, logging in, and who may pass with what."""

import asyncio
from pathlib import Path

import httpx
import pytest

from api.gateway import Gateway
from api.identity.users import Role
from shared.claims import ADMIN_AUDIENCE, AUDIENCE
from shared.home import token_public_key
from shared.tokens import TokenVerifier
from tests.api.exchange import token_for

PASSWORD = "correct horse battery"

PROTECTED = (
    ("POST", "/api/v1/order"),
    ("DELETE", "/api/v1/order"),
    ("PATCH", "/api/v1/order"),
    ("GET", "/api/v1/order"),
    ("GET", "/api/v1/order/open"),
    ("GET", "/api/v1/order/1"),
    ("DELETE", "/api/v1/order/1"),
    ("GET", "/api/v1/balances"),
)


async def test_register_then_log_in(client: httpx.AsyncClient, tmp_path: Path) -> None:
    credentials = {"username": "Alice", "password": PASSWORD}
    registered = await client.post("/api/v1/auth/register", json=credentials)
    assert registered.status_code == 201
    account_id = registered.json()["account_id"]
    assert 0 < account_id < 2**53, "every reader of JSON keeps it exact"
    assert registered.json() == {"user_id": 1, "username": "Alice", "account_id": account_id}
    logged_in = await client.post("/login", json={**credentials, "username": "aLICE"})
    body = logged_in.json()
    assert len(body["refresh_token"]) == 64
    assert (body["token_type"], body["expires_in_s"]) == ("Bearer", 900)
    assert body["account_id"] == account_id
    verifier = TokenVerifier(token_public_key(tmp_path / "home"))
    assert verifier.verify(body["access_token"], AUDIENCE).account_id == account_id


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"username": "al"}, 422, "INVALID_USERNAME"),
        ({"username": "a" * 33}, 422, "INVALID_USERNAME"),
        ({"username": "al ice"}, 422, "INVALID_USERNAME"),
        ({"username": "\u0430lice"}, 422, "INVALID_USERNAME"),
        ({"username": "alice\n"}, 422, "INVALID_USERNAME"),
        ({"username": 5}, 422, "INVALID_FIELD"),
        ({"password": "short"}, 422, "INVALID_PASSWORD"),
        ({"password": "x" * 129}, 422, "INVALID_PASSWORD"),
        ({"password": None}, 422, "INVALID_FIELD"),
        ({"role": "admin"}, 422, "UNKNOWN_FIELD"),
        ({"account_id": 1}, 422, "USER_ID_NOT_ALLOWED"),
    ],
)
async def test_a_bad_registration_is_refused(
    client: httpx.AsyncClient, changes: dict[str, object], status: int, code: str
) -> None:
    body = {"username": "alice", "password": PASSWORD, **changes}
    response = await client.post("/api/v1/auth/register", json=body)
    assert (response.status_code, response.json()["code"]) == (status, code)


async def test_a_name_is_taken_once(client: httpx.AsyncClient) -> None:
    await token_for(client, "alice")
    body = {"username": "ALICE", "password": PASSWORD}
    response = await client.post("/api/v1/auth/register", json=body)
    assert (response.status_code, response.json()["code"]) == (409, "USERNAME_TAKEN")


async def test_a_wrong_password_and_an_unknown_user_are_the_same_answer(
    client: httpx.AsyncClient,
) -> None:
    await token_for(client, "alice")
    bodies = []
    for username, password in (("alice", "wrong password"), ("nobody", PASSWORD)):
        response = await client.post("/login", json={"username": username, "password": password})
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        bodies.append({**response.json(), "request_id": ""})
    assert bodies[0] == bodies[1]


async def test_guessing_is_slowed_down_for_the_name_only(client: httpx.AsyncClient) -> None:
    await token_for(client, "alice")
    bob = {"username": "bobby", "password": PASSWORD}
    await client.post("/api/v1/auth/register", json=bob)
    guess = {"username": "alice", "password": "wrong password"}
    codes = [(await client.post("/login", json=guess)).json()["code"] for _ in range(12)]
    assert codes[-1] == "TOO_MANY_ATTEMPTS"
    assert codes[0] == "INVALID_CREDENTIALS"
    assert (await client.post("/login", json=bob)).status_code == 200


async def test_a_flood_of_logins_leaves_the_rest_alive(client: httpx.AsyncClient) -> None:
    alice = await token_for(client, "alice")
    logins = [
        client.post("/login", json={"username": f"user{number}", "password": PASSWORD})
        for number in range(55)
    ]
    flood = asyncio.gather(*logins)
    # While the pool hashes, the loop answers others: many of them, one after the other.
    answered = 0
    while not flood.done():
        assert (await client.get("/api/v1/auth/me", headers=alice)).status_code == 200
        answered += 1
    statuses = {response.status_code for response in await flood}
    assert statuses <= {401, 429, 503}
    assert 401 in statuses
    assert answered > 10, "hashing never holds the loop"


@pytest.mark.parametrize(("method", "path"), PROTECTED)
async def test_without_a_good_token_nothing_opens(
    client: httpx.AsyncClient, gateway: Gateway, method: str, path: str
) -> None:
    good = (await token_for(client, "alice"))["Authorization"]
    admin = gateway.issuer.issue(
        user_id=1, account_id=1, role="admin", audience=ADMIN_AUDIENCE, session_id="s"
    )
    attempts = [
        ({}, "TOKEN_MISSING"),
        ({"Authorization": ""}, "TOKEN_MISSING"),
        ({"Authorization": "Basic YWxpY2U6eA=="}, "TOKEN_MISSING"),
        ({"Authorization": good.removeprefix("Bearer ")}, "TOKEN_MISSING"),
        ({"Authorization": "Bearer"}, "TOKEN_MISSING"),
        ({"Authorization": "Bearer x"}, "INVALID_TOKEN"),
        ({"Authorization": good[:-2]}, "INVALID_TOKEN"),
        ({"Authorization": good + " x"}, "INVALID_TOKEN"),
        ({"Authorization": f"Bearer {admin}"}, "INVALID_TOKEN"),
    ]
    for headers, code in attempts:
        response = await client.request(method, path, headers=headers)
        assert (response.status_code, response.json()["code"]) == (401, code)


async def test_two_tokens_in_one_request_are_none(client: httpx.AsyncClient) -> None:
    good = (await token_for(client, "alice"))["Authorization"]
    headers = [("Authorization", good), ("Authorization", good)]
    response = await client.get("/balances", headers=headers)
    assert response.json()["code"] == "TOKEN_MISSING"


async def test_an_expired_token_says_so(
    client: httpx.AsyncClient, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.issuer, "_clock", lambda: 1_000_000)
    old = gateway.issuer.issue(
        user_id=1, account_id=1, role="trader", audience=AUDIENCE, session_id="s"
    )
    response = await client.get("/balances", headers={"Authorization": f"Bearer {old}"})
    assert (response.status_code, response.json()["code"]) == (401, "TOKEN_EXPIRED")


async def test_only_admins_enter_the_operators_door(
    client: httpx.AsyncClient, admin_client: httpx.AsyncClient, gateway: Gateway
) -> None:
    trader = await token_for(client, "alice")
    password_hash = await gateway.passwords.hash(PASSWORD)
    await gateway.users.create("root", password_hash, Role.ADMIN)
    login = "/api/v1/auth/login"
    as_trader = await admin_client.post(login, json={"username": "alice", "password": PASSWORD})
    assert (as_trader.status_code, as_trader.json()["code"]) == (401, "INVALID_CREDENTIALS")
    as_admin = await admin_client.post(login, json={"username": "root", "password": PASSWORD})
    token = {"Authorization": f"Bearer {as_admin.json()['access_token']}"}
    deposits = "/api/v1/admin/deposits"
    for headers, status in (({}, 401), (trader, 401), (token, 422)):
        response = await admin_client.post(deposits, json={}, headers=headers)
        assert response.status_code == status, response.text
    assert (await client.post(deposits, json={}, headers=token)).status_code == 404
    assert (await client.get("/balances", headers=token)).status_code == 401
    register = {"username": "carol", "password": PASSWORD}
    response = await admin_client.post("/api/v1/auth/register", json=register)
    assert response.status_code == 404


async def test_a_traders_role_does_not_pass_even_with_the_operators_audience(
    admin_client: httpx.AsyncClient, gateway: Gateway
) -> None:
    token = gateway.issuer.issue(
        user_id=1, account_id=1, role="trader", audience=ADMIN_AUDIENCE, session_id="s"
    )
    headers = {"Authorization": f"Bearer {token}"}
    response = await admin_client.post("/api/v1/admin/deposits", json={}, headers=headers)
    assert (response.status_code, response.json()["code"]) == (403, "FORBIDDEN")

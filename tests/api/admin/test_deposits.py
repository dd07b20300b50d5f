"""Deposits over the operators' door, through the real engine."""

import httpx
import pytest

from api.admin.deposits import deposit
from api.app import admin_app
from api.edge.errors import ApiError
from api.identity.users import Role
from shared.rest.account import Balances
from tests.api.admin.operators import an_operator
from tests.api.conftest import client_of
from tests.api.exchange import PASSWORD, Exchange

DEPOSITS = "/api/v1/admin/deposits"


async def operator(exchange: Exchange, admin: httpx.AsyncClient, name: str) -> dict[str, str]:
    password_hash = await exchange.gateway.passwords.hash(PASSWORD)
    await exchange.gateway.users.create(name, password_hash, Role.ADMIN)
    login = await admin.post("/api/v1/auth/login", json={"username": name, "password": PASSWORD})
    return {"Authorization": f"Bearer {login.json()['access_token']}"}


async def test_a_deposit_arrives_once_by_name_or_by_account(exchange: Exchange) -> None:
    await exchange.user("dora")
    async with client_of(
        admin_app(exchange.gateway, docs_enabled=False), exchange.gateway
    ) as admin:
        token = await operator(exchange, admin, "root")
        by_name = {"username": "DORA", "asset": "INR", "amount": "12.5", "reference": "r-1"}
        for replayed in (False, True):
            response = await admin.post(DEPOSITS, json=by_name, headers=token)
            body = response.json()
            assert (response.status_code, body["replayed"]) == (201, replayed)
            assert body["balance"] == {"available": "12.5", "held": "0", "total": "12.5"}
        by_account = {
            "account": exchange.accounts["dora"],
            "asset": "INR",
            "amount": "1",
            "reference": "r-2",
        }
        response = await admin.post(DEPOSITS, json=by_account, headers=token)
        assert response.json()["balance"]["available"] == "13.5"
        again = {**by_account, "reference": "r-1"}
        response = await admin.post(DEPOSITS, json=again, headers=token)
        assert (response.status_code, response.json()["code"]) == (409, "REFERENCE_USED")
    assert await exchange.balance("dora", "INR") == ("13.5", "0")


async def test_a_deposit_whose_balance_cannot_be_read_is_a_success(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    await exchange.user("dina")

    async def unread(*_args: object) -> Balances:
        raise ApiError("SEQUENCE_NOT_REACHED")

    with monkeypatch.context() as patch:
        patch.setattr("api.admin.deposits.read_balances", unread)
        done = await deposit(exchange.gateway, exchange.accounts["dina"], "INR", "5", "dina-1")
    assert (done.balance, done.replayed) == (None, False)
    assert await exchange.balance("dina", "INR") == ("5", "0")


async def test_guesses_at_the_public_door_do_not_keep_an_operator_out(exchange: Exchange) -> None:
    app = admin_app(exchange.gateway, docs_enabled=False)
    async with client_of(app, exchange.gateway) as admin:
        await operator(exchange, admin, "chief")
        guess = {"username": "chief", "password": "a wrong password"}
        guesses = [(await exchange.client.post("/login", json=guess)) for _ in range(11)]
        assert guesses[-1].status_code == 429
        right = {"username": "chief", "password": PASSWORD}
        assert (await admin.post("/api/v1/auth/login", json=right)).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"username": "nobody"}, 404, "UNKNOWN_USER"),
        ({"username": None}, 422, "MISSING_FIELD"),
        ({"account": 1}, 422, "MISSING_FIELD"),
        ({"username": None, "account": -1}, 404, "UNKNOWN_USER"),
        ({"username": None, "account": 2**70}, 404, "UNKNOWN_USER"),
        ({"asset": "GOLD"}, 404, "UNKNOWN_ASSET"),
        ({"amount": "0"}, 422, "INVALID_AMOUNT"),
        ({"amount": "-1"}, 422, "INVALID_DECIMAL"),
        ({"amount": "0.001"}, 422, "TOO_MANY_DECIMALS"),
        ({"amount": 5}, 422, "AMOUNT_NOT_TEXT"),
        ({"reference": "a b"}, 422, "INVALID_REFERENCE"),
        ({"reference": None}, 422, "INVALID_FIELD"),
        ({"note": "x"}, 422, "UNKNOWN_FIELD"),
    ],
)
async def test_a_bad_deposit_is_refused(
    exchange: Exchange, changes: dict[str, object], status: int, code: str
) -> None:
    if await exchange.gateway.users.find("erin") is None:
        await exchange.user("erin")
    app = admin_app(exchange.gateway, docs_enabled=False)
    async with client_of(app, exchange.gateway) as admin:
        name = f"root{abs(hash(str(changes)))}"
        token = await operator(exchange, admin, name)
        body = {"username": "erin", "asset": "INR", "amount": "1", "reference": "bad", **changes}
        response = await admin.post(DEPOSITS, json=body, headers=token)
        assert (response.status_code, response.json()["code"]) == (status, code), response.text


async def test_a_deposit_is_in_the_audit_log_and_the_faucets_references_are_its_own(
    exchange: Exchange,
) -> None:
    await exchange.user("dolly")
    wish = {"username": "dolly", "asset": "INR", "amount": "3", "reference": "dolly-1"}
    async with an_operator(exchange.gateway, "bookkeeper") as operator_:
        status, _ = await operator_.ask("POST", "/deposits", {**wish, "reason": "Letter 7."})
        assert status == 201
        target = f"account:{exchange.accounts['dolly']}"
        _, noted = await operator_.ask("GET", f"/audit?target={target}")
        (action,) = noted["actions"]
        assert (action["action"], action["reason"]) == ("deposit.credit", "Letter 7.")
        assert (action["outcome"], action["after"]["balance"]["available"]) == ("done", "3")
        status, reply = await operator_.ask("POST", "/deposits", {**wish, "reference": "faucet:1"})
        assert (status, reply["code"]) == (422, "INVALID_REFERENCE")
    assert await exchange.balance("dolly", "INR") == ("3", "0")

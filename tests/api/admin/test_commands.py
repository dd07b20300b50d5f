"""What operators are told of a command whose answer is late, lost, or not to be had."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from fastapi import FastAPI

from api.app import admin_app
from api.edge.errors import ApiError
from api.gateway import Gateway
from shared.messages import Command
from shared.outcomes import Accepted, NotAccepted, Outcome, Refusal, Unknown
from tests.api.admin.operators import ADMIN, Operator, an_operator
from tests.api.exchange import Exchange, token_for

WHY = {"reason": "the test asks for it"}
GOLD = {"asset": "GOLD", "scale": 4, **WHY}


@pytest.fixture
async def root(exchange: Exchange) -> AsyncIterator[Operator]:
    async with an_operator(exchange.gateway, "root") as root:
        yield root


@dataclass
class Late:
    """A bus whose answers are these."""

    outcome: Outcome

    async def submit(self, _command: Command) -> Outcome:
        return self.outcome


def answers_with(exchange: Exchange, monkeypatch: pytest.MonkeyPatch, outcome: Outcome) -> None:
    monkeypatch.setattr(exchange.gateway.bus, "submit", Late(outcome).submit)


async def last_outcome(root: Operator) -> str:
    _, log = await root.ask("GET", "/audit?limit=1")
    return str(log["actions"][0]["outcome"])


async def test_a_late_answer_is_202_and_a_place_to_ask(
    root: Operator, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        answers_with(exchange, patch, Accepted(9_999_999, b"12345678"))
        status, reply = await root.ask("POST", "/assets", GOLD, "late-1")
        assert (status, reply["code"], reply["n"]) == (202, "ACCEPTED", 9_999_999)
        assert await last_outcome(root) == "ACCEPTED"
    path = reply["status_url"].removeprefix(ADMIN)
    status, again = await root.ask("GET", path)
    assert (status, again["status_url"]) == (202, reply["status_url"])


@pytest.mark.parametrize(
    ("outcome", "status", "code"),
    [
        (Unknown(), 504, "UNKNOWN_OUTCOME"),
        (NotAccepted(Refusal.BUSY, "busy"), 503, "BUSY"),
        (NotAccepted(Refusal.HALTED, "halted"), 503, "HALTED"),
    ],
)
async def test_what_was_not_done_or_nobody_knows_is_told_and_noted(
    root: Operator,
    exchange: Exchange,
    monkeypatch: pytest.MonkeyPatch,
    outcome: Outcome,
    status: int,
    code: str,
) -> None:
    with monkeypatch.context() as patch:
        answers_with(exchange, patch, outcome)
        got, reply = await root.ask("POST", "/assets", GOLD, f"key-{code}")
    assert (got, reply["code"]) == (status, code)
    assert await last_outcome(root) == code
    if status == 504:
        assert reply["status_url"].startswith(f"{ADMIN}/commands?idempotency_key=key-")


async def test_the_answer_is_found_by_its_key(root: Operator) -> None:
    _, made = await root.ask("POST", "/assets", {**GOLD, "asset": "FOUND"}, "found-1")
    status, found = await root.ask("GET", "/commands?idempotency_key=found-1")
    assert (status, found["n"], found["replayed"]) == (200, made["n"], True)
    await root.ask("POST", "/assets", {**GOLD, "asset": "FOUND"}, "found-2")
    status, refused = await root.ask("GET", "/commands?idempotency_key=found-2")
    assert (status, refused["code"]) == (409, "ASSET_EXISTS")
    other = f"/commands?idempotency_key=found-1&n={made['n'] + 1}&fp={'0' * 16}"
    status, refused = await root.ask("GET", other)
    assert status in (202, 409)
    status, unknown = await root.ask("GET", "/commands?idempotency_key=never")
    assert (status, unknown["code"]) == (404, "UNKNOWN_IDEMPOTENCY_KEY")


@pytest.mark.parametrize("key", ["payout:1", "all:1", "deposit:1", "a b"])
async def test_a_key_that_is_not_the_operators_is_refused(root: Operator, key: str) -> None:
    status, reply = await root.ask("POST", "/assets", GOLD, key)
    assert (status, reply["code"]) == (422, "INVALID_IDEMPOTENCY_KEY")


async def test_without_an_audit_log_no_command_is_sent(
    root: Operator, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unavailable(*_args: object) -> int:
        raise ApiError("AUDIT_UNAVAILABLE")

    monkeypatch.setattr(exchange.gateway.audit, "_start", unavailable)
    status, reply = await root.ask("POST", "/assets", {**GOLD, "asset": "UNSEEN"})
    assert (status, reply["code"]) == (503, "AUDIT_UNAVAILABLE")
    _, listed = await root.ask("GET", "/assets")
    assert "UNSEEN" not in str(listed)


def routes_of(app: FastAPI) -> list[tuple[str, str]]:
    return [
        (method.upper(), path.replace("{market}", "TATA_INR").replace("{account_id}", "1"))
        for path, item in app.openapi()["paths"].items()
        if path.startswith(ADMIN)
        for method in item
    ]


async def test_no_route_opens_without_a_token_or_with_a_traders(
    gateway: Gateway, client: httpx.AsyncClient, admin_client: httpx.AsyncClient
) -> None:
    token = await token_for(client, "mallory")
    routes = routes_of(admin_app(gateway, docs_enabled=True))
    assert len(routes) > 10
    for method, path in routes:
        for headers in ({}, token):
            response = await admin_client.request(method, path, json={}, headers=headers)
            assert response.status_code == 401, (method, path)

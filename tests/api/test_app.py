"""The document, the routes and what they answer agree."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema_rs
import pytest
from fastapi import FastAPI

from api.app import admin_app, public_app
from api.gateway import Gateway

WITHOUT_A_BODY = ("/api/v1/auth/logout", "/api/v1/auth/ticket")


ROUTES = {
    "POST /auth/register",
    "POST /auth/login",
    "POST /auth/refresh",
    "POST /auth/logout",
    "GET /auth/me",
    "GET /auth/sessions",
    "DELETE /auth/sessions",
    "DELETE /auth/sessions/{session_id}",
    "POST /auth/ticket",
    "POST /auth/password",
    "POST /auth/password/reset",
    "POST /auth/totp",
    "POST /auth/totp/confirm",
    "POST /auth/totp/remove",
    "GET /accounts",
    "POST /accounts",
    "PATCH /accounts/{account_id}",
    "GET /admin/users",
    "PATCH /admin/users/{user_id}",
    "POST /admin/users/{user_id}/reset-code",
    "POST /admin/users/{user_id}/remove-totp",
    "POST /order",
    "DELETE /order",
    "PATCH /order",
    "GET /order",
    "GET /order/open",
    "DELETE /order/open",
    "GET /order/{order_id}",
    "DELETE /order/{order_id}",
    "GET /balances",
    "GET /markets",
    "GET /assets",
    "GET /depth",
    "GET /trades",
    "GET /time",
    "GET /klines",
    "GET /tickers",
    "GET /orders",
    "GET /orders/{order_id}",
    "GET /fills",
    "GET /ledger",
    "GET /rejections",
    "POST /withdrawals",
    "GET /withdrawals",
    "GET /withdrawals/{withdrawal_id}",
    "DELETE /withdrawals/{withdrawal_id}",
    "GET /deposits",
    "POST /transfers",
    "GET /transfers",
    "POST /admin/deposits",
    "GET /admin/deposits",
    "GET /admin/withdrawals",
    "GET /admin/withdrawals/{withdrawal_id}",
    "POST /admin/withdrawals/{withdrawal_id}/approve",
    "POST /admin/withdrawals/{withdrawal_id}/refuse",
    "GET /admin/audit",
    "GET /admin/audit/verify",
    "POST /keys",
    "GET /keys",
    "PATCH /keys/{key_id}",
    "DELETE /keys/{key_id}",
    "GET /admin/assets",
    "POST /admin/assets",
    "GET /admin/markets",
    "POST /admin/markets",
    "PATCH /admin/markets/{market}",
    "PUT /admin/markets/{market}/status",
    "POST /admin/markets/halt-all",
    "POST /admin/markets/reopen",
    "GET /admin/venue",
    "POST /admin/venue/halt",
    "POST /admin/venue/resume",
    "GET /admin/accounts/{account_id}",
    "PUT /admin/accounts/{account_id}/tier",
    "PUT /admin/accounts/{account_id}/suspension",
    "GET /admin/commands",
    "GET /admin/proof",
    "GET /admin/risk",
    "GET /admin/fees",
    "POST /admin/fees/payouts",
    "POST /order/test",
    "POST /order/oco",
    "POST /order/oto",
    "POST /order/batch",
    "PUT /order/cancel-timer",
    "GET /order/cancel-timer",
    "GET /markets/{market}",
    "GET /assets/{asset}",
    "GET /admin/limits/bans",
    "DELETE /admin/limits/bans",
    "GET /admin/accounts/{account_id}/limits",
    "PUT /admin/accounts/{account_id}/limits",
}


@pytest.fixture
def apps(gateway: Gateway) -> tuple[FastAPI, FastAPI]:
    return public_app(gateway, docs_enabled=True), admin_app(gateway, docs_enabled=True)


def test_every_reference_in_the_document_leads_somewhere(apps: tuple[FastAPI, FastAPI]) -> None:
    for app in apps:
        document = app.openapi()
        names = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
        assert names <= set(document["components"]["schemas"])


def test_the_routes_are_these(apps: tuple[FastAPI, FastAPI]) -> None:
    paths = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for app in apps
        for path, item in app.openapi()["paths"].items()
        for method in item
    }
    assert paths == ROUTES


def test_every_route_is_described(apps: tuple[FastAPI, FastAPI]) -> None:
    for app in apps:
        for path, item in app.openapi()["paths"].items():
            for method, operation in item.items():
                where = f"{method} {path}"
                assert operation["description"], where
                assert any(status.startswith("2") for status in operation["responses"]), where
                assert "500" in operation["responses"], where
                if method in ("post", "patch") and path not in WITHOUT_A_BODY:
                    assert operation["requestBody"]["content"]["application/json"], where


async def test_the_answers_fit_the_document(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    for path in ("/api/v1/markets", "/api/v1/assets", "/api/v1/time", "/api/v1/depth"):
        response = await client.get(path)
        schema = document["paths"][path]["get"]["responses"][str(response.status_code)]
        schema = schema["content"]["application/json"]["schema"]
        validator = jsonschema_rs.validator_for({**schema, "components": document["components"]})
        validator.validate(response.json())


def test_every_body_and_answer_has_an_example_that_fits_it(
    apps: tuple[FastAPI, FastAPI],
) -> None:
    for app in apps:
        document = app.openapi()
        components = document["components"]
        for where, media in _media(document):
            assert media.get("examples"), f"{where} has no example: see api/edge/examples.py"
            validator = jsonschema_rs.validator_for({**media["schema"], "components": components})
            for example in media["examples"].values():
                validator.validate(example["value"])


def _media(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            parts = {**operation["responses"], "body": operation.get("requestBody", {})}
            for name, part in parts.items():
                if "application/json" in part.get("content", {}):
                    yield f"{method} {path} {name}", part["content"]["application/json"]

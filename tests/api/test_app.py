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
    assert paths == {
        "POST /auth/register",
        "POST /auth/login",
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
        "POST /admin/deposits",
    }


def test_every_route_is_described(apps: tuple[FastAPI, FastAPI]) -> None:
    for app in apps:
        for path, item in app.openapi()["paths"].items():
            for method, operation in item.items():
                where = f"{method} {path}"
                assert operation["description"], where
                assert any(status.startswith("2") for status in operation["responses"]), where
                assert "500" in operation["responses"], where
                if method in ("post", "patch"):
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

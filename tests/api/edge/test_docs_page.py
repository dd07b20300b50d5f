"""The page of the documentation stands on its own."""

import re

import httpx
import pytest

from api.app import public_app
from api.gateway import Gateway
from tests.api.conftest import client_of


async def test_the_page_loads_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    assert page.status_code == 200
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(loaded) == 4
    for address in loaded:
        assert address.startswith("/"), "no other host is asked"
        part = await client.get(address)
        assert part.status_code == 200
        assert part.content


async def test_the_page_may_run_only_scripts_of_this_server(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    (policy,) = page.headers.get_list("content-security-policy")
    assert "script-src 'self';" in policy
    assert "default-src 'none'" in policy
    assert "<script>" not in page.text, "nothing inline, which the policy would refuse"


async def test_the_page_shows_the_document_of_this_server(client: httpx.AsyncClient) -> None:
    start = await client.get("/docs/start.js")
    assert 'url: "/openapi.json"' in start.text
    assert (await client.get("/openapi.json")).json()["openapi"].startswith("3.1")


@pytest.mark.parametrize("name", ["redoc.standalone.js", "..%2f__init__.py", "__init__.py", "x"])
async def test_nothing_else_lies_beside_the_page(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.get(f"/docs/{name}")).status_code == 404


async def test_the_page_can_be_switched_off(gateway: Gateway) -> None:
    app = public_app(gateway, docs_enabled=False)
    async with client_of(app, gateway) as client:
        for address in ("/docs", "/docs/start.js", "/openapi.json"):
            assert (await client.get(address)).status_code == 404

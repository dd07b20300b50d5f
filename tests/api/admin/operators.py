"""Operators of the tests: users with a role, logged in at the operators' door."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from api.app import admin_app
from api.gateway import Gateway
from api.identity.users import Role
from tests.api.conftest import client_of
from tests.api.exchange import PASSWORD, Reply

ADMIN = "/api/v1/admin"


@dataclass
class Operator:
    """Somebody at the operators' door."""

    client: httpx.AsyncClient
    token: dict[str, str]

    async def ask(
        self, method: str, path: str, body: object = None, key: str = "", **headers: str
    ) -> tuple[int, Reply]:
        """Send a request to a path under /api/v1/admin."""
        if key:
            headers["Idempotency-Key"] = key
        response = await self.client.request(
            method, f"{ADMIN}{path}", json=body, headers={**self.token, **headers}
        )
        reply: dict[str, Any] = response.json()
        return response.status_code, reply


async def log_in(gateway: Gateway, client: httpx.AsyncClient, name: str) -> dict[str, str]:
    """Make an admin if there is none of that name, and return the header that it sends."""
    if await gateway.users.find(name) is None:
        password_hash = await gateway.passwords.hash(PASSWORD)
        await gateway.users.create(name, password_hash, Role.ADMIN)
    login = await client.post("/api/v1/auth/login", json={"username": name, "password": PASSWORD})
    return {"Authorization": f"Bearer {login.json()['access_token']}"}


@asynccontextmanager
async def an_operator(gateway: Gateway, name: str) -> AsyncIterator[Operator]:
    async with client_of(admin_app(gateway, docs_enabled=False), gateway) as client:
        yield Operator(client, await log_in(gateway, client, name))

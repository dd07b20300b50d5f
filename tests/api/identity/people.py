"""People at the doors of the tests: they register, log in, and ask.

The rule of this file: what a person knows is what the gateway answered.
"""

from dataclasses import dataclass
from typing import Any

import httpx

from api.gateway import Gateway
from api.identity.users import Role
from tests.api.exchange import PASSWORD

AUTH = "/api/v1/auth"
Answer = tuple[int, dict[str, Any]]


@dataclass
class Person:
    """Somebody who has logged in once; `login` is the answer to it."""

    client: httpx.AsyncClient
    username: str
    login: dict[str, Any]

    async def ask(self, method: str, path: str, body: object = None) -> Answer:
        """Send a request with the access token."""
        headers = {"Authorization": f"Bearer {self.login['access_token']}"}
        response = await self.client.request(method, path, json=body, headers=headers)
        return response.status_code, response.json()

    async def gets(self, path: str = f"{AUTH}/me") -> tuple[int, str]:
        """Return the status and the code of an answer to a plain read."""
        status, reply = await self.ask("GET", path)
        return status, reply.get("code", "")

    async def refresh(self, token: str = "", **more: object) -> Answer:
        """Refresh, with this or with the token that the last answer gave."""
        token = token or self.login["refresh_token"]
        return await post(self.client, f"{AUTH}/refresh", refresh_token=token, **more)


async def post(client: httpx.AsyncClient, path: str, **body: object) -> Answer:
    response = await client.post(path, json=body)
    return response.status_code, response.json()


async def try_login(client: httpx.AsyncClient, username: str, **more: object) -> Answer:
    body = {"username": username, "password": PASSWORD, **more}
    return await post(client, f"{AUTH}/login", **body)


async def log_in(client: httpx.AsyncClient, username: str, **more: object) -> Person:
    status, reply = await try_login(client, username, **more)
    assert status == 200, reply
    return Person(client, username, reply)


async def newcomer(client: httpx.AsyncClient, username: str) -> Person:
    """Register and log in."""
    credentials = {"username": username, "password": PASSWORD}
    status, reply = await post(client, f"{AUTH}/register", **credentials)
    assert status == 201, reply
    return await log_in(client, username)


async def staff(
    gateway: Gateway, admin_client: httpx.AsyncClient, username: str, role: Role
) -> Person:
    """Make somebody of the role and log them in at the operators' door."""
    await gateway.users.create(username, await gateway.passwords.hash(PASSWORD), role)
    return await log_in(admin_client, username)


def turn_clock(gateway: Gateway, monkeypatch: Any, by_s: float) -> None:
    """Let sessions, codes and second factors see a later time."""
    sessions, totps = gateway.identity.sessions, gateway.identity.totps
    for part in (sessions, totps):
        before = part._clock
        monkeypatch.setattr(part, "_clock", lambda before=before: before() + by_s)

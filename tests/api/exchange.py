"""A whole exchange under a test: Redis and the engine as processes, the gateway inside the test.

The rule of this file: the engine is the real one; what a test sees is what a client would see.
"""

from dataclasses import dataclass, field
from typing import Any

import httpx

from api.admin.deposits import deposit
from api.gateway import Gateway

Reply = dict[str, Any]
PASSWORD = "correct horse battery"


async def token_for(client: httpx.AsyncClient, username: str) -> dict[str, str]:
    """Register a user and return the header that its requests need."""
    credentials = {"username": username, "password": PASSWORD}
    registered = await client.post("/api/v1/auth/register", json=credentials)
    assert registered.status_code == 201, registered.text
    logged_in = await client.post("/login", json=credentials)
    assert logged_in.status_code == 200, logged_in.text
    return {"Authorization": f"Bearer {logged_in.json()['access_token']}"}


@dataclass
class Exchange:
    """The public door, and an operator's hand."""

    client: httpx.AsyncClient
    gateway: Gateway
    tokens: dict[str, dict[str, str]] = field(default_factory=dict)
    accounts: dict[str, int] = field(default_factory=dict)
    references: int = 0

    async def user(self, name: str, **amounts: str) -> None:
        """Register a user and credit it."""
        self.tokens[name] = await token_for(self.client, name)
        found = await self.gateway.users.find(name)
        assert found is not None
        self.accounts[name] = found[0].account_id
        for asset, amount in amounts.items():
            self.references += 1
            reference = f"{name}-{self.references}"
            await deposit(self.gateway, self.accounts[name], asset, amount, reference)

    async def ask(
        self, user: str, method: str, path: str, body: object = None, key: str = ""
    ) -> tuple[int, Reply]:
        headers = dict(self.tokens[user])
        if key:
            headers["Idempotency-Key"] = key
        response = await self.client.request(method, path, json=body, headers=headers)
        reply: Reply = response.json()
        return response.status_code, reply

    async def place(self, user: str, side: str, price: str, quantity: str, **more: Any) -> Reply:
        """Place a limit order on TATA_INR that is accepted."""
        key = more.pop("key", "")
        body = {"market": "TATA_INR", "side": side, "price": price, "quantity": quantity, **more}
        status, reply = await self.ask(user, "POST", "/order", body, key)
        assert status == 201, reply
        return reply

    async def balance(self, user: str, asset: str) -> tuple[str, str]:
        """Return what is available and what is held."""
        _, reply = await self.ask(user, "GET", "/balances")
        row = reply["balances"][asset]
        return row["available"], row["held"]

    async def state(self) -> tuple[object, ...]:
        """Return everything that a refused request must leave as it was."""
        depth = (await self.client.get("/depth?market=TATA_INR&levels=5000")).json()
        parts: list[object] = [depth]
        for name in self.tokens:
            for path in ("/balances", "/order/open"):
                _, reply = await self.ask(name, "GET", path)
                parts.append({**reply, "sequence": 0})
        return tuple(parts)


async def two_users(exchange: Exchange, tag: str) -> tuple[str, str]:
    alice, bob = f"alice.{tag}", f"bob.{tag}"
    await exchange.user(alice, INR="100000", TATA="1000")
    await exchange.user(bob, INR="100000", TATA="1000")
    return alice, bob


async def sweep(exchange: Exchange, *users: str) -> None:
    """Leave the book as it was for the next test."""
    for user in users:
        _, reply = await exchange.ask(user, "GET", "/order/open")
        for order in reply["orders"]:
            await exchange.ask(user, "DELETE", f"/order/{order['order_id']}")

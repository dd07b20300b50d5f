"""A client of order entry for tests, on a real socket."""

from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection

Reply = dict[str, Any]


async def ask(socket: ClientConnection, **fields: object) -> Reply:
    """Send a request and return the next answer."""
    await tell(socket, **fields)
    return await hear(socket)


async def tell(socket: ClientConnection, **fields: object) -> None:
    await socket.send(msgspec.json.encode(fields).decode())


async def hear(socket: ClientConnection) -> Reply:
    reply: Reply = msgspec.json.decode(await socket.recv())
    return reply


async def log_in(socket: ClientConnection, headers: dict[str, str]) -> Reply:
    """Log in with the header that a user's REST requests have."""
    token = headers["Authorization"].removeprefix("Bearer ")
    return await ask(socket, op="auth", id="in", token=token)


def limit(side: str, price: str, quantity: str = "1", **more: object) -> dict[str, object]:
    """Return the body of a limit order."""
    order = {"market": "TATA_INR", "side": side, "price": price, "quantity": quantity}
    return {**order, **more}

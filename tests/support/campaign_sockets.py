"""A client of a campaign that enters its orders by WebSocket.

The rule of this file: a connection that breaks says nothing of what was under way on it; the same
request goes out again, with the same key, on a new one.
"""

import asyncio
import contextlib
import json

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tests.support.campaign_clients import REQUEST_TIMEOUT_S, Client, Request, Told

OPS = {"POST": "place", "DELETE": "cancel", "PATCH": "amend"}
BROKEN = (OSError, TimeoutError, WebSocketException)


class SocketClient(Client):
    """The session of `client`, with a connection of its own for what it sends."""

    def __init__(self, client: Client, url: str) -> None:
        super().__init__(client.http, client.name, client.counts, client.random)
        self.account_id = client.account_id
        self.headers = client.headers
        self._url = url
        self._socket: ClientConnection | None = None

    async def send(self, request: Request) -> bool:
        """Send once; note and return whether the answer is definite."""
        self.counts.sent += 1
        request.sent += 1
        known, request.told = request.told, Told.NOTHING
        try:
            socket = await self._opened()
        except BROKEN:
            self.counts.disconnected += 1
            request.told = known  # It was not sent.
            return False
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                frame = {
                    "op": OPS[request.method],
                    "id": request.sent,
                    "idempotency_key": request.key,
                    "body": request.body,
                }
                await socket.send(json.dumps(frame))
                reply = json.loads(await socket.recv())
        except BROKEN:
            self.counts.disconnected += 1
            await self.close()
            return False
        assert reply["id"] == request.sent, reply
        if reply["status"] == 503:
            request.told = known
        return self.take(request, reply["status"], reply["body"])

    async def close(self) -> None:
        """Leave; the next request opens a new connection."""
        socket, self._socket = self._socket, None
        if socket is not None:
            with contextlib.suppress(*BROKEN):
                socket.transport.abort()

    async def _opened(self) -> ClientConnection:
        if self._socket is None:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                socket = await connect(self._url)
                token = self.headers["Authorization"].removeprefix("Bearer ")
                await socket.send(json.dumps({"op": "auth", "id": 0, "token": token}))
                welcome = json.loads(await socket.recv())
            assert welcome["status"] == 200, welcome
            self._socket = socket
        return self._socket

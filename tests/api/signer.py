"""A client that signs its requests, as a program would that knows docs/PROTOCOL.md only.

The rule of this file: nothing of the gateway's own signing is used, so that a mistake in it shows.
"""

import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from tests.api.exchange import token_for

KEYS = "/api/v1/keys"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def hmac_of(secret: str) -> Callable[[bytes], str]:
    return lambda text: hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


@dataclass
class Signer:
    """One key, and the requests it signs; each has a millisecond of its own."""

    key_id: str
    sign: Callable[[bytes], str]
    used_ms: int = field(default=0)

    def headers(
        self, method: str, target: str, content: bytes = b"", **changes: str
    ) -> dict[str, str]:
        """Return the headers of a request; `changes` are `window`, `key` or a `timestamp`."""
        self.used_ms = max(self.used_ms + 1, now_ms())
        timestamp = changes.get("timestamp", str(self.used_ms))
        first = f"{timestamp},{changes['window']}" if "window" in changes else timestamp
        lines = [first, method, target, hashlib.sha256(content).hexdigest()]
        headers = {"X-Api-Key": self.key_id, "X-Timestamp": timestamp}
        if "window" in changes:
            headers["X-Recv-Window"] = changes["window"]
        if "key" in changes:
            lines.append(changes["key"])
            headers["Idempotency-Key"] = changes["key"]
        if content:
            headers["Content-Type"] = "application/json"
        headers["X-Signature"] = self.sign("\n".join(lines).encode())
        return headers

    async def ask(
        self,
        client: httpx.AsyncClient,
        method: str,
        target: str,
        content: bytes = b"",
        **changes: str,
    ) -> httpx.Response:
        headers = self.headers(method, target, content, **changes)
        return await client.request(method, target, content=content, headers=headers)


async def make_key(
    client: httpx.AsyncClient, token: dict[str, str], **more: object
) -> tuple[Signer, dict[str, object]]:
    """Make an HMAC key and return what signs with it, and the answer."""
    made = await client.post(KEYS, json={"label": "bot", **more}, headers=token)
    assert made.status_code == 201, made.text
    reply = made.json()
    return Signer(reply["key_id"], hmac_of(reply["secret"])), reply


async def key_of(client: httpx.AsyncClient, username: str, **more: object) -> Signer:
    """Register a user and make a key."""
    return (await make_key(client, await token_for(client, username), **more))[0]

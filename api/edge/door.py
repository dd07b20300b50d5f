"""The door: what holds for every request before any handler sees it. A plain ASGI wrapper.

The rule of this file: a request has an id, a bounded body that arrives in time, and one address
with or without a trailing slash; every answer carries the security headers. Nothing is ever
redirected.
"""

import asyncio
import re
import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from api.edge.answers import error_answer
from api.edge.docs_page import PAGE_PATH
from api.edge.errors import ApiError
from api.edge.metrics import Metrics
from api.paths import canonical_path

BODY_SIZE_MAX = 16_384  # The largest sensible body is below 1 KiB.
BODY_TIMEOUT_S = 5.0  # A body of that size takes one packet or twelve.
DRAIN_SIZE_MAX = (
    1_048_576  # Of a refused body, so that its sender reads the answer; then it is cut.
)
DRAIN_TIMEOUT_S = 1.0

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_REQUEST_ID = re.compile(rb"[A-Za-z0-9_.-]{8,64}")
_DIGITS = re.compile(rb"[0-9]{1,15}")
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
_STRICT_CONTENT = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")


class Door:
    """Wraps an application; everything else about a request is the application's business."""

    def __init__(self, app: App, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["path"] = canonical_path(scope["path"])
        visit = _Visit(scope, receive, send)
        started_at_s = time.perf_counter()
        self._metrics.under_way.inc()
        try:
            refusal = visit.refusal()
            app = self._app if refusal is None else error_answer(refusal, visit.request_id)
            await app(scope, visit.receive, visit.send)
        finally:
            self._metrics.under_way.dec()
            self._count(scope, visit.status, time.perf_counter() - started_at_s)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "other")
        method = scope["method"] if route != "other" else "other"
        self._metrics.requests.labels(method, route, str(status)).inc()
        self._metrics.seconds.labels(method, route).observe(seconds)


class _Visit:
    """One request on its way through the door."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._headers: dict[bytes, bytes] = dict(scope["headers"])
        self._is_page = scope["path"] == PAGE_PATH  # It has a policy of its own.
        given = self._headers.get(b"x-request-id", b"")
        self.request_id = given.decode() if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        scope["request_id"] = self.request_id
        self.status = 0
        self._size = 0
        self._body_is_complete = False
        self._deadline_s = 0.0

    def refusal(self) -> ApiError | None:
        """Return why the request is refused unread, or None."""
        length = self._headers.get(b"content-length")
        if length is None:
            return None
        if not _DIGITS.fullmatch(length):
            return ApiError("BAD_REQUEST")
        return ApiError("BODY_TOO_LARGE") if int(length) > BODY_SIZE_MAX else None

    async def receive(self) -> Message:
        """Pass on the next part of the body; raises ApiError when it is too large or too slow."""
        if self._body_is_complete:
            return await self._receive()
        loop = asyncio.get_running_loop()
        self._deadline_s = self._deadline_s or loop.time() + BODY_TIMEOUT_S
        try:
            async with asyncio.timeout_at(self._deadline_s):
                message = await self._receive()
        except TimeoutError:
            raise ApiError("BODY_TIMEOUT") from None
        self._size += len(message.get("body", b""))
        if self._size > BODY_SIZE_MAX:
            raise ApiError("BODY_TOO_LARGE")
        self._body_is_complete = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message.get("headers", ()), *_HEADERS]
            headers.append((b"x-request-id", self.request_id.encode()))
            if not self._is_page:
                headers.append(_STRICT_CONTENT)
            message = {**message, "headers": headers}
        elif self.status == 413 and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._drain()
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    async def _drain(self) -> None:
        """Read on for a moment: closing over unread bytes would lose the answer, too."""
        if b"expect" in self._headers:
            return  # The sender waits to be asked for the body, so there is none.
        left = DRAIN_SIZE_MAX
        try:
            async with asyncio.timeout(DRAIN_TIMEOUT_S):
                while left > 0:
                    message = await self._receive()
                    left -= len(message.get("body", b""))
                    if message["type"] != "http.request" or not message.get("more_body", False):
                        return
        except TimeoutError:
            return

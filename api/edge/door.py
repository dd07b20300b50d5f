"""The door: what holds for every request before any handler sees it. A plain ASGI wrapper.

The rule of this file: a request has an id, a bounded body that arrives in time, and one address
with or without a trailing slash; it is charged to where it comes from before anything is done for
it; every answer carries the security headers and what is used of the limits. Nothing is ever
redirected.
"""

import asyncio
import os
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from types import MappingProxyType
from typing import Any

from api.edge.answers import error_answer
from api.edge.docs_page import PAGE_PATH
from api.edge.errors import ApiError
from api.edge.metrics import Metrics
from api.limits.charging import headers_of, note_charge
from api.limits.limiter import Charge, Limits
from api.paths import PREFIX, canonical_path
from shared.addresses import Proxies

BODY_SIZE_MAX = 16_384  # The largest sensible body is below 1 KiB.
BODY_SIZE_MAX_OF = MappingProxyType(
    {f"{PREFIX}/order/batch": 65_536}  # A hundred orders with all fields are 50 KB.
)
REQUEST_ID_BYTES = 16  # As many as a UUID has, at a third of the price.
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
# Two readers of a request that has two of one would not agree on it.
_GIVEN_ONCE = (
    b"host",
    b"content-type",
    b"content-length",
    b"content-encoding",
    b"transfer-encoding",
)
_ENCODED_SLASH = re.compile(rb"%(?:2f|5c)", re.IGNORECASE)


class Door:
    """Wraps an application; everything else about a request is the application's business.

    Without `limits` nobody is charged: operators must get in while others are kept out.
    """

    def __init__(
        self,
        app: App,
        metrics: Metrics,
        *,
        proxies: Proxies,
        limits: Limits | None = None,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._proxies = proxies
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["path"] = canonical_path(scope["path"])
        peer, port = scope["client"] or ("", 0)
        scope["client"] = (self._proxies.client_of(peer, scope["headers"]), port)
        visit = _Visit(scope, receive, send, self._limits)
        started_at_s = time.perf_counter()
        self._metrics.under_way.inc()
        try:
            limit_refusal = self._charge(scope, visit)
            refusal = visit.refusal() or limit_refusal
            app = self._app if refusal is None else error_answer(refusal, visit.request_id)
            await app(scope, visit.receive, visit.send)
        finally:
            self._metrics.under_way.dec()
            self._count(scope, visit.status, time.perf_counter() - started_at_s)

    def _charge(self, scope: Scope, visit: "_Visit") -> ApiError | None:
        if self._limits is None:
            return None
        charge, refusal = self._limits.enter(
            scope["client"][0], scope["method"], scope["path"], scope["query_string"]
        )
        note_charge(scope, charge)
        visit.charge = charge
        return refusal

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "other")
        method = scope["method"] if route != "other" else "other"
        self._metrics.requests.labels(method, route, str(status)).inc()
        self._metrics.seconds.labels(method, route).observe(seconds)


class _Visit:
    """One request on its way through the door."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, limits: Limits | None) -> None:
        self.charge: Charge | None = None
        self._limits = limits
        self._receive = receive
        self._send = send
        self._headers: dict[bytes, bytes] = dict(scope["headers"])
        self._names = [name for name, _ in scope["headers"]]
        self._raw_path: bytes = scope.get("raw_path") or b""
        self._is_page = scope["path"] == PAGE_PATH  # It has a policy of its own.
        self._size_max = BODY_SIZE_MAX_OF.get(scope["path"], BODY_SIZE_MAX)
        given = self._headers.get(b"x-request-id", b"")
        is_id = _REQUEST_ID.fullmatch(given)
        self.request_id = given.decode() if is_id else os.urandom(REQUEST_ID_BYTES).hex()
        scope["request_id"] = self.request_id
        self.status = 0
        self._size = 0
        self._body_is_complete = False
        self._deadline_s = 0.0

    def refusal(self) -> ApiError | None:
        """Return why the request is refused unread, or None."""
        if len(self._names) != len(self._headers) and any(
            self._names.count(name) > 1 for name in _GIVEN_ONCE
        ):
            return ApiError("BAD_REQUEST")
        if b"%" in self._raw_path and _ENCODED_SLASH.search(self._raw_path):
            return ApiError("NOT_FOUND")  # A thing has one address, for every proxy before us too.
        length = self._headers.get(b"content-length")
        if length is None:
            return None
        if not _DIGITS.fullmatch(length):
            return ApiError("BAD_REQUEST")
        return ApiError("BODY_TOO_LARGE") if int(length) > self._size_max else None

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
        if message["type"] == "http.disconnect":
            # Whoever goes away in the middle of a body is no fault of ours, and no news for a log.
            raise ApiError("BAD_REQUEST", "The body did not come to its end.")
        self._size += len(message.get("body", b""))
        if self._size > self._size_max:
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
            if self.charge is not None and self._limits is not None:
                headers += headers_of(self.charge, self._limits.clock())
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

"""What a connection may do below the requests: heads, bodies nobody reads, silence, numbers.

The rule of this file: uvicorn bounds neither the size nor the time of a head, nor how much may be
sent that nobody waits for, so it is done here. Whatever a connection does, a timer of some kind is
running, or the gateway owes it an answer. A refusal is the answer to the head that it refuses, so
it waits for the answers to those before it.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from api.edge.cork import CorkedTransport
from api.edge.errors import ERRORS

HEAD_SIZE_MAX = 16_384  # The same as h11's, nginx's and Apache's order of magnitude.
HEAD_TIMEOUT_S = 5.0  # A head is one packet; a slow one is an attack or a dead line.
UNREAD_BODY_TIMEOUT_S = 5.0  # For the rest of a body whose request is answered already.
PIPELINE_MAX = 256  # Requests sent ahead on one connection: half a megabyte of them.
CONNECTIONS_PER_ADDRESS_MAX = 1_000  # A quarter of all: no single machine fills the gateway.

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_RESPONSES = {
    400: (b"400 Bad Request", b"BAD_REQUEST", b"The request cannot be understood."),
    431: (b"431 Request Header Fields Too Large", b"HEADERS_TOO_LARGE", b"Above 16 KiB."),
}


class _HeadTooLargeError(Exception):
    pass


class _PipelineTooLongError(Exception):
    pass


class _BadHeadError(Exception):
    pass


class LimitedProtocol(HttpToolsProtocol):
    """HTTP/1.1 with bounds."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.limit_concurrency = None  # Its refusal is not in our shape; see _is_full.
        self._timer: asyncio.TimerHandle | None = None
        self._in_body = False
        self._head_size = 0  # Of the parts of this head that the parser has seen whole.
        self._unparsed_size = 0  # Received since this head began, as far as only it can be in it.
        self._in_head = True
        self._message_ended = False  # In the present read.
        self._failure_status = 400
        self._is_refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.corked = CorkedTransport(transport, self.loop)
        super().connection_made(cast(asyncio.Transport, self.corked))
        self._start_timer(HEAD_TIMEOUT_S)
        if len(self.connections) > CONNECTIONS_PER_ADDRESS_MAX and self._has_too_many():
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            return
        self._message_ended = False
        super().data_received(data)
        if self._is_forgotten():
            self._start_timer(HEAD_TIMEOUT_S)  # An empty line between requests stops uvicorn's.
        if self._message_ended or self._is_refused or not self._in_head:
            return  # How much of a read is of an earlier message is not known; a read is bounded.
        self._unparsed_size += len(data)
        if self._unparsed_size > HEAD_SIZE_MAX and not self.transport.is_closing():
            self._failure_status = 431
            self.send_400_response("")

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= PIPELINE_MAX:
            raise _PipelineTooLongError
        super().on_message_begin()
        self._in_head, self._head_size, self._unparsed_size = True, 0, 0
        self._start_timer(HEAD_TIMEOUT_S)

    def on_url(self, url: bytes) -> None:
        self._grow(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._grow(len(name) + len(value))
        if not self._in_body:  # What comes after a body is no header of its request.
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._check_head()
        self._in_head, self._in_body = False, True
        self._stop_timer()
        app = self.app
        if self._is_full():
            self.app = _busy
        super().on_headers_complete()
        self.app = app

    def on_message_complete(self) -> None:
        self._message_ended, self._in_body = True, False
        if not self._in_head:
            self._stop_timer()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what the parser refuses in the same shape as every other error."""
        self._is_refused = True
        self._stop_timer()
        if self._in_body:
            self._give_up_request()
        if self.cycle is None or self.cycle.response_complete:
            self._send_refusal()

    def on_response_complete(self) -> None:
        is_last = not self.pipeline
        super().on_response_complete()
        if not is_last or self.transport.is_closing():
            return
        if self._is_refused:
            self._send_refusal()
        elif self._in_body:
            self._start_timer(UNREAD_BODY_TIMEOUT_S)  # Nobody reads it, and it may never end.

    def _send_refusal(self) -> None:
        if self.transport.is_closing():
            return
        line, code, sentence = _RESPONSES[self._failure_status]
        body = b'{"code":"%s","message":"%s","field":"","request_id":""}' % (code, sentence)
        head = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n" % (
            line,
            len(body),
        )
        self.transport.write(head + b"connection: close\r\n\r\n" + body)
        self.transport.close()

    def _give_up_request(self) -> None:
        """Let go of the request whose body is broken: the refusal is its answer."""
        self._in_body = False
        if self.pipeline:
            self.pipeline.popleft()  # It is the newest, and nobody has begun it.
            return
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            return
        cycle.disconnected = True
        cycle.message_event.set()
        if cycle.response_started:
            self.transport.close()
        else:
            self._send_refusal()

    def _check_head(self) -> None:
        """What two programs could understand differently is refused, before one of them is asked
        wrongly.
        """
        version = self.parser.get_http_version()
        hosts = sum(name == b"host" for name, _ in self.headers)
        encodings = [value for name, value in self.headers if name == b"transfer-encoding"]
        if version not in ("1.0", "1.1") or hosts > 1 or (hosts == 0 and version == "1.1"):
            raise _BadHeadError
        if not encodings:
            return
        if version == "1.0" or len(encodings) > 1 or encodings[0].lower() != b"chunked":
            raise _BadHeadError

    def _grow(self, size: int) -> None:
        self._head_size += size
        if self._head_size > HEAD_SIZE_MAX:
            self._failure_status = 431
            raise _HeadTooLargeError

    def _is_forgotten(self) -> bool:
        """Whether the client may send, owes nothing, and no timer of any kind runs."""
        return (
            (self.cycle is None or self.cycle.response_complete)
            and not (self._in_head or self._in_body or self.transport.is_closing())
            and self.timeout_keep_alive_task is None
            and self._timer is None
            and self.transport.get_protocol() is self  # It may be a WebSocket's by now.
        )

    def _is_full(self) -> bool:
        most = self.config.limit_concurrency
        return most is not None and max(len(self.connections), len(self.tasks)) >= most

    def _has_too_many(self) -> bool:
        # Only looked at when many are open, so that nobody has to keep count.
        here = self.client[0] if self.client else ""
        same = sum(
            1
            for other in self.connections
            if isinstance(other, LimitedProtocol) and other.client and other.client[0] == here
        )
        return same > CONNECTIONS_PER_ADDRESS_MAX

    def _start_timer(self, timeout_s: float) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(timeout_s, self._cut)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _cut(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


async def _busy(_scope: Scope, _receive: object, send: Send) -> None:
    """Answer in the place of the application while there are too many connections."""
    error = ERRORS["BUSY"]
    body = b'{"code":"BUSY","message":"%s","field":"","request_id":""}' % error.sentence.encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"retry-after", b"%d" % error.retry_after_s),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

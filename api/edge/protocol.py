"""What a connection may do before it has sent a whole request head.

The rule of this file: uvicorn bounds neither the size nor the time of a head, so it is done here.
A refusal is the answer to the head that it refuses, so it waits for the answers to those before it.
"""

import asyncio

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

HEAD_SIZE_MAX = 16_384  # The same as h11's, nginx's and Apache's order of magnitude.
HEAD_TIMEOUT_S = 5.0  # A head is one packet; a slow one is an attack or a dead line.

_RESPONSES = {
    400: (b"400 Bad Request", b"BAD_REQUEST", b"The request cannot be understood."),
    431: (b"431 Request Header Fields Too Large", b"HEADERS_TOO_LARGE", b"Above 16 KiB."),
}


class _HeadTooLargeError(Exception):
    pass


class LimitedProtocol(HttpToolsProtocol):
    """HTTP/1.1 with a bounded head."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._head_timer: asyncio.TimerHandle | None = None
        self._head_size = 0  # Of the parts of this head that the parser has seen whole.
        self._unparsed_size = 0  # Received since this head began, as far as only it can be in it.
        self._in_head = True
        self._message_ended = False  # In the present read.
        self._failure_status = 400
        self._is_refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            return
        self._message_ended = False
        super().data_received(data)
        if self._message_ended or self._is_refused or not self._in_head:
            return  # How much of a read is of an earlier message is not known; a read is bounded.
        self._unparsed_size += len(data)
        if self._unparsed_size > HEAD_SIZE_MAX and not self.transport.is_closing():
            self._failure_status = 431
            self.send_400_response("")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head_size, self._unparsed_size = True, 0, 0
        self._start_timer()

    def on_url(self, url: bytes) -> None:
        self._grow(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._grow(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._message_ended = True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what the parser refuses in the same shape as every other error."""
        self._is_refused = True
        self._stop_timer()
        if self.cycle is None or self.cycle.response_complete:
            self._send_refusal()

    def on_response_complete(self) -> None:
        is_last = not self.pipeline
        super().on_response_complete()
        if self._is_refused and is_last and not self.transport.is_closing():
            self._send_refusal()

    def _send_refusal(self) -> None:
        line, code, sentence = _RESPONSES[self._failure_status]
        body = b'{"code":"%s","message":"%s","field":"","request_id":""}' % (code, sentence)
        head = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n" % (
            line,
            len(body),
        )
        self.transport.write(head + b"connection: close\r\n\r\n" + body)
        self.transport.close()

    def _grow(self, size: int) -> None:
        self._head_size += size
        if self._head_size > HEAD_SIZE_MAX:
            self._failure_status = 431
            raise _HeadTooLargeError

    def _start_timer(self) -> None:
        self._stop_timer()
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._cut)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _cut(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()

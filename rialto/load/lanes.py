"""The connections of the generator: HTTP/1.1 and WebSocket, as lean as can be.

The rule of this file: they read what our own gateway sends and nothing more; what they do not
expect ends the measurement loudly.
"""

import asyncio
import base64
import os
from collections.abc import Callable
from typing import Protocol

import msgspec

CONNECT_TIMEOUT_S = 10.0
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length: "
_EXTENDED, _HUGE = 126, 127
_TEXT, _CLOSE, _PING = 1, 8, 9

OnAnswer = Callable[["Lane", int, int, bytes], None]  # The lane, the number, status, body.


class LoadError(Exception):
    """The gateway did something that a measurement cannot go on with; one sentence."""


class Lane(Protocol):
    """A connection that carries requests, each with a number."""

    in_flight: int

    def send(self, number: int, request: bytes) -> None: ...
    def close(self) -> None: ...


class HttpLane(asyncio.Protocol):
    """One keep-alive connection with at most one request on its way."""

    def __init__(self, on_answer: OnAnswer, on_loss: Callable[[str], None]) -> None:
        self._on_answer = on_answer
        self._on_loss = on_loss
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._number = -1
        self._closing = False
        self.in_flight = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport

    def send(self, number: int, request: bytes) -> None:
        assert self._transport is not None, "it sends once it is connected"
        self._number = number
        self.in_flight = 1
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        received = self._received + data if self._received else data
        end = received.find(_HEAD_END)
        start = received.find(_LENGTH, 0, end) if end >= 0 else -1
        if start < 0:
            self._received = received
            return
        start += len(_LENGTH)
        size = int(received[start : received.index(b"\r\n", start)])
        body = received[end + len(_HEAD_END) :]
        if len(body) < size:
            self._received = received
            return
        self._received = b""
        self.in_flight = 0
        self._on_answer(self, self._number, int(received[9:12]), body)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._closing:
            self._on_loss(f"The gateway closed a connection: {exc or 'without a word'}.")

    def close(self) -> None:
        self._closing = True
        if self._transport is not None:
            self._transport.close()


class _Answer(msgspec.Struct):
    id: int | str | None = None
    status: int = 0
    body: msgspec.Raw = msgspec.Raw(b"")


_decode_answer = msgspec.json.Decoder(_Answer).decode


class SocketLane(asyncio.Protocol):
    """One WebSocket; `opened` is done when the gateway has taken the token."""

    def __init__(
        self, port: int, auth: bytes, on_answer: OnAnswer, on_loss: Callable[[str], None]
    ) -> None:
        self._port = port
        self._auth = auth
        self._on_answer = on_answer
        self._on_loss = on_loss
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._is_upgraded = False
        self._closing = False
        self.in_flight = 0
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        head = (
            f"GET /api/v1/ws HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
        )
        transport.write(head.encode())

    def send(self, number: int, request: bytes) -> None:
        assert self._transport is not None, "it sends once it is connected"
        self.in_flight += 1
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        received = self._received + data if self._received else data
        if not self._is_upgraded:
            end = received.find(_HEAD_END)
            if end < 0:
                self._received = received
                return
            if not received.startswith(b"HTTP/1.1 101"):
                self._fail(f"The gateway refused a WebSocket: {received[:200]!r}.")
                return
            self._is_upgraded = True
            received = received[end + len(_HEAD_END) :]
            assert self._transport is not None, "it is connected"
            self._transport.write(self._auth)
        self._received = self._read_frames(received)

    def _read_frames(self, received: bytes) -> bytes:
        at, end = 0, len(received)
        while end - at >= 2:
            opcode, size, start = received[at] & 0x0F, received[at + 1], at + 2
            if size >= _EXTENDED:
                width = 2 if size == _EXTENDED else 8
                if end - start < width:
                    break
                size = int.from_bytes(received[start : start + width])
                start += width
            if end - start < size:
                break
            at = start + size
            self._on_frame(opcode, received[start:at])
        return received[at:]

    def _on_frame(self, opcode: int, payload: bytes) -> None:
        if opcode == _CLOSE:
            self._fail(f"The gateway closed a WebSocket: {payload!r}.")
        if opcode != _TEXT:
            return
        answer = _decode_answer(payload)
        if isinstance(answer.id, int):
            self.in_flight -= 1
            self._on_answer(self, answer.id, answer.status, answer.body)
        elif not self.opened.done():
            if answer.status == 200:
                self.opened.set_result(None)
            else:
                self._fail(f"The gateway refused a token: {payload!r}.")

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"The gateway closed a connection: {exc or 'without a word'}.")

    def _fail(self, sentence: str) -> None:
        if not self.opened.done():
            self.opened.set_exception(LoadError(sentence))
        elif not self._closing:
            self._on_loss(sentence)

    def close(self) -> None:
        self._closing = True
        if self._transport is not None:
            self._transport.close()

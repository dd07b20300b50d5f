"""A client that sends bytes as a test wants them, right or wrong.

The rule of this file: it knows the frames of RFC 6455 and no manners; every wait has a deadline.
"""

import asyncio
import json
import socket
import struct
from typing import Any, NamedTuple

from tests.support.deadlines import DEADLINE_S

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
RECEIVED_BYTES_MAX = 64 * 1024
SMALL_BUFFER_BYTES = 4_096
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def request(path: str = "/ws", **headers: str) -> bytes:
    """Return the head of a handshake; a header that is "" is left out."""
    fields = {
        "Host": "127.0.0.1",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = [f"{name}: {value}" for name, value in fields.items() if value]
    return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode()


def frame(opcode: int, payload: bytes = b"", *, final: bool = True, masked: bool = True) -> bytes:
    """Return a frame as a client sends it."""
    mask_bit = 0x80 if masked else 0
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", final << 7 | opcode, mask_bit | size)
    else:
        head = struct.pack("!BBH", final << 7 | opcode, mask_bit | 126, size)
    mask = b"\x0f\x1e\x2d\x3c" if masked else b""
    body = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload)) if mask else payload
    return head + mask + body


def say(**message: object) -> bytes:
    """Return the frame of an op."""
    return frame(TEXT, json.dumps(message).encode())


class Received(NamedTuple):
    """A frame of the server."""

    opcode: int
    payload: bytes

    @property
    def message(self) -> dict[str, Any]:
        assert self.opcode == TEXT, self
        message: dict[str, Any] = json.loads(self.payload)
        return message

    @property
    def close_code(self) -> int:
        assert self.opcode == CLOSE, self
        return int.from_bytes(self.payload[:2], "big")


class RawClient:
    """One socket; `port` is the server's on loopback."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._unread = b""

    @classmethod
    async def connect(cls, port: int, *, small: bool = False) -> "RawClient":
        """Connect; a `small` one has little room for what it does not read."""
        sock = socket.socket()
        sock.setblocking(False)
        if small:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
        try:
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        except OSError:
            sock.close()
            raise
        return cls(sock)

    @classmethod
    async def opened(cls, port: int, *, small: bool = False, path: str = "/ws") -> "RawClient":
        """Connect and shake hands."""
        client = await cls.connect(port, small=small)
        await client.send(request(path))
        answer = await client.head()
        assert " 101 " in answer, answer
        return client

    async def send(self, *parts: bytes) -> None:
        async with asyncio.timeout(DEADLINE_S):
            await asyncio.get_running_loop().sock_sendall(self.sock, b"".join(parts))

    async def head(self) -> str:
        """Return the head of the server's answer."""
        while b"\r\n\r\n" not in self._unread:
            assert await self._read(), f"the server closed after {self._unread!r}"
        head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        return head.decode()

    async def page(self) -> tuple[int, str]:
        """Return status and body of an answer that ends the connection."""
        head = await self.head()
        body = await self.rest()
        return int(head.split()[1]), body.decode()

    async def next(self) -> Received:
        """Return the next frame; raises ConnectionError at the end of the connection."""
        while (size := self._frame_size()) is None or len(self._unread) < size:
            if not await self._read():
                raise ConnectionError("the server closed the connection")
        whole, self._unread = self._unread[:size], self._unread[size:]
        assert whole[0] & 0x80, "the server sends whole messages"
        return Received(whole[0] & 0x0F, whole[2 + _length_bytes(whole[1]) :])

    async def until(self, opcode: int) -> Received:
        """Skip to the next frame of a kind."""
        while (received := await self.next()).opcode != opcode:
            pass
        return received

    async def answer(self) -> dict[str, Any]:
        """Skip to the next answer to an op."""
        while "op" not in (message := (await self.until(TEXT)).message):
            pass
        return message

    async def rest(self) -> bytes:
        """Return what comes until the server closes."""
        while await self._read():
            pass
        rest, self._unread = self._unread, b""
        return rest

    def reset(self) -> None:
        """End the connection as a crash would."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.sock.close()

    def close(self) -> None:
        self.sock.close()

    async def _read(self) -> bool:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(DEADLINE_S):
            try:
                data = await loop.sock_recv(self.sock, RECEIVED_BYTES_MAX)
            except ConnectionResetError:
                return False
        self._unread += data
        return bool(data)

    def _frame_size(self) -> int | None:
        if len(self._unread) < 2:
            return None
        size, extra = self._unread[1], _length_bytes(self._unread[1])
        if len(self._unread) < 2 + extra:
            return None
        if extra:
            size = int.from_bytes(self._unread[2 : 2 + extra], "big")
        return 2 + extra + size


def _length_bytes(length: int) -> int:
    return {126: 2, 127: 8}.get(length, 0)

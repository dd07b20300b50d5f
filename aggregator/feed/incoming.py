"""From the bytes of a server to messages, without a copy too many.

The rule of this file: RFC 6455 for data frames as a server sends them. Control frames are given on
as they came, to the protocol that answers them. A large message stays in the parts in which it
came: putting 5 MB together takes milliseconds, which are not the loop's to give.
"""

import asyncio
from collections.abc import Iterator

# From here on a message is read in another process: reading it here would take some 3 ms, and
# those that come all the time are a tenth of it.
LARGE_BYTES = 256 * 1024
# A whole book of the deepest symbol of today is 5 MB in one message. Three times that is room for
# years; more is no book.
MESSAGE_BYTES_MAX = 16 * 1024 * 1024

FIN = 0x80
OPCODE = 0x0F
FIRST_CONTROL = 0x8
CONTROL_BYTES_MAX = 125
WHOLE_TEXT = FIN | 0x1
HEADS = frozenset({0x00, 0x01, 0x02, 0x80, 0x81, 0x82})  # Of data frames, without extensions.
PROTOCOL_ERROR = 1002
TOO_BIG = 1009


class IncomingError(Exception):
    """The server breaks the protocol: the connection is failed with this `code`."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Parts:
    """A large message as it came; `len` is its size in bytes."""

    __slots__ = ("_parts", "_size")

    def __init__(self, parts: list[bytes], size: int) -> None:
        self._parts = parts
        self._size = size

    def __len__(self) -> int:
        return self._size

    async def join(self) -> bytes:
        """Return the message; Python lets go of its lock while it copies, so the loop goes on."""
        return await asyncio.to_thread(b"".join, self._parts)


Message = bytes | Parts


class Control:
    """A ping, a pong or a close, with its head."""

    __slots__ = ("raw",)

    def __init__(self, raw: bytes) -> None:
        self.raw = raw


class Incoming:
    """Is given what was received, and gives messages and control frames in their order."""

    def __init__(self, message_bytes_max: int = MESSAGE_BYTES_MAX) -> None:
        self._message_bytes_max = message_bytes_max
        self._rest = b""  # The beginning of a head, or of a control frame.
        self._parts: list[bytes] = []  # Of the message that is going on.
        self._size = 0  # Of the parts.
        self._missing = 0  # Of the frame that is going on.
        self._is_last = True  # That frame is its message's last one.
        self._is_going_on = False  # Another frame of the message has to come.

    def take(self, data: bytes) -> Iterator[Message | Control]:
        """Give what is whole now; raises IncomingError, after what came before the error."""
        if self._missing:
            came = data[: self._missing]
            self._add(came)
            self._missing -= len(came)
            if self._missing:
                return
            data = data[len(came) :]
            if self._is_last:
                yield self._whole()
        elif self._rest:
            data = self._rest + data
            self._rest = b""
        yield from self._frames(data)

    def _frames(self, data: bytes) -> Iterator[Message | Control]:
        position, end = 0, len(data)
        while end - position >= 2:
            head, length, start = data[position], data[position + 1], position + 2
            if length > 127:
                raise IncomingError(PROTOCOL_ERROR, "a masked frame")
            if length >= 126:
                start += 2 if length == 126 else 8
                if start > end:
                    break
                length = int.from_bytes(data[position + 2 : start], "big")
            stop = start + length
            if head == WHOLE_TEXT and stop <= end and not self._is_going_on:
                if length > self._message_bytes_max:
                    raise IncomingError(TOO_BIG, f"a message of {length} bytes")
                yield data[start:stop]
            elif head & OPCODE >= FIRST_CONTROL:
                if length > CONTROL_BYTES_MAX or not head & FIN:
                    raise IncomingError(PROTOCOL_ERROR, "a control frame that is too long")
                if stop > end:
                    break
                yield Control(data[position:stop])
            else:
                self._begin(head, length)
                self._add(data[start:stop])
                self._missing = max(stop - end, 0)
                if self._missing:
                    return
                if self._is_last:
                    yield self._whole()
            position = stop
        self._rest = data[position:]

    def _begin(self, head: int, length: int) -> None:
        if head not in HEADS:
            raise IncomingError(PROTOCOL_ERROR, f"a frame that begins with {head:#x}")
        if (head & OPCODE == 0) != self._is_going_on:
            raise IncomingError(PROTOCOL_ERROR, "a frame out of its message")
        if self._size + length > self._message_bytes_max:
            raise IncomingError(TOO_BIG, f"a message of {self._size + length} bytes or more")
        self._is_last = bool(head & FIN)
        self._is_going_on = not self._is_last

    def _add(self, part: bytes) -> None:
        if part:  # An empty one adds nothing to the size, which alone is bounded.
            self._parts.append(part)
            self._size += len(part)

    def _whole(self) -> Message:
        parts, size = self._parts, self._size
        self._parts, self._size = [], 0
        return Parts(parts, size) if size >= LARGE_BYTES else b"".join(parts)

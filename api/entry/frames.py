"""WebSocket frames (RFC 6455): the bytes of a client apart into messages, and answers into frames.
Pure.

The rule of this file: what a client may not send ends the connection with the code that the
standard has for it. No extension is ever agreed on, so no reserved bit is ever right.
"""

from enum import IntEnum
from typing import NamedTuple

MESSAGE_SIZE_MAX = 65_536  # A batch of 100 orders with every field set; others are cut far below.
PART_SIZE_LEAST = 64  # What a part counts as: no message has more than a thousand parts.
CONTROL_SIZE_MAX = 125
NORMAL, GOING_AWAY, PROTOCOL_ERROR, UNSUPPORTED = 1000, 1001, 1002, 1003
INVALID_DATA, POLICY_VIOLATION, TOO_BIG = 1007, 1008, 1009
SERVICE_RESTART, TRY_AGAIN_LATER = 1012, 1013
REASON_SIZE_MAX = CONTROL_SIZE_MAX - 2

_FIN, _RESERVED, _OPCODE, _MASKED, _SIZE = 0x80, 0x70, 0x0F, 0x80, 0x7F
_TWO_BYTES, _EIGHT_BYTES = 126, 127
_MASK_SIZE = 4
# Codes that a client may put into a close frame.
_CODES = frozenset({*range(1000, 1004), *range(1007, 1015)})
_OWN_CODES = range(3000, 5000)


class Opcode(IntEnum):
    """The kinds of frame."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


_OPCODES = frozenset(Opcode)


class Message(NamedTuple):
    """A whole message of a client, unmasked."""

    opcode: int
    payload: bytes


class FrameError(Exception):
    """The connection cannot go on; `code` and the text are for its close frame."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class FrameReader:
    """Takes the bytes of one client apart; `feed` it, then ask for messages one by one."""

    def __init__(self, size_max: int = MESSAGE_SIZE_MAX) -> None:
        self._size_max = size_max
        self._data = b""
        self._at = 0
        self._opcode = Opcode.CONTINUATION  # Of a message whose frames are coming.
        self._parts: list[bytes] = []
        self._parts_size = 0

    def feed(self, data: bytes) -> None:
        # What is left is less than one frame, or what a full connection left for later.
        self._data = self._data[self._at :] + data if self._at < len(self._data) else data
        self._at = 0

    @property
    def waiting_bytes(self) -> int:
        """How much was fed and is not taken yet."""
        return len(self._data) - self._at

    def next(self) -> Message | None:
        """Return the next message, None until more is fed; raises FrameError."""
        while True:
            frame = self._frame()
            if frame is None:
                return None
            is_last, opcode, payload = frame
            if is_last and opcode and not (self._parts and opcode < Opcode.CLOSE):
                return Message(opcode, payload)
            message = self._join(opcode, payload, is_last=is_last)
            if message is not None:
                return message

    def _frame(self) -> tuple[int, int, bytes] | None:
        data, at = self._data, self._at
        left = len(data) - at
        if left < 2:
            return None
        first, second = data[at], data[at + 1]
        size, start = second & _SIZE, at + 2
        if size >= _TWO_BYTES:
            width = 2 if size == _TWO_BYTES else 8
            if left < 2 + width:
                return None
            least = _TWO_BYTES if width == 2 else 1 << 16
            size = int.from_bytes(data[start : start + width])
            if size < least:
                raise FrameError(PROTOCOL_ERROR, "a length must be as short as it can be")
            start += width
        self._check(first, second, size)
        end = start + _MASK_SIZE + size
        if len(data) < end:
            return None
        mask = data[start : start + _MASK_SIZE]
        self._at = end
        return first & _FIN, first & _OPCODE, unmasked(data[start + _MASK_SIZE : end], mask)

    def _check(self, first: int, second: int, size: int) -> None:
        opcode = first & _OPCODE
        if first & _RESERVED:
            raise FrameError(PROTOCOL_ERROR, "a reserved bit is set")
        if not second & _MASKED:
            raise FrameError(PROTOCOL_ERROR, "a client's frame must be masked")
        if opcode not in _OPCODES:
            raise FrameError(PROTOCOL_ERROR, "an unknown kind of frame")
        if opcode >= Opcode.CLOSE and (size > CONTROL_SIZE_MAX or not first & _FIN):
            raise FrameError(PROTOCOL_ERROR, "a control frame must be small and whole")
        if self._parts_size + size > self._size_max:
            raise FrameError(TOO_BIG, f"a message has at most {self._size_max} bytes")

    def _join(self, opcode: int, payload: bytes, *, is_last: int) -> Message | None:
        begins = opcode != Opcode.CONTINUATION
        if begins == bool(self._parts):
            raise FrameError(PROTOCOL_ERROR, "the parts of a message must follow each other")
        if begins:
            self._opcode = Opcode(opcode)
        # A small part counts as a larger one, or a client could send them without end.
        self._parts.append(payload)
        self._parts_size += max(len(payload), PART_SIZE_LEAST)
        if not is_last:
            return None
        message = Message(self._opcode, b"".join(self._parts))
        self._parts, self._parts_size = [], 0
        return message


def unmasked(payload: bytes, mask: bytes) -> bytes:
    """Return the bytes that a client masked; masking is its own inverse."""
    size = len(payload)
    key = (mask * (size // _MASK_SIZE + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(key)).to_bytes(size)


def frame(opcode: Opcode, payload: bytes) -> bytes:
    """Return a message as a server sends it: one frame, not masked."""
    size = len(payload)
    if size < _TWO_BYTES:
        return bytes((_FIN | opcode, size)) + payload
    if size < 1 << 16:
        return bytes((_FIN | opcode, _TWO_BYTES)) + size.to_bytes(2) + payload
    return bytes((_FIN | opcode, _EIGHT_BYTES)) + size.to_bytes(8) + payload


def close_frame(code: int, reason: str) -> bytes:
    text = reason.encode()[:REASON_SIZE_MAX]
    return frame(Opcode.CLOSE, code.to_bytes(2) + text)


def code_of_close(payload: bytes) -> int:
    """Return the code to answer a client's close frame with; raises FrameError."""
    if not payload:
        return NORMAL
    code = int.from_bytes(payload[:2])
    if len(payload) < 2 or not (code in _CODES or code in _OWN_CODES):
        raise FrameError(PROTOCOL_ERROR, "that is no code of a close frame")
    try:
        payload[2:].decode()
    except UnicodeDecodeError:
        raise FrameError(INVALID_DATA, "a reason must be UTF-8") from None
    return code

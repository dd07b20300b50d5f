"""Messages as the bytes that go over a socket: WebSocket text frames, made once for everybody.

The rule of this file: what a server sends is neither masked nor compressed, so the very same bytes
are right for every client, and no client costs an encoding of its own. RFC 6455, section 5.2.
"""

import struct

import msgspec

_TEXT_FRAME = 0x81  # FIN, opcode 1.
_SIZE_7_MAX = 125
_SIZE_16_MAX = 0xFFFF
_SIZE_16, _SIZE_64 = 126, 127

_encode_json = msgspec.json.Encoder().encode
_short, _medium, _long = struct.Struct("!BB"), struct.Struct("!BBH"), struct.Struct("!BBQ")


def encode(message: msgspec.Struct) -> bytes:
    """Return the frame that carries the message as JSON."""
    return text_frame(_encode_json(message))


def text_frame(payload: bytes) -> bytes:
    """Return the frame that carries this text, which is UTF-8."""
    size = len(payload)
    if size <= _SIZE_7_MAX:
        return _short.pack(_TEXT_FRAME, size) + payload
    if size <= _SIZE_16_MAX:
        return _medium.pack(_TEXT_FRAME, _SIZE_16, size) + payload
    return _long.pack(_TEXT_FRAME, _SIZE_64, size) + payload


def payload_of(frame: bytes) -> bytes:
    """Return the text of a frame that `text_frame` made."""
    size = frame[1]
    start = {_SIZE_16: _medium.size, _SIZE_64: _long.size}.get(size, _short.size)
    return frame[start:]

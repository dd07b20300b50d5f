"""From an HTTP request to a WebSocket: who is let in, and the answer to their handshake. Pure.

The rule of this file: a refusal is an ApiError in the shape of every other, said before there is a
connection; a token is asked for afterwards, in the first frame, so that no address holds one.
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence

from api.edge.errors import ApiError
from api.paths import PREFIX, canonical_path
from shared.origins import origin_is_allowed

PATH = f"{PREFIX}/ws"
KEY_SIZE = 16  # Bytes of a client's random key.

_VERSION = b"13"
_ACCEPTED = (
    b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
    b"sec-websocket-accept: %s\r\n\r\n"
)
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # Of the standard.

Headers = Sequence[tuple[bytes, bytes]]


def accepted(method: str, path: str, headers: Headers, origins: tuple[str, ...]) -> bytes:
    """Return the bytes that make a connection of a request; raises ApiError."""
    if canonical_path(path) != PATH:
        raise ApiError("NOT_FOUND")
    if method != "GET":
        raise ApiError("METHOD_NOT_ALLOWED")
    if _all(headers, b"sec-websocket-version") != [_VERSION]:
        raise ApiError("BAD_REQUEST", "WebSocket version 13 is spoken here.")
    if not origin_is_allowed(
        [value.decode("latin-1") for value in _all(headers, b"origin")],
        b"".join(_all(headers, b"host")[:1]).decode("latin-1"),
        origins,
    ):
        raise ApiError("ORIGIN_NOT_ALLOWED")
    keys = _all(headers, b"sec-websocket-key")
    if len(keys) != 1 or not _is_key(keys[0]):
        raise ApiError("BAD_REQUEST", "Sec-WebSocket-Key is 16 bytes in base 64.")
    digest = hashlib.sha1(keys[0] + _GUID, usedforsecurity=False).digest()
    return _ACCEPTED % base64.b64encode(digest)


def _all(headers: Headers, wanted: bytes) -> list[bytes]:
    return [value.strip() for name, value in headers if name == wanted]


def _is_key(text: bytes) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == KEY_SIZE
    except binascii.Error:
        return False

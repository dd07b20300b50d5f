"""What a client of the feed writes, and how what it reads falls into messages. Pure.

The rule of this file: it knows of the WebSocket protocol what our own broadcaster uses, and says so
loudly when there is more.
"""

from collections.abc import Mapping

import msgspec

from rialto.load.lanes import LoadError
from rialto.load.traffic import NO_MASK, frame
from shared.feed import Subscribe, Wanted

TEXT, CLOSE, PING, PONG = 0x81, 0x88, 0x89, 0x8A  # Each a whole message in one frame.
HEAD_END = b"\r\n\r\n"
_SWITCHED = b"HTTP/1.1 101"
_EXTENDED, _HUGE, _MASK_BIT = 126, 127, 0x80
# The key is no secret and proves nothing to us: one for all spares 10,000 random numbers.
_KEY = b"AAAAAAAAAAAAAAAAAAAAAA=="

Frame = tuple[int, bytes]  # The first byte and the payload.


def handshake(port: int) -> bytes:
    """Return the request that opens a WebSocket."""
    return (
        b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n" % (port, _KEY)
    )


def subscription(wishes: Mapping[str, int]) -> bytes:
    """Return the frame that asks for these channels, each with its interval in milliseconds."""
    wanted: list[str | Wanted] = [
        Wanted(channel=channel, interval_ms=interval_ms) for channel, interval_ms in wishes.items()
    ]
    return frame(msgspec.json.encode(Subscribe(id=1, channels=wanted)))


def pong(payload: bytes) -> bytes:
    """Return the answer to a ping."""
    return bytes((PONG, _MASK_BIT | len(payload))) + NO_MASK + payload


def after_handshake(received: bytes) -> bytes | None:
    """Return what follows the server's consent, None while that is not complete; raises LoadError
    when the server does not consent.
    """
    end = received.find(HEAD_END)
    if end < 0:
        return None
    if not received.startswith(_SWITCHED):
        raise LoadError(f"The broadcaster refused a connection: {received[:200]!r}.")
    return received[end + len(HEAD_END) :]


def split(received: bytes) -> tuple[list[Frame], bytes]:
    """Return the whole frames in what was received, and the beginning of the next one."""
    frames: list[Frame] = []
    at, end = 0, len(received)
    while end - at >= 2:
        size, start = received[at + 1], at + 2
        if size >= _EXTENDED:
            width = 2 if size == _EXTENDED else 8
            if end - start < width:
                break
            size = int.from_bytes(received[start : start + width])
            start += width
        if end - start < size:
            break
        frames.append((received[at], received[start : start + size]))
        at = start + size
    return frames, received[at:]

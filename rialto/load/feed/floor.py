"""What the broadcaster is compared with: the machine's own `send`, to the same crowd.
`python -m rialto.load.feed.floor CLIENTS ROUNDS` serves it.

The rule of this file: it opens WebSockets and writes ready bytes to each in turn, one call a
message, and does nothing else; what that costs, nobody who writes message by message can save.
"""

import socket
import sys
import time
from collections.abc import Sequence

import msgspec

from rialto.load.feed.frames import HEAD_END
from shared.feed import DepthDelta, DepthSnapshot, Level, book_crc32

CHANNEL = "depth:COIN0_USD"
MARKET = "COIN0_USD"
BIDS: list[Level] = [("99.87", "12.5")]
_TEXT, _EXTENDED, _SHORT_MAX = 0x81, 126, 125
_SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


class Cost(msgspec.Struct, frozen=True):
    """What the calls of `send` took, by the clock and of the processor."""

    calls: int
    elapsed_ns: int
    cpu_ns: int


def server_frame(text: bytes) -> bytes:
    """Return a text message as a server's frame."""
    if len(text) <= _SHORT_MAX:
        return bytes((_TEXT, len(text))) + text
    return bytes((_TEXT, _EXTENDED)) + len(text).to_bytes(2) + text


def snapshot() -> bytes:
    empty: list[Level] = []
    return server_frame(
        msgspec.json.encode(
            DepthSnapshot(
                channel=CHANNEL, market=MARKET, sequence=0, at_ns=0, bids=empty, asks=empty, crc32=0
            )
        )
    )


def delta(sequence: int, at_ns: int) -> bytes:
    """Return a message as large as the broadcaster's."""
    return server_frame(
        msgspec.json.encode(
            DepthDelta(
                channel=CHANNEL,
                market=MARKET,
                first_sequence=sequence,
                last_sequence=sequence,
                at_ns=at_ns,
                bids=BIDS,
                asks=[],
                crc32=book_crc32(BIDS, []),
            )
        )
    )


def send_all(socks: Sequence[socket.socket], rounds: int) -> Cost:
    """Write so many messages to each client."""
    messages = [delta(number, time.time_ns()) for number in range(1, rounds + 1)]
    began_ns, cpu_ns = time.monotonic_ns(), time.process_time_ns()
    for message in messages:
        for sock in socks:
            sock.send(message)
    return Cost(
        calls=rounds * len(socks),
        elapsed_ns=time.monotonic_ns() - began_ns,
        cpu_ns=time.process_time_ns() - cpu_ns,
    )


def _open(listener: socket.socket) -> socket.socket:
    sock, _ = listener.accept()
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    head = b""
    while HEAD_END not in head:
        head += sock.recv(65_536)
    sock.sendall(_SWITCHED)
    sock.recv(65_536)  # What it subscribes, which we know.
    sock.sendall(snapshot())
    return sock


def main() -> None:
    """Tell the port, let the clients in, send when told to, tell the cost."""
    clients, rounds = int(sys.argv[1]), int(sys.argv[2])
    with socket.create_server(("127.0.0.1", 0), backlog=4_096) as listener:
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        socks = [_open(listener) for _ in range(clients)]
    sys.stdin.readline()
    cost = send_all(socks, rounds)
    sys.stdout.write(msgspec.json.encode(cost).decode() + "\n")
    sys.stdout.flush()
    sys.stdin.readline()  # The connections stay until all has been read.


if __name__ == "__main__":
    main()

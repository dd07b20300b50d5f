"""A venue that says as much as anybody takes: `python -m rialto.load.outside.flood PORT FILE`.

The rule of this file: it sends what a real venue sent, again and again, and whoever believes it
has to do all the work each time. FILE is a recording of Bybit whose streams begin with snapshots.
Each time the numbers of books go on above those of the time before, and trades are others; what
was answered by HTTP is answered again. Frames are taken apart before anybody calls, and go out as
fast as they are taken.
"""

import asyncio
import json
import lzma
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import count
from typing import NamedTuple
from urllib.parse import urlsplit

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

HEAD_BYTES_MAX = 16_384  # Of a handshake or a GET; ours have a few hundred.
CHUNK_FRAMES = 64  # Some 50 KB: as much as a socket takes at once.
HEALTH = "/health"

# What an aggregator subscribes to; a recording may have more.
TOPICS = ('{"topic":"orderbook.', '{"topic":"publicTrade.')
# The number of a book's state, and the beginning of a trade's name.
NUMBERS = re.compile(rb'(?<="u":)\d+|(?<="i":")')
# Far above any number of a book, so that all that are sent have as many digits.
FIRST_NUMBER = 10**12
SPAN = 10**7  # From one time to the next; more than a recording's numbers grow by.


class Template(NamedTuple):
    """Some frames in a row with their numbers left open."""

    form: bytes
    numbers: tuple[int, ...]

    def frames(self, time: int) -> bytes:
        """Return what is sent the n-th time."""
        shift = time * SPAN
        return self.form % tuple([number + shift for number in self.numbers])


def template_of(text: bytes) -> Template:
    """Return a message as a frame whose numbers can go on."""
    numbers = tuple(FIRST_NUMBER + int(found.group() or 0) for found in NUMBERS.finditer(text))
    form = NUMBERS.sub(b"%d", text.replace(b"%", b"%%"))
    message = form % numbers
    head = Frame(Opcode.TEXT, message).serialize(mask=False)[: -len(message)]
    return Template(head.replace(b"%", b"%%") + form, numbers)


def joined(templates: Sequence[Template]) -> Template:
    """Return frames in a row as one: it is filled in much faster than each of them."""
    forms = b"".join(one.form for one in templates)
    return Template(forms, tuple(number for one in templates for number in one.numbers))


class Recording:
    """Messages by host and path; bodies by host and path of the question."""

    def __init__(self, name: str) -> None:
        self.streams: dict[str, list[Template]] = defaultdict(list)
        self.times = count()  # Of sending all of a stream: whichever connection it is for.
        self.bodies: dict[str, bytes] = {}
        with lzma.open(name, "rt", encoding="utf-8") as file:
            for line in file:
                self._read(json.loads(line))

    def _read(self, row: dict[str, str]) -> None:
        address = urlsplit(row["url"])
        if row["kind"] == "recv":
            if row["data"].startswith(TOPICS):
                stream = self.streams[f"{address.hostname}{address.path}"]
                stream.append(template_of(row["data"].encode()))
        elif row["kind"] == "http":
            category = "spot" if "category=spot" in address.query else "linear"
            self.bodies[f"{address.hostname}{address.path}:{category}"] = row["data"].encode()

    def chunks(self, stream: Sequence[Template]) -> Iterator[bytes]:
        """Give frames for ever, some at a time."""
        starts = range(0, len(stream), CHUNK_FRAMES)
        chunks = [joined(stream[at : at + CHUNK_FRAMES]) for at in starts]
        for time in self.times:
            for chunk in chunks:
                yield chunk.frames(time)

    def body(self, target: str) -> bytes | None:
        address = urlsplit(target)
        category = "spot" if "category=spot" in address.query else "linear"
        return self.bodies.get(f"{address.path[1:]}:{category}")


async def serve(port: int, recording: Recording) -> None:
    """Serve until cancelled."""

    async def visited(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _answer(recording, reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # Whoever called has gone.
        finally:
            writer.close()

    server = await asyncio.start_server(visited, "127.0.0.1", port, limit=HEAD_BYTES_MAX)
    async with server:
        await server.serve_forever()


async def _answer(
    recording: Recording, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    target = head.split(b" ", 2)[1].decode()
    stream = recording.streams.get(urlsplit(target).path[1:])
    if stream is None or b"upgrade: websocket" not in head.lower():
        body = b"{}" if target == HEALTH else recording.body(target)
        status = b"200 OK" if body is not None else b"404 Not Found"
        body = body or b""
        writer.write(b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))
        return await writer.drain()
    protocol = ServerProtocol()
    protocol.receive_data(head)
    [request] = protocol.events_received()
    assert isinstance(request, Request), "the head of a handshake is a request"
    protocol.send_response(protocol.accept(request))
    writer.writelines(protocol.data_to_send())
    listening = asyncio.create_task(_ignore(reader))
    try:
        for frames in recording.chunks(stream):
            writer.write(frames)
            await writer.drain()
            if listening.done():
                break
    finally:
        listening.cancel()


async def _ignore(reader: asyncio.StreamReader) -> None:
    while await reader.read(HEAD_BYTES_MAX):
        pass  # Subscriptions: everything is sent anyway.


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Recording(sys.argv[2])))

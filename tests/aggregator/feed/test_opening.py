"""Opening a WebSocket: every way it can fail is one exception with a reason."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from aggregator.feed.incoming import Message
from aggregator.feed.opening import OpeningError, Way, open_socket, retry_after_s
from aggregator.feed.sockets import VenueSocket
from tests.support.fake_venue import FakeVenue

URL = "wss://stream.fake.example/ws"


class Ear:
    """Writes down what a socket tells."""

    def __init__(self) -> None:
        self.log: list[object] = []
        self.has_heard = asyncio.Event()

    def opened(self, socket: VenueSocket) -> None:
        self.log.append("opened")

    def received(self, messages: Sequence[Message]) -> None:
        self.log.extend(messages)
        self.has_heard.set()

    def ponged(self) -> None:
        self.log.append("pong")
        self.has_heard.set()

    def lost(self, code: int, reason: str) -> None:
        self.log.append((code, reason))
        self.has_heard.set()


def room() -> memoryview:
    return memoryview(bytearray(65_536))


@asynccontextmanager
async def tcp_server(answer: bytes, *, stays: bool = False) -> AsyncIterator[str]:
    """Say `answer` to whoever connects, and hang up unless `stays`."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        if not stays:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        for writer in writers:
            writer.close()
        server.close()


async def test_an_open_socket_tells_of_itself_before_its_first_frame(venue: FakeVenue) -> None:
    async def talk(connection: object) -> None:
        await venue.say("first")
        await venue.listen(venue.connections[-1])

    venue.talk = talk
    ear = Ear()
    socket = await open_socket(URL, Way(venue.address), ear, room())
    await asyncio.wait_for(ear.has_heard.wait(), 10)
    assert ear.log == ["opened", b"first"]
    socket.close(1000, "done")
    assert ear.log[-1] == (1000, "done")
    assert not socket.is_open


async def test_a_venue_that_says_no_is_an_error_with_its_status(venue: FakeVenue) -> None:
    venue.refusals = [(403, {})]
    ear = Ear()
    with pytest.raises(OpeningError, match="HTTP 403") as caught:
        await open_socket(URL, Way(venue.address), ear, room())
    assert caught.value.status == 403
    assert caught.value.banned_s == 0
    assert ear.log == []


async def test_a_venue_that_has_enough_says_for_how_long(venue: FakeVenue) -> None:
    venue.refusals = [(418, {"Retry-After": "120"}), (429, {})]
    for banned_s in (120, 60):
        with pytest.raises(OpeningError) as caught:
            await open_socket(URL, Way(venue.address), Ear(), room())
        assert caught.value.banned_s == banned_s


async def test_nobody_there_is_an_error() -> None:
    async with tcp_server(b"") as address:
        pass
    with pytest.raises(OpeningError):
        await open_socket(URL, Way(address), Ear(), room())


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 101 Ok\r\n\r\n"])
async def test_an_answer_that_is_none_is_an_error(answer: bytes) -> None:
    async with tcp_server(answer) as address:
        with pytest.raises(OpeningError):
            await open_socket(URL, Way(address), Ear(), room())


async def test_an_answer_that_never_comes_is_an_error() -> None:
    async with tcp_server(b"", stays=True) as address:
        with pytest.raises(OpeningError, match=r"no answer within 0\.05 s"):
            await open_socket(URL, Way(address), Ear(), room(), within_s=0.05)


async def test_an_address_that_is_none_is_an_error() -> None:
    with pytest.raises(OpeningError):
        await open_socket("http://a.com/x", Way(), Ear(), room())


async def test_whom_the_machine_trusts_is_read_once() -> None:
    way = Way()
    first, second = await asyncio.gather(way.tls(), way.tls())
    assert first is second
    own = ssl.create_default_context()
    assert await Way(tls=own).tls() is own


@pytest.mark.parametrize(
    ("text", "seconds"),
    [(None, 60), ("7", 7), ("0", 1), ("soon", 60), ("-3", 60), ("99999999999", 259_200)],
)
def test_retry_after_is_heeded_within_reason(text: str | None, seconds: float) -> None:
    assert retry_after_s(text) == seconds

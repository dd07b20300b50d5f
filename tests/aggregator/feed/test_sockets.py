"""One socket: encrypted, cut in pieces, and to its end."""

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.server import ServerConnection, serve
from websockets.frames import Frame, Opcode

from aggregator.feed.incoming import LARGE_BYTES, Message, Parts
from aggregator.feed.opening import OpeningError, Way, open_socket
from aggregator.feed.sockets import RECEIVE_BYTES_MAX, VenueSocket
from tests.support.deadlines import eventually_async
from tests.support.fake_venue import FakeVenue

HOST = "localhost"


class Ear:
    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.pongs = 0
        self.ends: list[tuple[int, str]] = []

    def opened(self, socket: VenueSocket) -> None:
        self.socket = socket

    def received(self, messages: Sequence[Message]) -> None:
        self.messages += messages

    def ponged(self) -> None:
        self.pongs += 1

    def lost(self, code: int, reason: str) -> None:
        self.ends.append((code, reason))


def room() -> memoryview:
    return memoryview(bytearray(RECEIVE_BYTES_MAX))


def make_certificate(folder: Path) -> Path:
    """Write a key and a certificate of localhost, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName(HOST), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "venue.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


class SecureVenue:
    def __init__(self, certificate: Path) -> None:
        self.certificate = certificate
        self.names: list[str | None] = []
        self.port = 0

    async def serve(self) -> AsyncIterator["SecureVenue"]:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.certificate)
        tls.sni_callback = lambda _socket, name, _context: self.names.append(name)
        async with serve(self._talk, HOST, 0, ssl=tls, compression=None) as server:
            self.port = next(iter(server.sockets)).getsockname()[1]
            yield self

    async def _talk(self, connection: ServerConnection) -> None:
        await connection.send("x" * (3 * LARGE_BYTES))
        async for message in connection:
            await connection.send(message)


@pytest.fixture
async def secure(tmp_path: Path) -> AsyncIterator[SecureVenue]:
    async for venue in SecureVenue(make_certificate(tmp_path)).serve():
        yield venue


async def test_an_encrypted_venue_is_named_trusted_and_heard(secure: SecureVenue) -> None:
    way, ear = Way(tls=ssl.create_default_context(cafile=secure.certificate)), Ear()
    socket = await open_socket(f"wss://{HOST}:{secure.port}/ws", way, ear, room())
    assert socket.send("hello")
    await eventually_async(lambda: ear.messages[1:] == [b"hello"])
    large = ear.messages[0]
    assert isinstance(large, Parts)
    assert await large.join() == b"x" * (3 * LARGE_BYTES)
    assert secure.names == [HOST]
    socket.close(1000, "done")
    assert ear.ends == [(1000, "done")]
    assert not socket.send("too late")


async def test_a_venue_that_nobody_vouches_for_is_not_talked_to(secure: SecureVenue) -> None:
    with pytest.raises(OpeningError, match="certificate"):
        await open_socket(f"wss://{HOST}:{secure.port}/ws", Way(), Ear(), room())


async def listen_to(venue: FakeVenue) -> tuple[Ear, VenueSocket]:
    ear = Ear()
    socket = await open_socket("wss://stream.fake.example/ws", Way(venue.address), ear, room())
    await eventually_async(lambda: venue.connections)
    return ear, socket


async def test_pings_are_answered_and_pongs_are_told(venue: FakeVenue) -> None:
    ear, socket = await listen_to(venue)
    pong = await venue.connections[0].ping(b"are you there")
    await asyncio.wait_for(pong, 10)
    socket.ping()
    await eventually_async(lambda: ear.pongs == 1)
    socket.close(1000, "")


async def test_a_message_in_several_frames_is_one(venue: FakeVenue) -> None:
    ear, socket = await listen_to(venue)
    await venue.connections[0].send(["one ", "mes", "sage"])
    await eventually_async(lambda: ear.messages == [b"one message"])
    socket.close(1000, "")


async def test_a_venue_that_breaks_the_protocol_is_told_so_and_left(venue: FakeVenue) -> None:
    ear, _socket = await listen_to(venue)
    good = Frame(Opcode.TEXT, b"good").serialize(mask=False)
    venue.connections[0].transport.write(good + b"\xf1\x00")
    await eventually_async(lambda: ear.ends)
    assert ear.messages == [b"good"]
    assert ear.ends[0][0] == 1002
    await eventually_async(lambda: venue.connections[0].close_code == 1002)


async def test_the_end_is_told_once_with_the_venues_own_words(venue: FakeVenue) -> None:
    ear, socket = await listen_to(venue)
    await venue.connections[0].close(1012, "we restart")
    await eventually_async(lambda: ear.ends)
    socket.close(1000, "me too")
    socket.abort()
    await venue.stop()
    assert ear.ends == [(1012, "we restart")]


async def test_a_line_that_is_cut_has_the_code_for_it(venue: FakeVenue) -> None:
    ear, _socket = await listen_to(venue)
    venue.cut()
    await eventually_async(lambda: ear.ends)
    assert ear.ends[0][0] == 1006

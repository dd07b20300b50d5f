"""From bytes to messages: as the library reads them, however they are cut."""

import random

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from aggregator.feed.incoming import (
    LARGE_BYTES,
    PROTOCOL_ERROR,
    TOO_BIG,
    Control,
    Incoming,
    IncomingError,
    Parts,
)


def frame(data: bytes, opcode: Opcode = Opcode.TEXT, *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=False)


def read(incoming: Incoming, *pieces: bytes) -> list[object]:
    """Return messages as bytes, and control frames as they are told from them."""
    said: list[object] = []
    for piece in pieces:
        for each in incoming.take(piece):
            if isinstance(each, Parts):
                said.append(b"".join(each._parts))
            else:
                said.append(("control", each.raw) if isinstance(each, Control) else each)
    return said


def as_the_library_reads(data: bytes) -> list[object]:
    protocol = ClientProtocol(parse_uri("ws://a/"), state=State.OPEN, max_size=None)
    protocol.receive_data(data)
    said: list[object] = []
    parts: list[bytes] = []
    for event in protocol.events_received():
        assert isinstance(event, Frame)
        if event.opcode >= Opcode.CLOSE:
            said.append(("control", event.serialize(mask=False)))
            continue
        parts.append(bytes(event.data))
        if event.fin:
            said.append(b"".join(parts))
            parts = []
    assert protocol.parser_exc is None
    return said


def any_stream(chance: random.Random) -> bytes:
    frames = []
    for _ in range(chance.randint(1, 12)):
        size = chance.choice([0, 1, 125, 126, 127, 1_000, 65_535, 65_536, 300_000])
        pieces = chance.choice([1, 1, 1, 2, 3])
        for number in range(pieces):
            opcode = chance.choice([Opcode.TEXT, Opcode.BINARY]) if number == 0 else Opcode.CONT
            data = chance.randbytes(size // pieces)
            frames.append(frame(data, opcode, fin=number == pieces - 1))
            if chance.random() < 0.3:
                frames.append(frame(b"hm", chance.choice([Opcode.PING, Opcode.PONG])))
    return b"".join(frames)


@pytest.mark.parametrize("seed", range(30))
def test_a_stream_says_the_same_as_to_the_library_however_it_is_cut(seed: int) -> None:
    chance = random.Random(seed)
    stream = any_stream(chance)
    most = chance.choice([1_000, 70_000, len(stream)])
    pieces, start = [], 0
    while start < len(stream):
        size = chance.randint(1, most)
        pieces.append(stream[start : start + size])
        start += size
    assert read(Incoming(), *pieces) == as_the_library_reads(stream), seed


def test_a_stream_can_come_byte_by_byte() -> None:
    stream = frame(b"x" * 200) + frame(b"", Opcode.PING) + frame(b"") + frame(b"y" * 70_000)
    pieces = [stream[n : n + 1] for n in range(len(stream))]
    assert read(Incoming(), *pieces) == as_the_library_reads(stream)


async def test_a_large_message_stays_in_its_parts_until_it_is_wanted() -> None:
    data = random.Random(1).randbytes(LARGE_BYTES)
    assert list(Incoming().take(frame(data[:-1]))) == [data[:-1]]
    incoming, stream = Incoming(), frame(data)
    said: list[object] = []
    for start in range(0, len(stream), 65_536):
        said += incoming.take(stream[start : start + 65_536])
    assert len(said) == 1
    assert isinstance(said[0], Parts)
    assert len(said[0]) == LARGE_BYTES
    assert await said[0].join() == data


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(b"x" * 1_001), TOO_BIG),
        (frame(b"x" * 70_000)[:20], TOO_BIG),
        (frame(b"x" * 600, fin=False) + frame(b"x" * 600, Opcode.CONT), TOO_BIG),
        (frame(b"", Opcode.CONT), PROTOCOL_ERROR),
        (frame(b"a", fin=False) + frame(b"b"), PROTOCOL_ERROR),
        (b"\xc1\x00", PROTOCOL_ERROR),
        (b"\x83\x00", PROTOCOL_ERROR),
        (b"\x81\x81abcdx", PROTOCOL_ERROR),
        (b"\x82\x85abcdx", PROTOCOL_ERROR),
        (b"\x09\x00", PROTOCOL_ERROR),
        (b"\x89\x7e\x00\x7e", PROTOCOL_ERROR),
    ],
)
def test_what_breaks_the_protocol_or_is_too_large_is_an_error_after_what_was_good(
    data: bytes, code: int
) -> None:
    incoming = Incoming(1_000)
    said: list[object] = []
    with pytest.raises(IncomingError) as caught:
        said.extend(incoming.take(frame(b"good") + data))
    assert said == [b"good"]
    assert caught.value.code == code

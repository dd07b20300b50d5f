"""The frames of a WebSocket: as the library that everybody uses writes and reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Close, Frame
from websockets.frames import Opcode as TheirOpcode
from websockets.protocol import CLIENT, State
from websockets.uri import parse_uri

from api.entry.frames import (
    PART_SIZE_LEAST,
    FrameError,
    FrameReader,
    Message,
    Opcode,
    close_frame,
    code_of_close,
    frame,
)

PAYLOADS = st.one_of(st.binary(max_size=200), st.integers(0, 66_000).map(lambda n: b"a" * n))


def theirs(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    """Return a client's frame as the library makes it."""
    return Frame(TheirOpcode(opcode), payload, fin=fin).serialize(mask=True)


def read_all(reader: FrameReader) -> list[Message]:
    messages = []
    while (message := reader.next()) is not None:
        messages.append(message)
    return messages


@given(payloads=st.lists(PAYLOADS, max_size=6), cuts=st.lists(st.integers(1, 50_000), max_size=12))
def test_what_a_client_sends_is_read_however_it_is_cut(
    payloads: list[bytes], cuts: list[int]
) -> None:
    data = b"".join(theirs(Opcode.TEXT, payload) for payload in payloads)
    reader, messages = FrameReader(size_max=70_000), []
    for size in (*cuts, len(data)):
        reader.feed(data[:size])
        messages += read_all(reader)
        data = data[size:]
    assert messages == [(Opcode.TEXT, payload) for payload in payloads]
    assert reader.waiting_bytes == 0


@given(parts=st.lists(st.binary(max_size=50), min_size=2, max_size=8))
def test_a_message_in_parts_is_put_together_and_a_ping_may_come_between(parts: list[bytes]) -> None:
    reader = FrameReader()
    for place, part in enumerate(parts):
        opcode = Opcode.CONTINUATION if place else Opcode.TEXT
        reader.feed(theirs(opcode, part, fin=place == len(parts) - 1) + theirs(Opcode.PING, b"p"))
    messages = read_all(reader)
    assert messages.count(Message(Opcode.PING, b"p")) == len(parts)
    assert [each for each in messages if each.opcode == Opcode.TEXT] == [(1, b"".join(parts))]


@given(payload=PAYLOADS)
def test_what_we_send_is_what_a_client_reads(payload: bytes) -> None:
    client = ClientProtocol(parse_uri("ws://here/"), state=State.OPEN, max_size=None)
    assert client.side is CLIENT
    client.receive_data(frame(Opcode.TEXT, payload) + close_frame(1012, "bye"))
    text, close = client.events_received()
    assert isinstance(text, Frame)
    assert isinstance(close, Frame)
    assert text.data == payload
    assert Close.parse(close.data) == Close(1012, "bye")


@given(data=st.binary(max_size=400))
def test_bytes_of_any_kind_are_read_or_refused(data: bytes) -> None:
    reader = FrameReader(size_max=300)
    reader.feed(data)
    code, messages = 0, []
    try:
        messages = read_all(reader)
    except FrameError as error:
        code = error.code
    assert code in (0, 1002, 1009)
    assert sum(len(message.payload) for message in messages) <= len(data)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x81\x01a", 1002),  # Not masked.
        (b"\xc1\x80aaaa", 1002),  # A reserved bit.
        (b"\x83\x80aaaa", 1002),  # An unknown kind.
        (b"\x09\x80aaaa", 1002),  # A ping in parts.
        (b"\x89\xfe\x00\x7e", 1002),  # A large ping.
        (b"\x80\x80aaaa", 1002),  # A part of nothing.
        (b"\x81\xfe\x00\x05", 1002),  # A length that could be shorter.
        (b"\x81\xff" + (65_535).to_bytes(8), 1002),
        (b"\x81\xff" + (2**40).to_bytes(8), 1009),
        (b"\x81\xff" + b"\xff" * 8, 1009),
        (b"\x01\x80aaaa\x81\x80aaaa", 1002),  # A new message within another.
    ],
)
def test_what_the_standard_forbids_ends_the_connection(data: bytes, code: int) -> None:
    reader = FrameReader()
    reader.feed(data)
    with pytest.raises(FrameError) as refused:
        read_all(reader)
    assert refused.value.code == code


def test_parts_without_end_are_too_much_even_when_they_are_empty() -> None:
    reader = FrameReader(size_max=100 * PART_SIZE_LEAST)
    reader.feed(theirs(Opcode.TEXT, b"", fin=False))
    reader.feed(theirs(Opcode.CONTINUATION, b"", fin=False) * 99)
    assert read_all(reader) == []
    reader.feed(theirs(Opcode.CONTINUATION, b"x", fin=False))
    with pytest.raises(FrameError) as refused:
        read_all(reader)
    assert refused.value.code == 1009


@pytest.mark.parametrize(
    ("payload", "code"), [(b"", 1000), (b"\x03\xe8", 1000), (b"\x0f\xa0bye", 4000)]
)
def test_a_clients_goodbye_is_answered_in_kind(payload: bytes, code: int) -> None:
    assert code_of_close(payload) == code


@pytest.mark.parametrize(
    ("payload", "code"),
    [(b"\x03", 1002), (b"\x03\xed", 1002), (b"\xff\xff", 1002), (b"\x03\xe8\xff", 1007)],
)
def test_a_goodbye_that_is_none_is_refused(payload: bytes, code: int) -> None:
    with pytest.raises(FrameError) as refused:
        code_of_close(payload)
    assert refused.value.code == code

"""Bytes fall into frames, wherever they are cut."""

import random

import pytest

from rialto.load.feed.floor import server_frame
from rialto.load.feed.frames import TEXT, after_handshake, split, subscription
from rialto.load.lanes import LoadError

TEXTS = [b"", b"a", b"b" * 125, b"c" * 126, b"d" * 65_535]


def test_frames_are_found_however_they_come() -> None:
    draw = random.Random(11)
    stream = b"".join(map(server_frame, TEXTS))
    stream += b"\x81\x7f" + (70_000).to_bytes(8) + b"e" * 70_000
    for _ in range(50):
        rest, found, at = b"", [], 0
        while at < len(stream):
            size = draw.choice((1, 2, 3, 100, 40_000))
            frames, rest = split(rest + stream[at : at + size])
            found += frames
            at += size
        assert not rest
        assert found == [(TEXT, text) for text in [*TEXTS, b"e" * 70_000]]


def test_the_handshake_ends_where_the_first_frame_begins() -> None:
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
    assert after_handshake(head[:-1]) is None
    assert after_handshake(head + b"\x81\x00") == b"\x81\x00"


def test_a_refused_handshake_is_told() -> None:
    with pytest.raises(LoadError, match="503"):
        after_handshake(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")


def test_a_subscription_names_each_channel_with_its_interval() -> None:
    assert b'"channel":"depth:A_B","interval_ms":250' in subscription({"depth:A_B": 250})

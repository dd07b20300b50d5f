"""The contract on the wire: everything comes back as it was, and nothing else is believed."""

import random
from contextlib import suppress

import pytest

from shared.publishing import (
    Alive,
    Ask,
    BookChange,
    BookImage,
    ChannelState,
    Kind,
    LogEntries,
    LogEntry,
    LogImage,
    Publication,
    ValueNow,
    decode_alive,
    decode_ask,
    decode_publication,
    encode,
)
from shared.publishing.messages import SEQUENCE_MAX
from shared.wire import DecodeError

LEVELS = ((100, ("100", "1.5", "bybit")), (-5, ()), (2**62, ("1", "2")))
PUBLICATIONS: list[Publication] = [
    BookImage(7, 8, LEVELS, (), b'{"depth":1}'),
    BookChange(7, 9, 8, (), LEVELS),
    BookChange(7, 9, 8, (), LEVELS, b"1"),
    ValueNow(7, 8, b'"text"'),
    LogImage(7, (LogEntry(8, b"1"), LogEntry(9, b"2"))),
    LogEntries(7, (LogEntry(8, b"1"),)),
]


@pytest.mark.parametrize("said", PUBLICATIONS, ids=lambda said: type(said).__name__)
def test_a_publication_comes_back_as_it_was(said: Publication) -> None:
    assert decode_publication(encode(said)) == said


def test_heartbeats_and_asks_come_back_as_they_were() -> None:
    alive = Alive("prices", 1, 2, (ChannelState("a", Kind.LOG, 5), ChannelState("b", Kind.BOOK, 6)))
    assert decode_alive(encode(alive)) == alive
    assert decode_ask(encode(Ask(("a", "b")))) == Ask(("a", "b"))
    assert decode_ask(encode(Ask())) == Ask()


def test_what_is_no_message_is_a_decode_error_and_nothing_else() -> None:
    chance = random.Random(5)
    for said in PUBLICATIONS:
        data = encode(said)
        for _ in range(500):
            spoilt = bytearray(data)
            for _ in range(chance.randint(1, 3)):
                spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
            for decode in (decode_publication, decode_alive, decode_ask):
                with suppress(DecodeError):
                    decode(bytes(spoilt[: chance.randint(0, len(spoilt))]))
    for decode in (decode_publication, decode_alive, decode_ask):
        with pytest.raises(DecodeError):
            decode(b"\xc1")


@pytest.mark.parametrize("sequence", [-1, SEQUENCE_MAX + 1])
def test_a_sequence_that_could_not_be_counted_on_from_is_refused(sequence: int) -> None:
    for said in (ValueNow(sequence, 8, b"1"), LogEntries(sequence, (LogEntry(8, b"1"),))):
        with pytest.raises(DecodeError):
            decode_publication(encode(said))

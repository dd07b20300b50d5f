"""How channels of other producers read to a client."""

import tracemalloc

import pytest

from broadcaster.channels.cadence import Cadence
from broadcaster.channels.topic import AT_ONCE, Topic, Wish
from broadcaster.outside.topics import default_of, made_for
from shared.feed import INTERVAL_MS_MAX, LEVELS_MAX, book_crc32
from shared.publishing import (
    DATA_BYTES_MAX,
    ENTRY_BYTES_MAX,
    PUBLICATION_BYTES_MAX,
    BookChange,
    BookImage,
    ChannelState,
    Kind,
    LogEntries,
    LogEntry,
    LogImage,
    Publication,
    ValueNow,
    decode_publication,
    encode,
    following,
)
from shared.publishing.following import Follower
from shared.wire import DecodeError
from tests.support.screen import Message, Screen

LEVEL = (100, ("100", "1", "bybit"))


def made(kind: Kind) -> tuple[Topic, Follower, Screen]:
    topic, follower = made_for(ChannelState("x:y", kind, 1), Cadence())
    return topic, follower, Screen(topic)


def told(follower: Follower, screen: Screen, *said: Publication) -> list[Message]:
    for each in said:
        follower.take(each)
    return screen.read()


def test_a_book_reads_as_a_snapshot_and_deltas() -> None:
    _, follower, screen = made(Kind.BOOK)
    ask = (101, ("101", "2"))
    assert told(follower, screen, BookImage(7, 5, (LEVEL,), (ask,), b'{"age_ms":3}')) == [
        {
            "type": "snapshot",
            "channel": "x:y",
            "sequence": 7,
            "at_ns": 5,
            "bids": [["100", "1", "bybit"]],
            "asks": [["101", "2"]],
            "crc32": book_crc32([LEVEL[1]], [ask[1]]),
            "info": {"age_ms": 3},
        }
    ]
    change = BookChange(8, 9, 6, ((100, ()), (99, ("99", "4"))), ())
    assert told(follower, screen, change) == [
        {
            "type": "delta",
            "channel": "x:y",
            "first_sequence": 8,
            "last_sequence": 9,
            "at_ns": 6,
            "bids": [["100", "0"], ["99", "4"]],
            "asks": [],
            "crc32": book_crc32([("99", "4")], [ask[1]]),
        }
    ]
    [delta] = told(follower, screen, BookChange(10, 10, 6, (), (), b'{"age_ms":4}'))
    assert delta["info"] == {"age_ms": 4}


def test_the_levels_of_a_merged_book_are_shown_text_by_text() -> None:
    # given levels with names and quantities of their own
    name = "bybit:linear:BTC/USDT"
    _, follower, screen = made(Kind.BOOK)
    bids = tuple((key, (str(key), str(key + 7), name, str(key + 7))) for key in range(1_000, 1_050))
    image = decode_publication(encode(BookImage(1, 1, bids, ())))

    # when they are shown
    [snapshot] = told(follower, screen, image)

    # then every text is as it was said
    assert sorted(snapshot["bids"]) == [list(texts) for _, texts in bids]


def test_a_producer_that_never_removes_a_level_does_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(following, "BOOK_LEVELS_MAX", 10)
    _, follower, screen = made(Kind.BOOK)
    told(follower, screen, BookImage(1, 1, (), ()))
    for sequence in range(2, 100):
        level = (sequence, (str(sequence), "1"))
        told(follower, screen, BookChange(sequence, sequence, 1, (level,), ()))
    was_behind = follower.is_behind
    assert len(screen.shown["x:y"].sides()[0]) == 11
    told(follower, screen, BookImage(99, 1, (LEVEL,), ()))
    assert (was_behind, follower.is_behind) == (True, False)
    assert screen.shown["x:y"].sides() == ([LEVEL[1]], [])


def test_an_image_after_a_gap_is_said_to_be_one() -> None:
    _, follower, screen = made(Kind.BOOK)
    told(follower, screen, BookImage(7, 5, (LEVEL,), ()))
    [snapshot] = told(follower, screen, BookChange(9, 9, 5, (), ()), BookImage(9, 5, (), ()))
    assert (snapshot["reason"], snapshot["sequence"], snapshot["bids"]) == ("resync", 9, [])


def test_a_value_reads_as_it_was_said() -> None:
    _, follower, screen = made(Kind.VALUE)
    assert told(follower, screen, ValueNow(7, 5, b'{"price":"1.50"}')) == [
        {"type": "value", "channel": "x:y", "sequence": 7, "at_ns": 5, "data": {"price": "1.50"}}
    ]


def test_a_log_reads_as_the_latest_newest_first_and_then_one_by_one() -> None:
    _, follower, screen = made(Kind.LOG)
    one, two, three = (LogEntry(number, b"%d" % number) for number in (1, 2, 3))
    assert told(follower, screen, LogImage(8, (one, two))) == [
        {
            "type": "snapshot",
            "channel": "x:y",
            "sequence": 8,
            "entries": [
                {"sequence": 8, "at_ns": 2, "data": 2},
                {"sequence": 7, "at_ns": 1, "data": 1},
            ],
        }
    ]
    assert told(follower, screen, LogEntries(9, (three,))) == [
        {"type": "entry", "channel": "x:y", "sequence": 9, "at_ns": 3, "data": 3}
    ]


@pytest.mark.parametrize(
    "data", [b"", b"{", b"1 2", b"\xff", b'"\xff"', b'{"\xed\xa0\x80":1}', b'"\n"', b"[" * 100_000]
)
def test_what_is_no_json_is_said_as_null_and_spoils_nothing(data: bytes) -> None:
    _, value, screen = made(Kind.VALUE)
    assert [each["data"] for each in told(value, screen, ValueNow(1, 1, data))] == [None]
    _, log, screen = made(Kind.LOG)
    [snapshot] = told(log, screen, LogImage(1, (LogEntry(1, data),)))
    assert snapshot["entries"][0]["data"] is None
    _, book, screen = made(Kind.BOOK)
    [snapshot] = told(book, screen, BookImage(1, 1, (), (), data))
    assert snapshot.get("info") is None


def test_what_is_too_long_is_said_as_null_and_not_kept() -> None:
    at_most, more = (b'"%s"' % (b"x" * (DATA_BYTES_MAX - extra)) for extra in (2, 1))
    _, value, screen = made(Kind.VALUE)
    [said] = told(value, screen, ValueNow(1, 1, at_most))
    assert said["data"] == "x" * (DATA_BYTES_MAX - 2)
    [said] = told(value, screen, ValueNow(2, 1, more))
    assert said["data"] is None
    _, book, screen = made(Kind.BOOK)
    [snapshot] = told(book, screen, BookImage(1, 1, (), (), more))
    assert snapshot.get("info") is None
    _, log, screen = made(Kind.LOG)
    long = LogEntry(1, b'"%s"' % (b"x" * ENTRY_BYTES_MAX))
    tracemalloc.start()
    [snapshot] = told(log, screen, LogImage(1, (long,)))
    for sequence in range(2, 300):
        another = LogEntry(1, bytes(bytearray(long.data)))
        [said] = told(log, screen, LogEntries(sequence, (another,)))
        assert said["data"] is None
    kept_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert snapshot["entries"][0]["data"] is None
    assert kept_bytes < 100 * ENTRY_BYTES_MAX


def test_a_publication_that_is_too_long_is_not_read() -> None:
    room = PUBLICATION_BYTES_MAX - len(encode(ValueNow(1, 1, b"x" * DATA_BYTES_MAX)))
    fits = ValueNow(1, 1, b"x" * (room + DATA_BYTES_MAX - 2))
    assert decode_publication(encode(fits)) == fits
    with pytest.raises(DecodeError, match="are more than"):
        decode_publication(encode(ValueNow(1, 1, fits.data + b"x" * 3)))


@pytest.mark.parametrize("texts", [(), ("100",), ("100", "0"), ("100", "0", "bybit")])
def test_a_level_without_a_price_and_a_quantity_is_none(texts: tuple[str, ...]) -> None:
    _, follower, screen = made(Kind.BOOK)
    [snapshot] = told(follower, screen, BookImage(1, 1, ((99, texts), LEVEL), ()))
    assert snapshot["bids"] == [["100", "1", "bybit"]]
    [delta] = told(follower, screen, BookChange(2, 2, 1, ((100, texts),), ()))
    assert delta["bids"] == [["100", "0"]]
    assert delta["crc32"] == 0


@pytest.mark.parametrize(
    ("state", "wish"),
    [
        (ChannelState("x", Kind.BOOK, 1, 1_000, 5), Wish(1_000, 5)),
        (ChannelState("x", Kind.BOOK, 1, -1, -1), AT_ONCE),
        (ChannelState("x", Kind.BOOK, 1, 10**9, 10**9), Wish(INTERVAL_MS_MAX, LEVELS_MAX)),
        (ChannelState("x", Kind.VALUE, 1, 250, 5), Wish(250, 0)),
        (ChannelState("x", Kind.LOG, 1), AT_ONCE),
    ],
)
def test_the_producers_defaults_are_taken_over_as_far_as_they_may_be(
    state: ChannelState, wish: Wish
) -> None:
    topic, _ = made_for(state, Cadence())
    assert topic.default == wish == default_of(state)
    assert not topic.is_loaded

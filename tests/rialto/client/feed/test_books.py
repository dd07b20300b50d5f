"""A book that is shown is the server's; one that is not is said to be not, with the reason.

The rule of this file: streams come from a seed that a failure shows.
"""

from random import Random, SystemRandom

import msgspec
import pytest

from rialto.client.feed.books import BookKeeper
from rialto.client.feed.keeper import NotLiveError
from shared.feed import BookDelta, BookSnapshot, DepthDelta, DepthSnapshot, Level
from tests.support.feed_streams import Stream, book_stream, crc32_of, mutants

CHANNEL = "depth:TATA_INR"
STREAMS = 12
MESSAGES = 30
BIDS: list[Level] = [("100", "3"), ("99.95", "1")]
ASKS: list[Level] = [("100.05", "7")]


def snapshot(**more: object) -> DepthSnapshot:
    made = DepthSnapshot(
        channel=CHANNEL,
        market="TATA_INR",
        sequence=41,
        at_ns=5,
        bids=list(BIDS),
        asks=list(ASKS),
        crc32=crc32_of((BIDS, ASKS)),
    )
    return msgspec.structs.replace(made, **more)


def delta(**more: object) -> DepthDelta:
    """Return what follows the snapshot: a bid goes, another comes."""
    made = DepthDelta(
        channel=CHANNEL,
        market="TATA_INR",
        first_sequence=42,
        last_sequence=43,
        at_ns=6,
        bids=[("100", "0"), ("99.9", "2")],
        asks=[],
        crc32=crc32_of(([("99.95", "1"), ("99.9", "2")], ASKS)),
    )
    return msgspec.structs.replace(made, **more)


def kept(*updates: DepthSnapshot | DepthDelta) -> BookKeeper:
    book = BookKeeper(CHANNEL)
    for update in updates:
        book.take(update)
    return book


def shown(book: BookKeeper) -> tuple[object, object]:
    return book.bids, book.asks


def test_a_snapshot_and_a_delta_make_the_book() -> None:
    book = kept(snapshot(), delta())
    assert (book.sequence, book.at_ns) == (43, 6)
    assert shown(book) == ([("99.95", "1"), ("99.9", "2")], ASKS)
    assert (book.best_bid, book.best_ask) == (("99.95", "1"), ("100.05", "7"))
    assert book.crc32 == delta().crc32


def test_before_the_first_snapshot_nothing_is_shown() -> None:
    book = kept(delta())
    assert not book.is_live
    assert book.faults == 0
    with pytest.raises(NotLiveError, match="nothing has been received"):
        _ = book.bids


@pytest.mark.parametrize(
    "wrong",
    [
        delta(first_sequence=43),
        delta(first_sequence=41),
        delta(last_sequence=41),
        delta(crc32=1),
        delta(bids=[("100", "0")]),
        delta(bids=[("ten", "1")]),
    ],
    ids=["a hole", "one twice", "backwards", "another checksum", "a change is missing", "no price"],
)
def test_what_does_not_follow_is_not_shown_and_says_why(wrong: DepthDelta) -> None:
    book = kept(snapshot(), wrong)
    assert book.fault
    assert book.faults == 1
    for read in ("bids", "asks", "best_bid", "best_ask", "sequence", "crc32", "at_ns"):
        with pytest.raises(NotLiveError) as raised:
            getattr(book, read)
        assert book.fault in str(raised.value)


def test_a_broken_book_takes_nothing_but_a_snapshot() -> None:
    book = kept(snapshot(), delta(first_sequence=43), delta())
    assert not book.is_live
    book.take(snapshot(sequence=50, reason="resync"))
    assert shown(book) == (BIDS, ASKS)
    assert book.sequence == 50


def test_after_a_hole_it_can_go_on_and_after_a_wrong_checksum_only_begin() -> None:
    assert kept(snapshot(), delta(first_sequence=50, last_sequence=51)).resume_after == 41
    assert kept(snapshot(), delta(crc32=1)).resume_after is None


def test_what_was_kept_over_a_pause_goes_on_with_the_next_delta() -> None:
    book = kept(snapshot())
    book.pause("the connection is lost")
    assert not book.is_live
    assert book.resume_after == 41
    book.go_on()
    book.take(delta())
    assert book.sequence == 43


def test_a_book_that_was_forgotten_does_not_go_on() -> None:
    book = kept(snapshot())
    book.forget("the channel is no more")
    book.go_on()
    book.take(delta())
    assert book.fault == "the channel is no more"


def test_another_broadcaster_that_is_a_moment_behind_may_lead_back_once() -> None:
    book = kept(snapshot(), delta())
    book.pause("the connection is lost")
    book.go_on()
    book.take(snapshot())
    assert book.sequence == 41
    book.take(snapshot(sequence=40))
    assert not book.is_live


@pytest.mark.parametrize("reason", ["", "lagged"])
def test_a_snapshot_does_not_lead_back(reason: str) -> None:
    book = kept(snapshot(), snapshot(sequence=40, reason=reason))
    assert not book.is_live


def test_a_venue_that_begins_anew_says_resync_and_leads_back() -> None:
    book = kept(snapshot(), snapshot(sequence=3, reason="resync"))
    assert book.sequence == 3


def test_a_wrong_snapshot_is_not_shown() -> None:
    assert not kept(snapshot(crc32=7)).is_live
    assert not kept(snapshot(bids=[("NaN", "1")])).is_live


def test_an_outside_book_keeps_what_else_is_said_until_it_changes() -> None:
    book = BookKeeper("book:bybit:spot:BTCUSDT")
    levels: list[Level] = [("1.5", "2", "bybit")]
    first = BookSnapshot(
        channel=book.channel,
        sequence=1,
        at_ns=1,
        bids=levels,
        asks=[],
        crc32=crc32_of((levels, [])),
        info=msgspec.Raw(b'{"a":1}'),
    )
    same = BookDelta(
        channel=book.channel,
        first_sequence=2,
        last_sequence=2,
        at_ns=2,
        bids=[],
        asks=[],
        crc32=first.crc32,
    )
    book.take(first)
    book.take(same)
    assert (book.info, book.bids) == (msgspec.Raw(b'{"a":1}'), levels)
    book.take(msgspec.structs.replace(same, first_sequence=3, last_sequence=3, info=b"2"))
    assert book.info == b"2"


# ---- any stream, and any single fault in it ----


def streams(random: Random, **more: float) -> list[Stream]:
    return [
        book_stream(random, messages=MESSAGES, levels=random.choice((0, 1, 3, 20)), **more)
        for _ in range(STREAMS)
    ]


@pytest.fixture
def seed() -> int:
    return SystemRandom().randrange(2**32)


def test_every_stream_is_rebuilt_exactly(seed: int) -> None:
    for stream in streams(Random(seed), snapshot_rate=0.2):
        book = BookKeeper(CHANNEL)
        for message, true in zip(stream.messages, stream.truth.values(), strict=True):
            book.take(message)
            assert shown(book) == true, f"seed {seed}"


def test_every_message_that_is_lost_doubled_or_late_is_noticed(seed: int) -> None:
    for stream in streams(Random(seed)):
        for name, messages in mutants(stream.messages):
            book = BookKeeper(CHANNEL)
            for message in messages:
                book.take(message)
                if book.is_live:
                    assert shown(book) == stream.truth[book.sequence], f"{name}, seed {seed}"
            # Twice the first snapshot is the same book; before it there is nothing to break.
            harmless = name in ("doubled 0", "dropped 0", "swapped 0")
            assert harmless or book.faults, f"{name} was not noticed, seed {seed}"
            assert name == "doubled 0" or not book.is_live, f"{name}, seed {seed}"


def test_with_snapshots_in_between_nothing_wrong_is_ever_shown(seed: int) -> None:
    for stream in streams(Random(seed), snapshot_rate=0.3):
        for name, messages in mutants(stream.messages):
            book = BookKeeper(CHANNEL)
            for message in messages:
                book.take(message)
                if book.is_live:
                    assert shown(book) == stream.truth[book.sequence], f"{name}, seed {seed}"


def test_every_changed_text_of_a_checked_level_is_noticed(seed: int) -> None:
    random = Random(seed)
    for stream in streams(random):
        for place, message in enumerate(stream.messages):
            if not message.bids:
                continue
            number = random.randrange(len(message.bids))
            price, quantity = message.bids[number][:2]
            bids = list(message.bids)
            bids[number] = (price, quantity + "1")
            book = kept(*stream.messages[:place], msgspec.structs.replace(message, bids=bids))
            # A level that goes is not wrong by its text; one beyond the 25th is not checked.
            is_checked = (price, quantity) in crc_levels(stream, message)
            assert not (is_checked and book.is_live), f"place {place}, seed {seed}"


def crc_levels(stream: Stream, message: DepthSnapshot | DepthDelta) -> list[Level]:
    if isinstance(message, DepthDelta):
        return stream.truth[message.last_sequence][0][:25]
    return stream.truth[message.sequence][0][:25]

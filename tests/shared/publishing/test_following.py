"""Following a channel by its numbers: what is taken over, what is passed over, what is asked."""

from collections.abc import Sequence

from shared.feed import Reason
from shared.publishing import (
    BookChange,
    BookImage,
    LogEntries,
    LogEntry,
    LogImage,
    ValueNow,
)
from shared.publishing.following import (
    BOOK_LEVELS_MAX,
    BookFollower,
    Follower,
    LogFollower,
    ValueFollower,
)


class Sink:
    """Writes down what it is told to show."""

    def __init__(self) -> None:
        self.said: list[tuple[object, ...]] = []


class BookSink(Sink):
    level_count = 0

    def show(self, image: BookImage, reason: Reason) -> None:
        self.said.append((image.sequence, reason))

    def follow(self, change: BookChange) -> None:
        self.said.append((change.first_sequence, change.last_sequence))


class ValueSink(Sink):
    def show(self, value: ValueNow, reason: Reason) -> None:
        self.said.append((value.sequence, reason))

    def follow(self, value: ValueNow) -> None:
        self.said.append((value.sequence,))


class LogSink(Sink):
    def show(self, sequence: int, entries: Sequence[LogEntry], reason: Reason) -> None:
        self.said.append((sequence, len(entries), reason))

    def follow(self, entry: LogEntry) -> None:
        self.said.append((entry.data,))


def behind(follower: Follower) -> bool:
    return follower.is_behind


def image(sequence: int) -> BookImage:
    return BookImage(sequence, 0, (), ())


def change(first_sequence: int, last_sequence: int | None = None) -> BookChange:
    return BookChange(first_sequence, last_sequence or first_sequence, 0, (), ())


def entries(first_sequence: int, *data: bytes) -> LogEntries:
    return LogEntries(first_sequence, tuple(LogEntry(0, each) for each in data))


def log_image(sequence: int, *data: bytes) -> LogImage:
    return LogImage(sequence, tuple(LogEntry(0, each) for each in data))


def test_a_book_begins_with_an_image_and_goes_on_with_what_follows_it() -> None:
    sink = BookSink()
    follower = BookFollower(sink)
    follower.take(change(5))
    assert behind(follower)
    assert sink.said == []
    for said in (image(5), change(6, 8), change(9)):
        follower.take(said)
    assert not behind(follower)
    assert sink.said == [(5, ""), (6, 8), (9, 9)]
    assert follower.gap_count == 0


def test_a_change_that_comes_twice_or_late_is_passed_over() -> None:
    sink = BookSink()
    follower = BookFollower(sink)
    for said in (image(5), change(6), change(6), change(4, 5), image(5), image(6), image(3)):
        follower.take(said)
    assert sink.said == [(5, ""), (6, 6)]
    assert not behind(follower)


def test_a_change_that_begins_earlier_is_taken_over_as_it_says_how_things_are() -> None:
    sink = BookSink()
    follower = BookFollower(sink)
    for said in (image(5), change(4, 7)):
        follower.take(said)
    assert sink.said == [(5, ""), (4, 7)]
    assert follower.sequence == 7


def test_after_a_gap_a_book_stands_still_until_an_image_of_after_it() -> None:
    sink = BookSink()
    follower = BookFollower(sink)
    for said in (image(5), change(7), change(8), image(6), change(9)):
        follower.take(said)
    assert sink.said == [(5, "")], "6 was before what is known to have followed"
    assert behind(follower)
    for said in (image(9), change(10)):
        follower.take(said)
    assert sink.said == [(5, ""), (9, "resync"), (10, 10)]
    assert not behind(follower)
    assert follower.gap_count == 1


def test_what_was_missing_may_come_late_and_then_nothing_was_missed() -> None:
    sink = BookSink()
    follower = BookFollower(sink)
    for said in (image(5), change(7), change(6), change(7)):
        follower.take(said)
    assert sink.said == [(5, ""), (6, 6), (7, 7)]
    assert not behind(follower)


def test_a_heartbeat_ahead_is_a_gap_and_one_behind_is_nothing() -> None:
    follower = BookFollower(BookSink())
    follower.take(image(5))
    for sequence, is_behind in ((4, False), (5, False), (6, True)):
        follower.hear(sequence)
        assert behind(follower) is is_behind
    assert follower.gap_count == 1


def test_a_producer_that_was_started_anew_is_far_ahead() -> None:
    sink = BookSink()
    follower = BookFollower(sink)
    for said in (image(5), change(1_000_001), image(1_000_001), change(6)):
        follower.take(said)
    assert sink.said == [(5, ""), (1_000_001, "resync")]


def test_a_follower_that_forgets_begins_again_as_if_nothing_had_been() -> None:
    sink = BookSink()
    follower = BookFollower(sink)
    follower.take(image(5))
    follower.forget()
    assert behind(follower)
    for said in (change(6), image(7)):
        follower.take(said)
    assert sink.said == [(5, ""), (7, "")]


def test_messages_of_another_kind_are_passed_over() -> None:
    book, value, log = BookSink(), ValueSink(), LogSink()
    for said in (entries(1, b"1"), log_image(1, b"1"), ValueNow(1, 0, b"1")):
        BookFollower(book).take(said)
    for said_to_value in (entries(1, b"1"), log_image(1, b"1"), image(1), change(2)):
        ValueFollower(value).take(said_to_value)
    for said_to_log in (ValueNow(1, 0, b"1"), image(1), change(2)):
        LogFollower(log).take(said_to_log)
    assert book.said == value.said == log.said == []


def test_of_a_value_whatever_is_newer_is_shown() -> None:
    sink = ValueSink()
    follower = ValueFollower(sink)
    assert behind(follower)
    for sequence in (5, 5, 4, 9, 7, 10):
        follower.take(ValueNow(sequence, 0, b"1"))
    assert sink.said == [(5, ""), (9,), (10,)]
    follower.hear(11)
    assert behind(follower)
    follower.take(ValueNow(11, 0, b"1"))
    assert not behind(follower)


def test_a_log_takes_over_entry_by_entry_and_skips_those_it_has() -> None:
    sink = LogSink()
    follower = LogFollower(sink)
    for said in (log_image(5, b"4", b"5"), entries(6, b"6", b"7"), entries(5, b"5", b"6", b"7")):
        follower.take(said)
    follower.take(entries(7, b"7", b"8"))
    assert sink.said == [(5, 2, ""), (b"6",), (b"7",), (b"8",)]


def test_a_gap_in_a_log_is_filled_from_the_image_when_it_reaches_back() -> None:
    sink = LogSink()
    follower = LogFollower(sink)
    for said in (log_image(5, b"5"), entries(8, b"8"), entries(9, b"9")):
        follower.take(said)
    assert behind(follower)
    follower.take(log_image(9, b"5", b"6", b"7", b"8", b"9"))
    follower.take(entries(10, b"10"))
    assert sink.said == [(5, 1, ""), (b"6",), (b"7",), (b"8",), (b"9",), (b"10",)]
    assert not behind(follower)


def test_a_log_whose_image_does_not_reach_back_begins_anew() -> None:
    sink = LogSink()
    follower = LogFollower(sink)
    for said in (log_image(5, b"5"), entries(9, b"9"), log_image(9, b"8", b"9")):
        follower.take(said)
    assert sink.said == [(5, 1, ""), (9, 2, "resync")]


def test_an_image_of_a_log_from_before_what_followed_helps_as_far_as_it_goes() -> None:
    sink = LogSink()
    follower = LogFollower(sink)
    for said in (log_image(5, b"5"), entries(9, b"9"), log_image(7, b"6", b"7")):
        follower.take(said)
    assert sink.said == [(5, 1, ""), (b"6",), (b"7",)]
    assert behind(follower)
    follower.take(log_image(8, b"8"))
    assert behind(follower)
    follower.take(entries(9, b"9"))
    assert not behind(follower)


def test_a_late_image_of_a_log_does_not_replace_what_is_newer() -> None:
    sink = LogSink()
    follower = LogFollower(sink)
    for said in (log_image(50, b"50"), log_image(20, b"20"), entries(60, b"60"), log_image(55)):
        follower.take(said)
    assert sink.said == [(50, 1, "")]
    assert behind(follower)


def test_an_empty_log_is_one_too() -> None:
    sink = LogSink()
    follower = LogFollower(sink)
    for said in (log_image(5), entries(6, b"6")):
        follower.take(said)
    assert sink.said == [(5, 0, ""), (b"6",)]


def test_a_book_that_only_grows_stands_still_until_an_image_says_how_it_is() -> None:
    sink = BookSink()
    follower = BookFollower(sink)
    for said in (image(5), change(6)):
        follower.take(said)
    assert not behind(follower)
    sink.level_count = BOOK_LEVELS_MAX + 1
    for said in (change(7), change(8), image(6)):
        follower.take(said)
    assert behind(follower)
    assert sink.said == [(5, ""), (6, 6), (7, 7)]
    sink.level_count = 1
    follower.take(image(8))
    follower.take(change(9))
    assert sink.said[3:] == [(8, ""), (9, 9)]
    assert follower.gap_count == 1

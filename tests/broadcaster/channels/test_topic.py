"""Channels and views, pure: who shares what, and who is told what when."""

import pytest

from broadcaster.channels.books import BookTopic
from broadcaster.channels.cadence import NS_PER_MS, Cadence
from broadcaster.channels.logs import LogTopic
from broadcaster.channels.topic import (
    AT_ONCE,
    COHORT_SUBSCRIBERS_MAX,
    QUICK_BEAT_MS,
    QUICK_WISHES_MAX,
    WISHES_MAX,
    View,
    Wish,
    WishError,
)
from tests.broadcaster.channels.strict import DepthForm, EntryForm, Reader


def log(cadence: Cadence | None = None) -> LogTopic[str]:
    return LogTopic("log", Cadence() if cadence is None else cadence, EntryForm())


def book(cadence: Cadence | None = None) -> BookTopic:
    return BookTopic("book", Cadence() if cadence is None else cadence, DepthForm())


def join(topic: BookTopic | LogTopic[str], *wishes: Wish) -> list[Reader]:
    readers = [Reader(topic, wish) for wish in wishes]
    for reader in readers:
        reader.join()
    return readers


def test_a_wish_takes_the_channels_defaults_for_what_it_does_not_say() -> None:
    topic = book()
    topic.default = Wish(1_000, 5)
    assert topic.wish(None, None) == Wish(1_000, 5)
    assert topic.wish(0, None) == Wish(0, 5)
    assert topic.wish(None, 0) == Wish(1_000, 0)


def test_levels_of_a_channel_that_has_none_are_refused() -> None:
    assert log().wish(250, None) == Wish(250, 0)
    with pytest.raises(WishError, match="no levels") as refused:
        log().wish(None, 0)
    assert refused.value.field == "levels"


def test_there_is_an_end_to_the_ways_in_which_a_channel_is_shown() -> None:
    topic = book()
    topic.default = Wish(1_000, 5)
    readers = join(topic, *[Wish(1_000 + number, 7) for number in range(WISHES_MAX)])
    for terms, field in (
        ((5, None), "interval_ms"),
        ((None, 8), "levels"),
        ((5, 8), "interval_ms"),
    ):
        with pytest.raises(WishError, match="defaults") as refused:
            topic.wish(*terms)
        assert refused.value.field == field
    assert topic.wish(None, None) == topic.wish(1_000, 5) == topic.default
    assert topic.wish(1_001, 7) == Wish(1_001, 7), "it is shown so already"
    readers[0].leave()
    assert topic.wish(5, None) == Wish(5, 5)


def test_the_same_wish_is_the_same_view_and_the_same_bytes() -> None:
    topic = book()
    first, second, other = join(topic, AT_ONCE, AT_ONCE, Wish(0, 5))
    for reader in (first, second, other):
        reader.read()
    topic.change(1, 0, [(9, ("9", "1"))], [])
    assert first.view is second.view
    assert first.queued[0] is second.queued[0]
    assert first.view is not other.view


def test_a_crowd_at_intervals_is_cut_into_cohorts_with_beats_of_their_own() -> None:
    cadence = Cadence()
    topic = book(cadence)
    readers = join(topic, *[Wish(100)] * (COHORT_SUBSCRIBERS_MAX * 6))
    sizes = [len(view.subscribers) for view in topic.all_views()]
    assert len(sizes) == 4, "a cohort for every 25 ms and no more"
    assert sum(sizes) == len(readers)
    assert max(sizes) - min(sizes) <= 1, "those who come when all are full are shared out"
    assert len(cadence) == 4
    assert len({view.beat for view in topic.all_views()}) == 4


def test_a_crowd_at_once_is_one_view() -> None:
    topic = book()
    join(topic, *[AT_ONCE] * (COHORT_SUBSCRIBERS_MAX * 3))
    assert len(topic.all_views()) == 1


def test_a_view_ends_with_its_last_subscriber_and_its_beat_with_it() -> None:
    cadence = Cadence()
    wanted: list[bool] = []
    topic = book(cadence)
    topic.on_wanted = wanted.append
    first, second, other = join(topic, Wish(100), Wish(100), Wish(250, 5))
    first.leave()
    assert (len(cadence), wanted) == (2, [True])
    second.leave()
    assert (len(cadence), wanted, len(topic.all_views())) == (1, [True], 1)
    other.leave()
    assert (len(cadence), wanted, topic.views) == (0, [True, False], {})
    assert topic.subscriber_count == 0
    join(topic, Wish(100))
    assert wanted == [True, False, True]


def test_who_leaves_twice_takes_nobody_along() -> None:
    topic = book()
    first, second = join(topic, AT_ONCE, AT_ONCE)
    view = first.view
    assert view is not None
    topic.leave(first, view)
    topic.leave(first, view)
    assert second.view in topic.all_views()
    topic.leave(second, view)
    topic.leave(second, view)
    assert not topic.all_views()


def test_the_same_reader_with_another_wish_begins_anew_there() -> None:
    topic = book()
    wanted: list[bool] = []
    topic.on_wanted = wanted.append
    (reader,) = join(topic, AT_ONCE)
    before = reader.view
    reader.wish = Wish(0, 1)
    reader.join()
    assert before is not None
    topic.leave(reader, before)
    topic.change(1, 0, [(9, ("9", "1")), (8, ("8", "1"))], [])
    (snapshot,) = reader.read()
    assert (snapshot["bids"], snapshot["levels"]) == ([["9", "1"]], 1)
    assert wanted == [True], "in between it was wanted all the time"


def test_nothing_is_sent_before_the_channel_is_loaded_and_then_a_snapshot_first() -> None:
    cadence = Cadence()
    topic = log(cadence)
    topic.is_loaded = False
    readers = join(topic, AT_ONCE, Wish(100))
    cadence.run(200 * NS_PER_MS)
    assert [reader.read() for reader in readers] == [[], []]
    topic.load(7, ["seven", "six"])
    topic.begin("")
    topic.add("eight")
    cadence.run(400 * NS_PER_MS)
    for reader in readers:
        first, *rest = reader.read()
        assert first["type"] == "snapshot"
        assert "reason" not in first
        sequences = [first["sequence"], *(entry["sequence"] for entry in rest)]
        assert sequences[-1] == 8


def test_who_comes_while_the_channel_has_lost_its_place_is_told_nothing_at_a_beat_either() -> None:
    cadence = Cadence()
    topic = book(cadence)
    (early,) = join(topic, Wish(100))
    early.read()
    topic.change(1, 0, [(9, ("9", "1"))], [])
    topic.is_loaded = False
    (late,) = join(topic, Wish(100))
    cadence.run(500 * NS_PER_MS)
    assert early.read() == late.read() == []
    topic.book.load(5, 0, [(8, ("8", "1"))], [])
    topic.begin("resync")
    for reader in (early, late):
        (snapshot,) = reader.read()
        assert (snapshot["type"], snapshot["sequence"]) == ("snapshot", 5)


def test_a_new_beginning_is_one_snapshot_for_everybody() -> None:
    topic = book()
    readers = join(topic, AT_ONCE, AT_ONCE, Wish(100), Wish(0, 5), Wish(1_000, 5))
    for reader in readers:
        reader.read()
    topic.change(1, 0, [(9, ("9", "1"))], [])
    topic.book.load(77, 0, [(8, ("8", "1"))], [])
    topic.begin("resync")
    for reader in readers:
        (snapshot,) = reader.read()
        assert (snapshot["reason"], snapshot["sequence"]) == ("resync", 77)


class Fickle(Reader):
    """A subscriber that is gone when it is written to, and takes another one along."""

    def __init__(self, topic: BookTopic, other: Reader) -> None:
        super().__init__(topic, AT_ONCE)
        self.other = other

    def deliver(self, view: View, frame: bytes) -> None:
        self.leave()
        self.topic.leave(self.other, view)
        self.topic.join(self.other, Wish(0, 5))


def test_who_leaves_or_joins_while_others_are_written_to_disturbs_nobody() -> None:
    topic = book()
    first, other, last = join(topic, AT_ONCE, AT_ONCE, AT_ONCE)
    other.deliver = lambda view, frame: None  # type: ignore[method-assign]
    Fickle(topic, other).join()
    (after,) = join(topic, AT_ONCE)
    for reader in (first, last, after):
        reader.read()
    topic.change(1, 0, [(9, ("9", "1"))], [])
    for reader in (first, last, after):
        assert [message["last_sequence"] for message in reader.read()] == [1]


def test_ever_other_wishes_to_be_told_at_once_are_told_at_a_beat() -> None:
    cadence = Cadence()
    topic = book(cadence)
    crowd = join(topic, *(Wish(0, levels) for levels in range(1, 50)))
    quick = [view for view in topic.all_views() if view.interval_ms < QUICK_BEAT_MS]
    assert len(quick) == QUICK_WISHES_MAX
    assert len(cadence) == len(crowd) - QUICK_WISHES_MAX
    (usual, known) = join(topic, topic.default, Wish(0, 1))
    for reader in (usual, known, crowd[-1]):
        assert reader.view is not None
        reader.read()
    topic.change(1, 0, [(9, ("9", "1"))], [])
    assert (len(usual.queued), len(known.queued), len(crowd[-1].queued)) == (1, 1, 0)
    cadence.run(QUICK_BEAT_MS * NS_PER_MS)
    (delta,) = crowd[-1].read()
    assert delta["last_sequence"] == 1
    for reader in crowd:
        reader.leave()
    (again,) = join(topic, Wish(0, 49))
    assert again.view is not None
    assert again.view.interval_ms == 0, "there is room again"

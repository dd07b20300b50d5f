"""Going on where one was, pure: when what was missed is made, and when it is of no use."""

from broadcaster.channels.topic import AT_ONCE
from tests.broadcaster.clients.counting import Counter
from tests.broadcaster.clients.test_delivery import MANY, Reader


def test_what_was_missed_is_made_when_it_is_taken_and_once() -> None:
    depth = Counter("depth")
    depth.count(MANY)
    reader = Reader()
    for after_sequence in range(10):
        reader.delivery.subscribe(depth, AT_ONCE, after_sequence)
    depth.count()
    made_before = depth.resumes_made
    assert reader.read() == [f"depth+{number}" for number in range(10, MANY + 2)]
    assert (made_before, depth.resumes_made) == (0, 1)
    assert not reader.delivery.lagged_count


def test_who_does_not_take_what_was_missed_has_others_wait_for_none_of_it() -> None:
    topics = [Counter(f"depth:{number}", padding="x" * 1_000) for number in range(10)]
    reader = Reader()
    for topic in topics:
        topic.count(100)
        reader.delivery.subscribe(topic, AT_ONCE, 0)
    assert len(reader.delivery.take(1)) == 100
    assert sum(topic.resumes_made for topic in topics) == 1


def test_a_place_that_is_reached_only_later_is_another_place() -> None:
    depth = Counter("depth")
    reader = Reader()
    reader.delivery.subscribe(depth, AT_ONCE, 1)
    depth.count()
    assert reader.read() == ["depth=1"]


def test_who_waits_for_what_it_missed_gets_a_snapshot_when_all_begins_anew() -> None:
    depth = Counter("depth")
    depth.count(2)
    reader = Reader()
    reader.delivery.subscribe(depth, AT_ONCE, 1)
    depth.begin("resync")
    depth.count()
    assert reader.read() == ["depth=3resync"]
    assert not depth.resumes_made

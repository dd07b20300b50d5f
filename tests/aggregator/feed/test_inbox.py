"""The frames of one connection that wait."""

import pytest

from aggregator.feed import inbox
from aggregator.feed.inbox import End, Inbox


def is_ready(box: Inbox) -> bool:
    return box.has_something


def test_frames_leave_in_the_order_in_which_they_came() -> None:
    box = Inbox(1)
    assert box.put(b"a", 1)
    assert box.put(b"b", 2)
    assert [box.take(), box.take()] == [(b"a", 1), (b"b", 2)]
    assert box.waiting_bytes == 0


def test_it_has_something_while_frames_or_its_end_wait_unless_it_is_held() -> None:
    box = Inbox(1)
    assert not is_ready(box)
    box.end = End(1000, "over", 1)
    assert is_ready(box)
    box.is_held = True
    assert not is_ready(box)


def test_one_frame_of_any_size_fits_and_more_bytes_than_it_can_hold_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inbox, "BYTES_WAITING_MAX", 10)
    box = Inbox(1)
    assert box.put(b"x" * 20, 1)
    assert not box.put(b"y", 2)
    assert box.queue.counts.refused == 1
    box.take()
    assert box.put(b"y", 3)


class Line:
    def __init__(self) -> None:
        self.log: list[str] = []

    def pause(self) -> None:
        self.log.append("pause")

    def resume(self) -> None:
        self.log.append("resume")


def test_with_many_frames_waiting_no_more_are_read_until_few_are_left() -> None:
    box, line = Inbox(1), Line()
    box.source = line
    for _ in range(inbox.FRAMES_PAUSE + 5):
        assert box.put(b"x", 1)
    assert line.log == ["pause"]
    while len(box.queue) > inbox.FRAMES_RESUME + 1:
        box.take()
    assert box.is_paused
    box.take()
    assert line.log == ["pause", "resume"]
    assert not box.is_paused


def test_one_that_may_hold_few_frames_stops_reading_earlier() -> None:
    box, line = Inbox(1, frames_max=100), Line()
    box.source = line
    for _ in range(50):
        assert box.put(b"x", 1)
    assert line.log == ["pause"]
    for _ in range(50):
        assert box.put(b"x", 1)
    assert not box.put(b"x", 1)
    assert (box.queue.counts.capacity, box.queue.counts.refused) == (100, 1)
    while len(box.queue) > 25:
        box.take()
    assert line.log == ["pause", "resume"]

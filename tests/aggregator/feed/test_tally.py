"""What went through all queues of a feed adds up, whatever becomes of its connections."""

from aggregator.feed.inbox import End, Inbox
from aggregator.feed.tally import Tally


def an_inbox(connection: int, waiting: int, taken: int) -> Inbox:
    inbox = Inbox(connection)
    for _ in range(waiting + taken):
        inbox.put(b"x", 1)
    for _ in range(taken):
        inbox.take()
    return inbox


def test_connections_that_are_over_are_counted_once() -> None:
    tally = Tally(100)
    tally.add(an_inbox(1, waiting=0, taken=3))
    tally.add(an_inbox(2, waiting=2, taken=5))
    for _ in range(2):
        counts = tally.read({2}, is_halted=False)
        assert (counts.put, counts.taken, counts.waiting, counts.capacity) == (10, 8, 2, 100)
        assert counts.waiting_max == 7
        assert counts.is_balanced


def test_one_that_is_lost_goes_on_being_counted_until_it_is_empty() -> None:
    tally, inbox = Tally(100), an_inbox(1, waiting=2, taken=0)
    inbox.end = End(1006, "gone", 1)
    tally.add(inbox)
    assert tally.read((), is_halted=False).waiting == 2
    inbox.take()
    assert tally.read((), is_halted=False).taken == 1


def test_what_waits_what_is_read_elsewhere_and_what_is_not_read_at_all_is_waited_for() -> None:
    tally = Tally(100)
    waiting, held, paused, idle = (an_inbox(number, number == 1, 1) for number in range(1, 5))
    held.is_held = paused.is_paused = True
    for inbox in (waiting, held, paused, idle):
        tally.add(inbox)
    assert [tally.has_waiting(number) for number in range(1, 6)] == [True] * 3 + [False] * 2


def test_what_a_halted_feed_leaves_unread_is_dropped_and_told() -> None:
    tally = Tally(100)
    tally.add(an_inbox(1, waiting=2, taken=1))
    tally.drop_all()
    counts = tally.read((), is_halted=True)
    assert (counts.put, counts.taken, counts.dropped, counts.waiting) == (3, 1, 2, 0)

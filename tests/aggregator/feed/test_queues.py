"""Queues: whatever went in is accounted for."""

import random

import pytest

from aggregator.feed.queues import BoundedQueue, LatestQueue, Policy, QueueCounts


def test_a_full_queue_refuses_one_more_and_keeps_what_it_has() -> None:
    queue: BoundedQueue[int] = BoundedQueue(2, Policy.DISCONNECT)
    assert [queue.put(n) for n in (1, 2, 3)] == [True, True, False]
    assert queue.first() == 1
    assert [queue.take(), queue.take()] == [1, 2]
    counts = queue.counts
    assert (counts.put, counts.taken, counts.refused, counts.dropped) == (2, 2, 1, 0)
    assert counts.waiting_max == 2


def test_the_oldest_makes_room_and_is_counted() -> None:
    queue: BoundedQueue[int] = BoundedQueue(2, Policy.DROP_OLDEST)
    assert all(queue.put(n) for n in (1, 2, 3))
    assert [queue.take(), queue.take()] == [2, 3]
    assert queue.counts.dropped == 1


def test_the_newest_of_a_key_replaces_the_one_that_waits_in_its_place() -> None:
    queue: LatestQueue[str, int] = LatestQueue(2)
    for key, item in (("a", 1), ("b", 2), ("a", 3)):
        queue.put(key, item)
    assert len(queue) == 2
    assert queue.take() == ("a", 3)
    assert queue.take() == ("b", 2)
    assert queue.counts.coalesced == 1
    with pytest.raises(KeyError):
        queue.take()


def test_a_key_too_many_takes_the_place_of_the_oldest() -> None:
    queue: LatestQueue[str, int] = LatestQueue(2)
    for key in "abc":
        queue.put(key, 1)
    assert [queue.take()[0], queue.take()[0]] == ["b", "c"]
    assert queue.counts.dropped == 1


def test_giving_up_what_waits_is_counted_as_dropped() -> None:
    queue: BoundedQueue[int] = BoundedQueue(5, Policy.DISCONNECT)
    for n in range(3):
        queue.put(n)
    assert queue.drop_all() == 3
    assert queue.counts.is_balanced
    assert queue.counts.waiting == 0


def test_coalescing_without_keys_is_a_bug() -> None:
    with pytest.raises(AssertionError):
        BoundedQueue(1, Policy.COALESCE)


@pytest.mark.parametrize("seed", range(10))
def test_the_counts_add_up_whatever_is_done(seed: int) -> None:
    source = random.Random(seed)
    policy = source.choice([Policy.DISCONNECT, Policy.DROP_OLDEST])
    queue: BoundedQueue[int] = BoundedQueue(source.randint(1, 5), policy)
    latest: LatestQueue[int, int] = LatestQueue(source.randint(1, 5))
    tried = 0
    for step in range(500):
        if source.random() < 0.6:
            tried += 1
            queue.put(step)
            latest.put(source.randint(0, 7), step)
        elif len(queue) and len(latest):
            queue.take()
            latest.take()
        for each in (queue, latest):
            counts = each.counts
            assert counts.is_balanced, seed
            assert counts.waiting == len(each) <= counts.capacity, seed
    assert queue.counts.put + queue.counts.refused == tried, seed


def test_counts_of_several_queues_add_up_and_the_fullest_one_is_the_mark() -> None:
    total = QueueCounts(Policy.DISCONNECT, 3)
    for size in (1, 3, 2):
        queue: BoundedQueue[int] = BoundedQueue(3, Policy.DISCONNECT)
        for number in range(size + 1):
            queue.put(number)
        queue.take()
        total.add(queue.counts)
    assert (total.put, total.taken, total.refused) == (2 + 3 + 3, 3, 1)
    assert (total.waiting, total.waiting_max) == (1 + 2 + 2, 3)
    assert total.is_balanced

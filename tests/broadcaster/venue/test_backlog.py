"""What was heard and not taken over: its order, and what it forgets."""

import pytest

from broadcaster.venue.backlog import Backlog, Heard, Heartbeat


def taken(backlog: Backlog) -> list[Heard]:
    return [backlog.take() for _ in range(len(backlog))]


def test_batches_and_heartbeats_stay_in_their_order() -> None:
    backlog = Backlog()
    heard: list[Heard] = [b"one", Heartbeat(1, 2), b"two"]
    for item in heard:
        backlog.add(item)
    assert backlog.size_bytes == 6
    assert taken(backlog) == heard
    assert backlog.size_bytes == 0


@pytest.mark.parametrize(("batches_max", "bytes_max"), [(2, 1_000), (100, 8)])
def test_the_oldest_is_forgotten_and_the_newest_stays(batches_max: int, bytes_max: int) -> None:
    backlog = Backlog(batches_max, bytes_max)
    for item in (b"aaaa", b"bbbb", b"cccc"):
        backlog.add(item)
    assert taken(backlog) == [b"bbbb", b"cccc"]


def test_one_batch_larger_than_the_bound_is_kept() -> None:
    backlog = Backlog(bytes_max=8)
    backlog.add(b"x")
    backlog.add(b"y" * 100)
    assert taken(backlog) == [b"y" * 100]

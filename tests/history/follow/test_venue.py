"""What is read of a venue at once is of one moment."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from history.follow import venue as venue_module
from history.follow.venue import NS_PER_US, VenueReader
from shared.redis_client import connect_async
from tests.support.deadlines import eventually_async
from tests.support.followed import Followed, followed_venue


@pytest.fixture
def followed(redis_url: str, tmp_path: Path) -> Iterator[Followed]:
    with followed_venue(redis_url, tmp_path / "archive") as followed:
        yield followed


@pytest.fixture
async def reader(followed: Followed) -> AsyncIterator[VenueReader]:
    async with contextlib.aclosing(connect_async(followed.venue.url)) as client:
        yield VenueReader(client, followed.venue.keys)


async def test_a_moment_says_how_far_everybody_is(followed: Followed, reader: VenueReader) -> None:
    # given
    followed.deposit(2)
    followed.venue.journal_bytes(b"waits")
    # when
    moment = await reader.moment()
    # then
    position = int(followed.venue.meta("position"))
    assert (moment.last_n, moment.n) == (position + 1, position)
    assert (moment.sequence, moment.at_ns) == (followed.sequence, int(followed.venue.meta("at_ns")))


async def test_a_moment_is_before_the_stamp_of_whatever_comes_later(
    followed: Followed, reader: VenueReader
) -> None:
    for _ in range(20):
        # given
        moment = await reader.moment()
        # when
        n = followed.venue.journal_bytes(b"later")
        # then
        found: Any = followed.venue.redis.xrange(followed.venue.keys.journal, f"{n}-0")
        ((_, fields),) = found
        assert int(fields[b"t"]) * NS_PER_US >= moment.clock_ns
        assert n > moment.last_n


async def test_the_number_and_the_clock_are_read_in_one_transaction(
    followed: Followed, reader: VenueReader
) -> None:
    """Between two reads an entry could be enqueued that the number does not know of."""
    # given
    seen: list[str] = []
    with followed.venue.redis.monitor() as monitor:
        # when
        await reader.moment()

        # then
        def has_ended() -> bool:
            seen.append(str(monitor.next_command()["command"]).partition(" ")[0])
            return seen[-1] == "EXEC"

        await eventually_async(has_ended)
    assert seen[seen.index("MULTI") :] == ["MULTI", "GET", "TIME", "HMGET", "INFO", "EXEC"]


async def test_pages_of_large_commits_have_few_of_them(
    followed: Followed, reader: VenueReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    followed.deposit(30)
    everything = await reader.batches_after(0, wait=False)
    size = max(map(len, everything))
    monkeypatch.setattr(venue_module, "PAGE_SIZE_MAX", 3 * size)
    assert len(everything) > 6
    # when
    await reader.batches_after(0, wait=False)
    page = await reader.batches_after(0, wait=False)
    # then
    assert 1 <= len(page) < len(everything)
    assert page == everything[: len(page)]


async def test_a_batch_is_found_by_its_last_event_alone(
    followed: Followed, reader: VenueReader
) -> None:
    # given
    followed.deposit(3)
    # then
    assert await reader.batch_that_ends_at(followed.sequence) == list(followed.venue.batches())[-1]
    assert await reader.batch_that_ends_at(followed.sequence + 1) is None

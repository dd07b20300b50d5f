"""A venue that is put back to an earlier time while somebody follows it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from history.follow import ahead as ahead_module
from history.follow.follower import Follower
from history.follow.links import OtherVenue
from tests.support.deadlines import eventually_async
from tests.support.followed import Followed, chunks_up_to, followed_venue, following
from tests.support.redis_server import RedisServer


@pytest.fixture
def followed(redis_url: str, tmp_path: Path) -> Iterator[Followed]:
    with followed_venue(redis_url, tmp_path / "archive") as followed:
        yield followed


def sequence_seen(follower: Follower) -> int:
    return follower.moment.sequence if follower.moment is not None else 0


async def test_a_venue_that_was_replaced_while_nobody_looked_is_refused(
    followed: Followed, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that is away holds up the reader; meanwhile Redis is restored, and gets on."""
    # given
    monkeypatch.setattr(ahead_module, "EVENTS_MIN", 1)
    monkeypatch.setattr(ahead_module, "EVENTS_MAX", 1)
    begun = followed.sequence
    followed.deposit(6)
    async with following(followed) as (follower, chunks):
        await chunks_up_to(chunks, begun)
        await eventually_async(lambda: sequence_seen(follower) == followed.sequence)
        # when
        redis_server.kill()
        redis_server.start()
        followed.reconnect()
        followed.empty()
        followed.venue.seed()
        followed.carry_out()
        assert followed.sequence == begun, "it is of the same shape"
        followed.deposit(12)
        # then
        with pytest.raises(OtherVenue, match="another time of this one"):
            await chunks_up_to(chunks, followed.sequence)

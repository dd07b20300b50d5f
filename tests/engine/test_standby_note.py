"""What a standby says of itself while it has no time to say anything.

The rule of this file: the note is looked at in the midst of the work, as an archiver would.
"""

import contextlib
from typing import Any

import pytest

from engine import standby, watch
from engine.follower import Follower
from shared.messages import Deposit
from tests.support.standbys import WatchingStandby
from tests.support.venue import Venue


def test_it_outlives_a_batch_that_takes_long(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standby, "LARGE_SIZE", 0)
    monkeypatch.setattr(watch, "NOTE_BYTES_PER_MS", 1)
    sizes: list[int] = []
    lives_ms: list[int] = []
    sound = Follower.follow
    with contextlib.closing(Venue(redis_url)) as venue:

        def follow(self: Follower, packed: bytes, *streams: Any) -> None:
            sizes.append(len(packed))
            lives_ms.append(venue.redis.pttl(venue.keys.standby))
            sound(self, packed, *streams)

        monkeypatch.setattr(Follower, "follow", follow)
        with contextlib.closing(WatchingStandby(venue)) as watching:
            watching.turns()
            venue.seed()
            venue.journal(*[Deposit(account_id=1, asset="INR", amount_atoms=5)] * 200)
            venue.engine().run_until_idle()
            watching.turns()
    [size], [life_ms] = sizes, lives_ms
    assert size > watch.NOTE_MS, "or a note as ever would do"
    assert size < life_ms <= size + watch.NOTE_MS

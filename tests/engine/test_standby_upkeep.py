"""What a standby does beside following: it keeps a lease it was given, its note, and its audits."""

import contextlib
from collections.abc import Iterator

import pytest

from shared.messages import Deposit
from tests.engine.test_standby import trade
from tests.support.standbys import WatchingStandby
from tests.support.venue import Venue


@pytest.fixture
def venue(each_redis_url: str) -> Iterator[Venue]:
    with contextlib.closing(Venue(each_redis_url)) as venue:
        venue.seed()
        venue.journal(
            Deposit(account_id=1, asset="TATA", amount_atoms=1_000_000),
            Deposit(account_id=2, asset="INR", amount_atoms=1_000_000_000),
        )
        yield venue


@pytest.fixture
def watching(venue: Venue) -> Iterator[WatchingStandby]:
    with contextlib.closing(WatchingStandby(venue)) as watching:
        yield watching


def test_the_lease_is_kept_between_the_batches_of_a_takeover(
    venue: Venue, watching: WatchingStandby
) -> None:
    trade(venue, 0)
    watching.turns()
    trade(venue, 10)
    trade(venue, 20)
    kept_at: list[int] = []
    follower = watching.standby._follower
    assert follower is not None
    meta = venue.engine().store.meta()
    assert watching.standby.take_over(meta, lambda: kept_at.append(follower.position))
    assert len(set(kept_at)) > 1, "both batches come in one answer"

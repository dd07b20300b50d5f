"""The engine's own entries: a full memory is an answer, anything else is not."""

import contextlib
from collections.abc import Iterator

import pytest
from redis.exceptions import ResponseError

from engine.store import Lease, Store
from tests.support.venue import LEASE_TTL_MS, Venue


@pytest.fixture
def venue(each_redis_url: str) -> Iterator[Venue]:
    with contextlib.closing(Venue(each_redis_url)) as venue:
        yield venue


def store_of(venue: Venue) -> Store:
    return Store(venue._link, venue.keys, Lease("engine", LEASE_TTL_MS))


def test_a_full_memory_takes_no_entry_of_the_engine(venue: Venue) -> None:
    store = store_of(venue)
    venue.redis.config_set("maxmemory", 1)
    try:
        assert not store.append(b"payload")
    finally:
        venue.redis.config_set("maxmemory", 0)
    assert store.append(b"payload")


def test_an_error_of_the_script_is_not_taken_for_a_full_memory(venue: Venue) -> None:
    venue.redis.set(venue.keys.journal, "no stream")
    with pytest.raises(ResponseError):
        store_of(venue).append(b"payload")

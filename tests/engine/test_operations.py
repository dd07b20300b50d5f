"""An operator can skip the one command that halts a venue, and nothing else."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec import Raw

from engine.operations import Refused, read_status, skip
from engine.redis_link import RedisLink
from shared.channels import Keys
from shared.messages import CreateAsset
from shared.wire import NOBODY, WIRE_VERSION, Envelope, encode
from tests.support.deadlines import eventually
from tests.support.processes import running_service

KEYS = Keys("rialto")
HALT = "the engine died 3 times at journal entry 1"


@pytest.fixture
def link(redis_url: str) -> Iterator[RedisLink]:
    """A venue of two journalled commands, none carried out."""
    with closing(RedisLink(redis_url)) as link:
        link.open()
        payloads = [
            encode(Envelope(WIRE_VERSION, NOBODY, 0, Raw(encode(command))))
            for command in (CreateAsset(asset="BAD", scale=2), CreateAsset(asset="GOOD", scale=2))
        ]
        link.run("enqueue", [KEYS.n, KEYS.journal, KEYS.meta], [100, *payloads])
        yield link


def halt(link: RedisLink) -> None:
    link.call("HSET", KEYS.meta, "halt", HALT, "halted_n", 1)
    link.call("HSET", KEYS.attempts, "n", 1, "count", 3)


def test_the_status_of_a_halted_venue_says_where_and_why(link: RedisLink) -> None:
    halt(link)
    status = read_status(link, KEYS)
    assert (status.position, status.last_n, status.waiting) == (0, 2, 2)
    assert (status.halt, status.counted_n, status.deaths) == (HALT, 1, 3)
    assert not status.is_alive


def test_the_status_of_a_new_venue_is_all_zero(redis_url: str) -> None:
    with closing(RedisLink(redis_url)) as link:
        link.open()
        status = read_status(link, KEYS)
    assert (status.position, status.sequence, status.last_n, status.halt) == (0, 0, 0, "")


@pytest.mark.parametrize("n", [2, 3, 1_000])
def test_only_the_next_entry_can_be_skipped(link: RedisLink, n: int) -> None:
    halt(link)
    with pytest.raises(Refused, match=f"Entry {n} is not the next one"):
        skip(link, KEYS, n)
    assert read_status(link, KEYS).halt == HALT


def test_what_is_carried_out_cannot_be_skipped(link: RedisLink) -> None:
    halt(link)
    link.call("HSET", KEYS.meta, "position", 1)
    with pytest.raises(Refused, match="Entry 1 is carried out already"):
        skip(link, KEYS, 1)


def test_a_venue_that_is_not_halted_refuses_to_skip(link: RedisLink) -> None:
    with pytest.raises(Refused, match="not halted"):
        skip(link, KEYS, 1)
    assert read_status(link, KEYS).last_n == 2


def test_an_entry_that_no_engine_has_halted_over_cannot_be_skipped(link: RedisLink) -> None:
    halt(link)
    link.call("HDEL", KEYS.meta, "halt")
    link.run("doubt", [KEYS.meta], ["the standby disagrees"])
    with pytest.raises(Refused, match="not about entry 1: `rialto engine resume`"):
        skip(link, KEYS, 1)
    assert read_status(link, KEYS).halt == "the standby disagrees"


def test_a_skipped_entry_is_never_carried_out_and_the_rest_is(
    link: RedisLink, redis_url: str, tmp_path: Path
) -> None:
    halt(link)
    assert skip(link, KEYS, 1) == 3
    status = read_status(link, KEYS)
    assert (status.halt, status.deaths, status.last_n) == ("", 0, 3)
    with running_service("engine", tmp_path / "home", {"redis_url": redis_url}):
        eventually(lambda: read_status(link, KEYS).position == 3)
        assert read_status(link, KEYS).is_alive
    assert link.call("HKEYS", KEYS.assets) == [b"GOOD"]

"""Every event once and in order, wherever it is; what is another's is refused."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from history.follow import ahead as ahead_module
from history.follow import follower as follower_module
from history.follow.ahead import Chunk
from history.follow.follower import Follower
from history.follow.links import BEGINNING, Link, OtherVenue, link
from history.follow.state import Following
from history.projection.rows import CursorRow
from shared.archive import ArchiveWriter, Record
from shared.messages import Applied, CommandSkipped, Deposit, UnreadableCommand
from shared.tasks import stop
from shared.wire import decode_batch, encode
from tests.support.deadlines import eventually_async
from tests.support.followed import Followed, all_applied, chunks_up_to, followed_venue, following
from tests.support.redis_server import RedisServer


@pytest.fixture
def followed(redis_url: str, tmp_path: Path) -> Iterator[Followed]:
    with followed_venue(redis_url, tmp_path / "archive") as followed:
        yield followed


def links_of(followed: Followed) -> list[Link]:
    """Return what the stream holds, all of it from the beginning."""
    links: list[Link] = []
    for payload in followed.venue.batches():
        links.append(link(payload, links[-1].cursor if links else BEGINNING))
    return links


async def read_all(followed: Followed, after: CursorRow | None = None) -> list[Applied]:
    async with following(followed, after) as (_, chunks):
        return all_applied(await chunks_up_to(chunks, followed.sequence))


async def refusal(followed: Followed, after: CursorRow) -> str:
    async with following(followed, after) as (_, chunks):
        with pytest.raises(OtherVenue) as refused:
            await chunks_up_to(chunks, after.sequence + 1)
    return str(refused.value)


async def state_of(follower: Follower, name: Following) -> str:
    """Wait for a state and return its reason."""
    await eventually_async(lambda: follower.state.name is name)
    return follower.state.reason


def all_after(everything: list[Applied], cursor: CursorRow) -> list[Applied]:
    return [applied for applied in everything if applied.n > cursor.n]


def has_seen(follower: Follower, sequence: int) -> bool:
    return follower.moment is not None and follower.moment.sequence == sequence


def write_archive(followed: Followed, batches: list[bytes]) -> None:
    """Append batches to the archive, as an archiver does that comes late."""
    writer = ArchiveWriter(followed.archive, "events")
    writer.open()
    ends = [decode_batch(payload)[-1].events[-1].sequence for payload in batches]
    writer.append([Record(end, 0, payload) for end, payload in zip(ends, batches, strict=True)])
    writer.close()


# ---- where events come from ----


async def test_the_stream_is_followed_from_the_beginning_and_on(followed: Followed) -> None:
    # given
    followed.deposit(5)
    async with following(followed) as (follower, chunks):
        taken = await chunks_up_to(chunks, followed.sequence)
        # when
        followed.deposit(5)
        taken += await chunks_up_to(chunks, followed.sequence)
        # then
        assert follower.state.name is Following.STREAM
    assert all_applied(taken) == followed.venue.events()
    assert taken[-1].cursor == links_of(followed)[-1].cursor


async def test_following_goes_on_behind_any_batch(followed: Followed) -> None:
    # given
    followed.deposit(7)
    everything = followed.venue.events()
    for each in links_of(followed)[:-1]:
        # when
        found = await read_all(followed, each.cursor)
        # then
        assert found == [applied for applied in everything if applied.n > each.cursor.n]


async def test_what_the_stream_has_lost_comes_from_the_archive(followed: Followed) -> None:
    # given
    followed.deposit(7)
    everything, links = followed.venue.events(), links_of(followed)
    followed.archive_all()
    followed.trim(kept=1)
    # then
    assert await read_all(followed) == everything
    assert await read_all(followed, links[2].cursor) == all_after(everything, links[2].cursor)


async def test_the_archive_alone_is_enough(followed: Followed) -> None:
    # given
    followed.deposit(7)
    everything = followed.venue.events()
    followed.archive_all()
    followed.trim()
    # when
    async with following(followed) as (follower, chunks):
        taken = await chunks_up_to(chunks, followed.sequence)
        # then it is in step and stays so
        await state_of(follower, Following.STREAM)
        followed.reconnect()
        followed.deposit()
        taken += await chunks_up_to(chunks, followed.sequence)
    assert all_applied(taken)[:-1] == everything


async def test_what_is_trimmed_while_the_recorder_is_away_is_no_loss(followed: Followed) -> None:
    # given
    followed.deposit(4)
    async with following(followed) as (_, chunks):
        taken = await chunks_up_to(chunks, followed.sequence)
    cursor = taken[-1].cursor
    # when
    followed.deposit(4)
    everything = followed.venue.events()
    followed.archive_all()
    followed.trim()
    # then
    assert await read_all(followed, cursor) == all_after(everything, cursor)


async def test_entries_that_were_skipped_or_cannot_be_read_pass(followed: Followed) -> None:
    # given
    followed.venue.journal_bytes(b"no command")
    followed.carry_out(Deposit(account_id=1, asset="INR", amount_atoms=1))
    # when
    kinds = {type(event) for each in await read_all(followed) for event in each.events}
    # then
    assert UnreadableCommand in kinds
    skipped = encode([Applied(1, 1, (CommandSkipped(sequence=1, n=1),))])
    assert link(skipped, BEGINNING).events == 1


# ---- chunks ----


async def test_an_empty_chunk_comes_while_nothing_happens(followed: Followed) -> None:
    # given
    async with following(followed) as (_, chunks):
        taken = await chunks_up_to(chunks, followed.sequence)
        # when
        idle = await anext(chunks)
    # then
    assert idle.applied == []
    assert idle.cursor == taken[-1].cursor


async def test_a_venue_without_events_is_no_trouble(redis_url: str, tmp_path: Path) -> None:
    # given
    followed = Followed(redis_url, tmp_path / "archive")
    async with following(followed) as (follower, chunks):
        # when
        idle = await anext(chunks)
        # then
        assert idle == Chunk([], BEGINNING)
        assert follower.state.name is Following.STREAM
        followed.venue.seed()
        followed.carry_out()
        assert all_applied(await chunks_up_to(chunks, followed.sequence))[0].n == 1
    followed.close()


async def test_chunks_are_bounded(followed: Followed, monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    followed.deposit(60)
    monkeypatch.setattr(ahead_module, "EVENTS_MIN", 10)
    monkeypatch.setattr(ahead_module, "EVENTS_MAX", 10)
    # when
    async with following(followed) as (_, chunks):
        taken = await chunks_up_to(chunks, followed.sequence)
    # then a chunk has at most one batch more than its limit
    assert len(taken) > 4
    assert max(chunk.events for chunk in taken) < 10 + 10
    assert all_applied(taken) == followed.venue.events()


async def test_all_that_waits_is_one_chunk(followed: Followed) -> None:
    # given
    followed.deposit(60)
    async with following(followed) as (follower, chunks):
        first = await anext(chunks)
        # when
        followed.deposit(30)
        await eventually_async(lambda: has_seen(follower, followed.sequence))
        rest = await chunks_up_to(chunks, followed.sequence)
    # then
    assert len(rest) <= 2
    assert all_applied([first, *rest]) == followed.venue.events()


# ---- what is waited for ----


async def test_a_hole_is_waited_for_until_the_archive_fills_it(followed: Followed) -> None:
    # given
    followed.deposit(4)
    everything = followed.venue.events()
    batches = list(followed.venue.batches())
    followed.trim(kept=1)
    async with following(followed) as (follower, chunks):
        reading = asyncio.ensure_future(chunks_up_to(chunks, followed.sequence))
        # when
        reason = await state_of(follower, Following.MISSING)
        # then
        assert reason == "Behind event 0 of the history, journal entry 1 is missing."
        assert not reading.done()
        write_archive(followed, batches)
        assert all_applied(await reading) == everything
        assert follower.state.reason == ""


async def test_an_empty_stream_with_an_archive_that_is_behind_is_waited_for(
    followed: Followed,
) -> None:
    # given
    followed.deposit(4)
    everything, batches = followed.venue.events(), list(followed.venue.batches())
    links = links_of(followed)
    followed.trim()
    write_archive(followed, batches[:-1])
    async with following(followed) as (follower, chunks):
        taken = await chunks_up_to(chunks, links[-2].cursor.sequence)
        reading = asyncio.ensure_future(chunks_up_to(chunks, followed.sequence))
        # when
        reason = await state_of(follower, Following.MISSING)
        # then
        assert "is nowhere to be found" in reason
        write_archive(followed, batches[-1:])
        taken += await reading
    assert all_applied(taken) == everything


async def test_events_that_cannot_be_read_are_not_passed_over(followed: Followed) -> None:
    # given
    readable = links_of(followed)
    followed.venue.redis.xadd(followed.venue.keys.events, {"e": b"\xff"}, id="99-0")
    followed.venue.redis.hset(followed.venue.keys.meta, "sequence", 99)
    async with following(followed) as (follower, chunks):
        taken = await chunks_up_to(chunks, readable[-1].cursor.sequence)
        reading = asyncio.ensure_future(chunks_up_to(chunks, 99))
        # when
        reason = await state_of(follower, Following.MISSING)
        # then
        assert "cannot be read" in reason
        assert all_applied(taken) == [a for each in readable for a in each.applied]
        await stop(reading)


async def test_a_damaged_archive_is_told_and_what_comes_before_it_counts(
    followed: Followed,
) -> None:
    # given
    followed.deposit(6)
    links, batches = links_of(followed), list(followed.venue.batches())
    write_archive(followed, batches)
    followed.trim()
    (segment,) = followed.archive.glob("events-*")
    data = bytearray(segment.read_bytes())
    data[data.index(batches[-2]) + 5] ^= 1
    segment.write_bytes(data)
    async with following(followed) as (follower, chunks):
        # when
        taken = await chunks_up_to(chunks, links[-3].cursor.sequence)
        reading = asyncio.ensure_future(chunks_up_to(chunks, followed.sequence))
        reason = await state_of(follower, Following.MISSING)
        # then
        assert "nowhere" in reason or "damaged" in reason
        assert all_applied(taken) == [applied for each in links[:-2] for applied in each.applied]
        await stop(reading)


async def test_redis_away_is_waited_for(
    followed: Followed, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    monkeypatch.setattr(follower_module, "RETRY_MAX_S", 0.1)
    async with following(followed) as (follower, chunks):
        taken = await chunks_up_to(chunks, followed.sequence)
        # when
        redis_server.kill()
        assert "Redis does not answer" in await state_of(follower, Following.REDIS_AWAY)
        idle = await anext(chunks)  # Time goes on meanwhile.
        redis_server.start()
        # then
        await state_of(follower, Following.STREAM)
        followed.reconnect()
        followed.deposit()
        taken += await chunks_up_to(chunks, followed.sequence)
    assert idle.applied == []
    assert all_applied(taken) == followed.venue.events()


# ---- what is refused ----


async def test_another_venue_is_refused_by_what_is_in_the_stream(
    followed: Followed, tmp_path: Path
) -> None:
    # given
    followed.deposit(4)
    cursor = links_of(followed)[-1].cursor
    # when
    with followed_venue(followed.venue.url, tmp_path / "other", name="other") as other:
        other.deposit(8)
        # then
        assert "another time of this one" in await refusal(other, cursor)


async def test_another_venue_is_refused_by_what_is_in_the_archive(
    followed: Followed, tmp_path: Path
) -> None:
    # given
    followed.deposit(4)
    cursor = links_of(followed)[-1].cursor
    # when
    with followed_venue(followed.venue.url, tmp_path / "other", name="other") as other:
        other.deposit(8)
        other.archive_all()
        other.trim()
        # then
        assert "another time of this one" in await refusal(other, cursor)


async def test_an_earlier_time_of_the_venue_is_refused(followed: Followed) -> None:
    # given
    followed.deposit(4)
    *_, before, last = links_of(followed)
    # when
    later = last.cursor._replace(sequence=last.cursor.sequence + 7)
    # then
    assert "a later time of this one" in await refusal(followed, later)
    changed = before.cursor._replace(batch_digest="0" * 32)
    assert "is not the one that the history ends with" in await refusal(followed, changed)


async def test_a_venue_that_begins_anew_under_us_is_refused(followed: Followed) -> None:
    # given
    followed.deposit(4)
    async with following(followed) as (_, chunks):
        await chunks_up_to(chunks, followed.sequence)
        # when
        followed.empty()
        # then
        with pytest.raises(OtherVenue, match="the venue with event 0"):
            await chunks_up_to(chunks, 1_000_000)


async def test_a_cursor_that_nothing_proves_is_waited_with(followed: Followed) -> None:
    """The archive may be behind, or away for a while: that is no proof of another venue."""
    # given
    followed.deposit(4)
    batches, cursor = list(followed.venue.batches()), links_of(followed)[-1].cursor
    followed.trim()
    async with following(followed, cursor) as (follower, chunks):
        reading = asyncio.ensure_future(chunks_up_to(chunks, cursor.sequence + 1))
        # when
        reason = await state_of(follower, Following.MISSING)
        # then
        assert "by which this venue is known" in reason
        assert not reading.done()
        write_archive(followed, batches)
        followed.deposit()
        assert len(all_applied(await reading)) == 1

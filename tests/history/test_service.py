"""The recorder: rows and cursor together, each batch once, told only when it is written."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from history import service as service_module
from history.follow.follower import Follower
from history.follow.links import OtherVenue
from history.health import DATABASE_AWAY, is_ready
from history.projection.batch import Batch
from history.projection.recording import Recording
from history.projection.rows import CursorRow
from history.service import Recorder
from history.sql.writer import CursorMoved
from history.store import Store
from shared.messages import Applied
from shared.tasks import stop
from tests.support.deadlines import eventually_async
from tests.support.followed import Followed, followed_venue
from tests.support.history_trading import Traders
from tests.support.memory_history import MemoryStore, projected


class TellingOutlet:
    """Remembers what it is told, and whether it was written by then."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.loaded: list[tuple[CursorRow | None, int, int]] = []
        self.told: list[tuple[int, CursorRow, int]] = []

    async def load(self, cursor: CursorRow | None, watermark_ns: int, *, since_ns: int) -> None:
        self.loaded.append((cursor, watermark_ns, since_ns))

    async def written(self, batch: Batch, cursor: CursorRow, watermark_ns: int) -> None:
        assert self.loaded, "it is loaded before anything else"
        assert cursor == self._store.stored or not self._store.writes, "told before it is written"
        self.told.append((len(batch.trades), cursor, watermark_ns))


class Stage:
    """A recorder of a venue, on a store in memory."""

    def __init__(self, followed: Followed, store: MemoryStore) -> None:
        self.followed, self.store = followed, store
        self.follower = Follower(followed.venue.url, followed.venue.keys, followed.archive)
        self.outlet = TellingOutlet(store)
        self.recorder = Recorder(store, self.follower, self.outlet)
        self.running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self.recorder.load()
        self.running = asyncio.create_task(self.recorder.run())

    async def close(self) -> None:
        await stop(self.running)
        await self.follower.close()

    async def in_step(self) -> None:
        """Wait until all that has happened is written and told."""
        sequence = self.followed.sequence
        await eventually_async(lambda: self._fails() or self.recorder.cursor.sequence == sequence)

    async def end(self) -> BaseException:
        """Wait for what it ends with."""
        assert self.running is not None
        await asyncio.wait([self.running], timeout=20)
        error = self.running.exception()
        assert error is not None
        return error

    def _fails(self) -> bool:
        if self.running is not None and self.running.done():
            self.running.result()
        return False


@pytest.fixture
def followed(redis_url: str, tmp_path: Path) -> Iterator[Followed]:
    with followed_venue(redis_url, tmp_path / "archive") as followed:
        yield followed


@asynccontextmanager
async def recording(followed: Followed, store: MemoryStore | None = None) -> AsyncIterator[Stage]:
    stage = Stage(followed, store or MemoryStore())
    await stage.start()
    try:
        yield stage
    finally:
        await stage.close()


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "RETRY_MAX_S", 0.1)


# ---- what is written ----


async def test_what_is_written_live_is_what_all_events_leave(followed: Followed, seed: int) -> None:
    # given
    traders = Traders(seed)
    async with recording(followed) as stage:
        # when
        for _ in range(5):
            followed.carry_out(*traders.commands(60))
            await stage.in_step()
        # then
        assert stage.store.rows.tables() == projected(followed.venue.events())
        assert stage.store.writes >= 5
    assert all(stage.store.rows.tables().values()), "some table has no rows"


async def test_a_rebuild_from_the_archive_alone_is_what_was_written_live(
    followed: Followed, seed: int
) -> None:
    # given
    traders = Traders(seed)
    async with recording(followed) as live:
        for _ in range(4):
            followed.carry_out(*traders.commands(60))
            await live.in_step()
    followed.archive_all()
    followed.trim()
    # when
    async with recording(followed) as rebuilt:
        await rebuilt.in_step()
    # then
    assert rebuilt.store.rows.tables() == live.store.rows.tables()
    assert rebuilt.store.stored == live.store.stored


# ---- a database that is away ----


async def test_a_database_that_is_away_gets_the_same_rows_later(followed: Followed) -> None:
    # given
    store = MemoryStore()
    store.fails = ["away"] * 3
    async with recording(followed, store) as stage:
        # when
        await eventually_async(lambda: stage.recorder.health().state == DATABASE_AWAY)
        health = stage.recorder.health()
        await stage.in_step()
        # then
        assert health.reason == "The history cannot be written now: it is being repaired"
        assert health.lag_events == followed.sequence
        assert not health.is_caught_up
        assert stage.recorder.health().reason == ""
    assert store.rows.tables() == projected(followed.venue.events())
    assert store.writes == 1


async def test_a_commit_of_which_nothing_was_heard_is_not_repeated(followed: Followed) -> None:
    # given
    store = MemoryStore()
    store.fails = ["unknown", "away", ""]
    async with recording(followed, store) as stage:
        # when
        await stage.in_step()
        followed.deposit()
        await stage.in_step()
    # then
    assert store.rows.tables() == projected(followed.venue.events())
    assert stage.outlet.told[0][1] != stage.outlet.told[-1][1]


async def test_a_recorder_that_is_not_alone_ends_and_writes_nothing(followed: Followed) -> None:
    # given
    store = MemoryStore()
    async with recording(followed, store) as stage:
        await stage.in_step()
        # when another one has written further, and this one does not know
        assert store.stored is not None
        store.stored = store.stored._replace(sequence=store.stored.sequence + 1)
        followed.deposit()
        # then
        assert isinstance(await stage.end(), CursorMoved)
    assert store.writes == 1


async def test_another_venue_ends_the_recorder(followed: Followed) -> None:
    # given
    async with recording(followed) as stage:
        await stage.in_step()
        # when
        followed.empty()
        # then
        assert isinstance(await stage.end(), OtherVenue)


async def test_a_broken_invariant_ends_the_recorder_and_nothing_is_written(
    followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    def break_off(_recording: Recording, applied: Applied) -> None:
        assert applied.n < 3, "entry 3 cannot be"

    monkeypatch.setattr(Recording, "take", break_off)
    async with recording(followed) as stage:
        # when
        error = await stage.end()
    # then
    assert "entry 3 cannot be" in str(error)
    assert (stage.store.writes, stage.store.stored) == (0, None)


# ---- what is told ----


async def test_the_clock_goes_on_while_nothing_is_traded(followed: Followed) -> None:
    # given
    async with recording(followed) as stage:
        await stage.in_step()
        told = len(stage.outlet.told)
        # when
        await eventually_async(lambda: len(stage.outlet.told) >= told + 3)
        # then
        times = [watermark_ns for _, _, watermark_ns in stage.outlet.told]
        assert times == sorted(times)
        assert times[-1] > times[told - 1]
        assert stage.recorder.watermark_ns == times[-1]


async def test_the_clock_stands_while_a_command_waits_for_the_engine(followed: Followed) -> None:
    # given
    async with recording(followed) as stage:
        await stage.in_step()
        # when
        n = followed.venue.journal_bytes(b"waits for the engine")
        stamped: Any = followed.venue.redis.xrange(followed.venue.keys.journal, f"{n}-0")
        stamped_ns = int(stamped[0][1][b"t"]) * 1_000
        told = len(stage.outlet.told)
        await eventually_async(lambda: len(stage.outlet.told) >= told + 3)
        # then
        assert stage.recorder.watermark_ns <= stamped_ns
        followed.carry_out()
        await stage.in_step()
        assert stage.recorder.cursor.at_ns == stamped_ns
        await eventually_async(lambda: stage.recorder.watermark_ns > stamped_ns)


async def test_the_outlet_begins_at_redis_clock(followed: Followed) -> None:
    # given
    async with recording(followed) as stage:
        await stage.in_step()
    # then
    ((cursor, watermark_ns, since_ns),) = stage.outlet.loaded
    assert cursor is None
    assert watermark_ns < since_ns
    assert since_ns >= int(followed.venue.meta("at_ns"))


async def test_it_is_ready_only_when_it_is_in_step(followed: Followed) -> None:
    # given
    store = MemoryStore()
    store.fails = ["away"] * 2
    async with recording(followed, store) as stage:
        assert not is_ready(stage.recorder.health())
        # when
        await stage.in_step()
        # then
        await eventually_async(lambda: is_ready(stage.recorder.health()))
        figures = stage.recorder.metrics().decode()
        health = stage.recorder.health()
    assert f"rialto_history_events_total {float(followed.sequence)}" in figures
    assert "rialto_history_write_retries_total 2.0" in figures
    assert (health.lag_events, health.lag_s, health.sequence) == (0, 0.0, followed.sequence)


async def test_others_are_answered_while_rows_are_made(
    followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given rows that are not made before somebody on the loop lets them
    allowed = threading.Event()
    take = Recording.take

    def take_when_allowed(self: Recording, applied: Applied) -> None:
        assert allowed.wait(20), "the loop stands still"
        take(self, applied)

    monkeypatch.setattr(Recording, "take", take_when_allowed)
    async with recording(followed) as stage:
        await eventually_async(lambda: stage.follower.moment is not None)
        # when
        asyncio.get_running_loop().call_later(0.05, allowed.set)
        # then
        await stage.in_step()


def store_is_a_store(store: MemoryStore) -> Store:
    """The fake has what the protocol asks for; the type checker says so."""
    return store

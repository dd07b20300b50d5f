"""The archiver on a real Redis: what is committed reaches the disk, then leaves the stream."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engine import archiver as archiver_module
from engine.archiver import Archiver
from engine.batch import Applier
from engine.core.exchange import Exchange
from engine.entries import Entry
from engine.redis_link import RedisLink
from engine.watch import FOLLOWING, StandbyNote
from shared.archive import ArchiveError, read_records
from shared.messages import Deposit
from tests.support.venue import Venue, as_bytes


@pytest.fixture
def venue(each_redis_url: str) -> Iterator[Venue]:
    with contextlib.closing(Venue(each_redis_url)) as venue:
        venue.seed()
        yield venue


def archive(venue: Venue, folder: Path, turns: int = 1) -> None:
    """Let an archiver take a few turns; each takes whatever is committed by then."""
    link = RedisLink(venue.url)
    link.open()
    left = iter(range(turns))
    with contextlib.closing(link):
        Archiver(link, venue.keys, folder, should_stop=lambda: next(left, None) is None).run()


def deposits(count: int) -> list[Deposit]:
    return [Deposit(account_id=1, asset="INR", amount_atoms=i + 1) for i in range(count)]


def test_the_archive_replayed_from_zero_gives_the_committed_events(
    venue: Venue, tmp_path: Path
) -> None:
    for _ in range(3):
        venue.journal(*deposits(20))
        venue.engine(batch_max=7).run_until_idle()
        archive(venue, tmp_path)
    entries = [
        Entry(record.number, record.clock_us * 1_000, record.payload)
        for record in read_records(tmp_path, "journal")
    ]
    assert [entry.n for entry in entries] == list(range(1, 66))
    replayed = Applier(Exchange(), b"").apply(entries)
    assert replayed.chain.hex() == venue.meta("chain")
    archived = [record.payload for record in read_records(tmp_path, "events")]
    assert archived == list(venue.batches())


def test_only_what_is_committed_is_archived_and_trimmed(venue: Venue, tmp_path: Path) -> None:
    venue.engine().run_until_idle()
    venue.journal(*deposits(3))
    archive(venue, tmp_path)
    assert [record.number for record in read_records(tmp_path, "journal")] == [1, 2, 3, 4, 5]
    assert venue.redis.xlen(venue.keys.journal) == 3, "what waits for the engine stays"
    venue.engine().run_until_idle()
    assert venue.meta("position") == "8"


def test_what_a_standby_has_not_read_stays_within_bounds(
    venue: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venue.journal(*deposits(20))
    venue.engine().run_until_idle()
    note = StandbyNote(owner="standby", state=FOLLOWING, position=10)
    venue.redis.set(venue.keys.standby, msgspec.json.encode(note))
    archive(venue, tmp_path)
    assert first_journal_n(venue) == 11
    monkeypatch.setattr(archiver_module, "STOOD_BY_MAX", 5)
    archive(venue, tmp_path)
    assert first_journal_n(venue) == 21
    venue.redis.delete(venue.keys.standby)
    archive(venue, tmp_path)
    assert venue.redis.xlen(venue.keys.journal) == 0


def first_journal_n(venue: Venue) -> int:
    first = venue.redis.xinfo_stream(venue.keys.journal)["first-entry"]
    return int(as_bytes(first[0]).partition(b"-")[0])


def test_a_killed_archiver_goes_on_from_its_files(venue: Venue, tmp_path: Path) -> None:
    venue.engine().run_until_idle()
    archive(venue, tmp_path)
    venue.journal(*deposits(3))
    venue.engine().run_until_idle()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Archiver, "_note", _die)
        with pytest.raises(InterruptedError):
            archive(venue, tmp_path)  # It ends between the disk and the cursor.
    venue.journal(*deposits(2))
    venue.engine().run_until_idle()
    archive(venue, tmp_path)
    assert [record.number for record in read_records(tmp_path, "journal")] == list(range(1, 11))


def _die(*_: object) -> None:
    raise InterruptedError


@pytest.mark.parametrize("entries", [0, 40])
def test_the_archive_of_another_exchange_is_refused(
    venue: Venue, tmp_path: Path, entries: int
) -> None:
    venue.engine().run_until_idle()
    archive(venue, tmp_path)
    venue.redis.flushall()
    venue.seed()
    venue.journal(*deposits(entries))
    venue.engine().run_until_idle()
    with pytest.raises(ArchiveError, match="another exchange"):
        archive(venue, tmp_path)
    assert len(list(read_records(tmp_path, "journal"))) == 5
    archive(venue, tmp_path / "fresh")
    assert len(list(read_records(tmp_path / "fresh", "journal"))) == 5 + entries


def test_old_events_leave_the_stream_but_not_the_archive(
    venue: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiver_module, "EVENTS_KEPT_S", -1.0)
    monkeypatch.setattr(archiver_module, "TRIM_EVERY_S", -1.0)
    venue.engine(batch_max=1).run_until_idle()
    archive(venue, tmp_path)
    assert venue.redis.xlen(venue.keys.events) == 0
    assert len(list(read_records(tmp_path, "events"))) == 5


def test_an_archive_ahead_of_redis_is_refused(venue: Venue, tmp_path: Path) -> None:
    venue.engine().run_until_idle()
    archive(venue, tmp_path)
    venue.redis.flushall()
    with pytest.raises(ArchiveError, match="ahead of Redis"):
        archive(venue, tmp_path)


def test_two_archivers_do_not_share_a_folder(venue: Venue, tmp_path: Path) -> None:
    with contextlib.closing(RedisLink(venue.url)) as link:
        link.open()

        def second() -> bool:
            with pytest.raises(ArchiveError, match="Another archiver"):
                archive(venue, tmp_path)
            return True

        Archiver(link, venue.keys, tmp_path, should_stop=second).run()

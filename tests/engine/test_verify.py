"""`verify` agrees with an archive that is whole, and names the entry where another is not."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from engine import archiver as archiver_module
from engine import standby as standby_module
from engine import verify as verify_module
from engine.core.exchange import Limits
from engine.snapshots import About, list_snapshots, read_about
from engine.verify import lines, verify
from rialto.cli import app, join_services
from shared.archive import ArchiveWriter, Record, read_records
from shared.messages import Applied, Deposit
from shared.wire import decode_batch, encode
from tests.engine.test_archiver import archive
from tests.engine.test_standby import trade
from tests.support.standbys import WatchingStandby
from tests.support.venue import Venue

LIMITS = Limits()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standby_module, "AUDIT_EVERY_S", 0.0)
    monkeypatch.setattr(standby_module, "AUDIT_SHARE", 0.0)


@pytest.fixture
def venue(redis_url: str) -> Iterator[Venue]:
    with contextlib.closing(Venue(redis_url)) as venue:
        venue.seed()
        venue.journal(
            Deposit(account_id=1, asset="TATA", amount_atoms=1_000_000, idempotency_key="first"),
            Deposit(account_id=2, asset="INR", amount_atoms=1_000_000_000),
        )
        yield venue


@pytest.fixture
def home(venue: Venue, tmp_path: Path) -> Path:
    """A home with an archive of 127 entries in several commits, and two snapshots on its way."""
    with contextlib.closing(WatchingStandby(venue, snapshots=tmp_path / "snapshots")) as watching:
        for number in range(0, 40, 10):
            trade(venue, number)
            archive(venue, tmp_path / "archive")
            watching.turns(5)
    return tmp_path


def rewrite(folder: Path, kind: str, records: list[Record]) -> None:
    """Replace the archive of a kind by these records, with good CRCs and a good chain."""
    for path in folder.glob(f"{kind}-*.segment"):
        path.unlink()
    writer = ArchiveWriter(folder, kind)
    writer.open()
    writer.append(records)
    writer.close()


def test_a_whole_archive_agrees_from_zero(venue: Venue, home: Path) -> None:
    ticks: list[tuple[int, int]] = []
    verdict = verify(
        home / "archive",
        LIMITS,
        snapshots=home / "snapshots",
        on_progress=lambda done, total: ticks.append((done, total)),
    )
    assert verdict.fault == ""
    assert (verdict.ok, verdict.entries, verdict.snapshots_agree) == (True, 127, 2)
    assert verdict.chain == venue.meta("chain")
    assert verdict.sequence == int(venue.meta("sequence"))
    assert [writer.after for writer in verdict.writers] == [0]
    assert ticks[-1] == (127, 127)


def test_a_whole_archive_agrees_from_a_snapshot(venue: Venue, home: Path) -> None:
    list_snapshots(home / "snapshots")[0].unlink()
    verdict = verify(home / "archive", LIMITS, snapshots=home / "snapshots", from_snapshot=True)
    assert verdict.fault == ""
    assert (verdict.begun_after, verdict.entries) == (97, 30)
    assert verdict.chain == venue.meta("chain")


def test_a_damaged_snapshot_is_told_and_the_older_one_begun_at(venue: Venue, home: Path) -> None:
    newest = list_snapshots(home / "snapshots")[0]
    newest.write_bytes(newest.read_bytes()[:-5])
    verdict = verify(home / "archive", LIMITS, snapshots=home / "snapshots", from_snapshot=True)
    assert (verdict.ok, verdict.begun_after) == (True, 97)
    assert len(verdict.snapshots_bad) == 1
    assert any("damaged" in line for line in lines(verdict))


def test_an_event_that_was_forged_is_named(home: Path) -> None:
    folder = home / "archive"
    records = list(read_records(folder, "events"))
    told = decode_batch(records[1].payload)
    forged = Applied(told[3].n, told[3].at_ns + 1, told[3].events)
    payload = records[1].payload.replace(encode(told[3]), encode(forged))
    records[1] = Record(records[1].number, records[1].clock_us, payload)
    rewrite(folder, "events", records)
    verdict = verify(folder, LIMITS)
    assert (verdict.ok, verdict.fault_n) == (False, told[3].n)
    assert f"entry {told[3].n}" in verdict.fault


def test_a_command_that_was_forged_is_named(home: Path) -> None:
    folder = home / "archive"
    records = list(read_records(folder, "journal"))
    changed = records[40].payload.replace(b"TATA_INR", b"JIO_INR_")
    records[40] = Record(records[40].number, records[40].clock_us, changed)
    rewrite(folder, "journal", records)
    verdict = verify(folder, LIMITS)
    assert (verdict.ok, verdict.fault_n) == (False, 41)


def test_an_entry_that_is_missing_is_named(home: Path) -> None:
    folder = home / "archive"
    records = list(read_records(folder, "journal"))
    rewrite(folder, "journal", [*records[:50], *records[52:]])
    verdict = verify(folder, LIMITS)
    assert (verdict.ok, verdict.fault_n) == (False, 51)
    assert "51 to 52" in verdict.fault


def test_events_that_are_missing_are_named(home: Path) -> None:
    folder = home / "archive"
    records = list(read_records(folder, "events"))
    position = decode_batch(records[0].payload)[-1].n
    rewrite(folder, "events", [records[0], *records[2:]])
    verdict = verify(folder, LIMITS)
    assert (verdict.ok, verdict.fault_n) == (False, position + 1)


def test_a_flipped_byte_is_told_with_its_file(home: Path) -> None:
    path = next((home / "archive").glob("journal-*.segment"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    verdict = verify(home / "archive", LIMITS)
    assert not verdict.ok
    assert path.name in verdict.fault


def test_a_torn_end_is_no_damage(home: Path) -> None:
    path = next((home / "archive").glob("events-*.segment"))
    path.write_bytes(path.read_bytes()[:-3])
    verdict = verify(home / "archive", LIMITS)
    assert verdict.fault == ""
    assert verdict.unconfirmed == 30


def test_a_snapshot_of_another_chain_is_found(home: Path) -> None:
    newest = list_snapshots(home / "snapshots")[0]

    def read_other(path: Path) -> About:
        about = read_about(path)
        return replace(about, chain="00") if path == newest else about

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verify_module, "read_about", read_other)
        verdict = verify(home / "archive", LIMITS, snapshots=home / "snapshots")
    assert (verdict.ok, verdict.fault_n) == (False, 127)


def test_a_fault_names_another_version_that_wrote_the_entry(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = list(read_records(home / "archive", "journal"))
    records[40] = Record(41, records[40].clock_us + 1, records[40].payload)
    rewrite(home / "archive", "journal", records)
    monkeypatch.setattr(verify_module, "program_version", lambda: "99.0.0")
    verdict = verify(home / "archive", LIMITS)
    assert "written by version" in verdict.fault


def test_a_new_version_notes_where_it_began(
    venue: Venue, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiver_module, "program_version", lambda: "99.0.0")
    trade(venue, 50)
    archive(venue, home / "archive")
    verdict = verify(home / "archive", LIMITS)
    assert [writer.after for writer in verdict.writers] == [0, 127]
    assert verdict.writers[-1].program_version == "99.0.0"


def test_the_command_says_so_and_its_exit_code_too(home: Path) -> None:
    join_services()
    good = CliRunner().invoke(app, ["verify", "--home", str(home)])
    assert good.exit_code == 0, good.output
    assert good.output.splitlines()[-1] == "Every hash agrees."
    told = CliRunner().invoke(app, ["verify", str(home / "archive"), "--json"])
    verdict = json.loads(told.output)
    assert (told.exit_code, verdict["ok"], verdict["snapshots_agree"]) == (0, True, 2)
    none = CliRunner().invoke(app, ["verify", str(home / "nothing")])
    assert none.exit_code == 1
    assert "There is no archive" in none.output

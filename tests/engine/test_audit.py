"""The audit in a process of its own says what the one on the spot says, and can be ended."""

import os
from pathlib import Path

import pytest

from engine.audit import Finding, ForkedAudit, SnapshotPlace, examine
from engine.snapshots import list_snapshots
from tests.engine.test_snapshots import CHAIN, exchange_of
from tests.support.deadlines import eventually


def finding_of(audit: ForkedAudit) -> Finding:
    return eventually(audit.result)


def test_a_sound_exchange_is_found_sound_and_written(tmp_path: Path) -> None:
    exchange, audit = exchange_of(30), ForkedAudit()
    audit.start(exchange, CHAIN, SnapshotPlace(tmp_path, 2))
    exchange.state.ledger.accounts[1].balances["TATA"].available += 1  # After the fork.
    found = finding_of(audit)
    assert (found.fault, found.trouble, found.snapshot) == ("", "", True)
    assert found.state_hash == exchange_of(30).state_hash()
    assert len(list_snapshots(tmp_path)) == 1
    assert audit.result() is None


def test_a_broken_rule_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    exchange, audit = exchange_of(30), ForkedAudit()
    exchange.state.ledger.accounts[1].balances["TATA"].available += 1
    audit.start(exchange, CHAIN, SnapshotPlace(tmp_path, 2))
    found = finding_of(audit)
    assert found == examine(exchange, CHAIN, None)
    assert "TATA" in found.fault
    assert list_snapshots(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    found = examine(exchange_of(3), CHAIN, SnapshotPlace(tmp_path / "file", 2))
    assert found.trouble
    assert (found.fault, found.snapshot) == ("", False)


def test_an_audit_that_is_ended_says_nothing(tmp_path: Path) -> None:
    audit = ForkedAudit()
    audit.start(exchange_of(3_000), CHAIN, SnapshotPlace(tmp_path, 2))
    audit.stop()
    assert audit.result() is None
    audit.start(exchange_of(3), CHAIN, None)
    assert finding_of(audit).position == exchange_of(3).n


def test_an_audit_that_dies_is_reported_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_anything: object) -> Finding:
        raise SystemExit

    monkeypatch.setattr("engine.audit.examine", die)
    audit = ForkedAudit()
    audit.start(exchange_of(3), CHAIN, None)
    with pytest.raises(OSError, match="without a result"):
        eventually(audit.result)


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="Only Linux lists open files so.")
def test_a_fork_that_fails_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> int:
        raise BlockingIOError("no more processes")

    audit, before = ForkedAudit(), _open_files()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fork", fail)
        for _ in range(3):
            with pytest.raises(OSError, match="no more processes"):
                audit.start(exchange_of(3), CHAIN, None)
    assert _open_files() == before
    assert audit.result() is None
    audit.start(exchange_of(3), CHAIN, None)
    assert finding_of(audit).position == exchange_of(3).n


def test_ending_an_audit_never_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that waits for a disk cannot be killed before the disk answers."""
    waited_for: list[int] = []

    def still_there(pid: int, options: int) -> tuple[int, int]:
        assert options == os.WNOHANG, "this would wait"
        waited_for.append(pid)
        return 0, 0

    audit = ForkedAudit()
    with monkeypatch.context() as patch:
        patch.setattr(os, "waitpid", still_there)
        audit.start(exchange_of(3), CHAIN, None)
        audit.stop()
        audit.stop()
        assert audit.result() is None
    [pid] = set(waited_for)
    audit.start(exchange_of(3), CHAIN, None)
    assert finding_of(audit).position == exchange_of(3).n
    eventually(lambda: _is_reaped(audit, pid))


def _is_reaped(audit: ForkedAudit, pid: int) -> bool:
    audit.result()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False

"""A drill restores a backup, starts it, and says whether it is what it says."""

import asyncio
import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from history.backup.agreement import compare_history
from history.backup.backup import make_backup
from history.backup.errors import BackupError
from history.backup.files import SEAL, seal
from history.backup.restoring import restore
from rialto.drill import restore_command
from tests.conftest import ROOT, redis_binaries
from tests.history.backup.stage import KEYS, VENUE, Stage, archived, loaded, record, staged
from tests.support.deadlines import eventually
from tests.support.redis_server import running_redis

# `rialto backup` alone, without the seconds that it takes to import every service.
BACKUP = "import typer; from history.backup.commands import backup_command as b; typer.run(b)"


async def _filled(stage: Stage, seed: int) -> None:
    async with loaded(stage, seed) as load:
        await load.open_venue()
        async with load.working():
            await load.progress(100)
            await archived(stage)
            await record(stage)
            await load.progress(50)


@pytest.fixture(scope="module")
def backup(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup with a history that is behind the exchange."""
    place = tmp_path_factory.mktemp("drill")
    with staged(redis_binaries()[0], place / "home") as stage:
        asyncio.run(_filled(stage, 3))
        asyncio.run(make_backup(stage.settings, place / "backup"))
    return place / "backup"


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """`rialto restore` with words: its exit code and what it said."""
    app = typer.Typer()
    app.command()(restore_command)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # For the commands that it asks.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, words)
        fault = "" if isinstance(done.exception, SystemExit) else str(done.exception)
        return done.exit_code, done.output + fault

    return run


def test_a_drill_proves_a_backup_and_leaves_nothing(
    backup: Path, tmp_path: Path, ask: Callable[..., tuple[int, str]]
) -> None:
    code, said = ask("--drill", str(backup))
    assert code == 0, said
    for name in ("redis", "verify", "proof", "history"):
        assert f"{name:<13} proven in" in said
    assert "This backup can be restored." in said
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_dump_is_told_to_be_laid_in_by_a_restore_and_not_to_be_proven_by_a_drill(
    backup: Path, tmp_path: Path, ask: Callable[..., tuple[int, str]]
) -> None:
    other = tmp_path / "other"
    shutil.copytree(backup, other)
    (other / SEAL).unlink()
    (other / "users.dump").write_bytes(b"PGDMP")
    seal(other)
    code, said = ask("--drill", str(other))
    assert (code, "users.dump    is whole" in said, "pg_restore" in said) == (0, True, False), said
    code, said = ask(str(other), "--home", str(tmp_path / "home"))
    assert (code, f"{tmp_path}/home/users.dump" in said.replace("\n", "")) == (0, True), said


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE ledger SET available = available + 1 WHERE sequence = "
        "(SELECT max(sequence) FROM ledger)",
        "DELETE FROM trades WHERE trade_id = 1",
        "UPDATE cursor SET n = n + 1",
    ],
)
def test_a_history_that_differs_from_its_events_is_found(
    backup: Path, tmp_path: Path, forgery: str
) -> None:
    home = tmp_path / "home"
    restore(backup, home)
    with contextlib.closing(sqlite3.connect(home / "history.db")) as database:
        database.execute(forgery)
        database.commit()
    (home / "again").mkdir()
    with (
        running_redis(redis_binaries()[0], home / "redis") as server,
        pytest.raises(BackupError, match=r"differs from the events|no commit's"),
    ):
        asyncio.run(compare_history(home, server.url, KEYS, home / "again"))


def test_restored_by_the_command_it_is_a_home_and_not_twice(
    backup: Path, tmp_path: Path, ask: Callable[..., tuple[int, str]]
) -> None:
    home = tmp_path / "home"
    assert ask(str(backup), "--home", str(home))[0] == 0
    assert (home / "version.json").is_file()
    code, said = ask(str(backup), "--home", str(home))
    assert (code, "not an empty folder" in said) == (1, True), said


def test_a_backup_that_is_killed_anywhere_is_refused_and_harms_nothing(
    tmp_path: Path, seed: int
) -> None:
    with staged(redis_binaries()[0], tmp_path / "home") as stage:
        asyncio.run(_filled(stage, seed))
        environ = {**os.environ, "PYTHONPATH": str(ROOT), "RIALTO_HOME": str(stage.home)}
        environ |= {"RIALTO_VENUE": VENUE, "RIALTO_REDIS_URL": stage.server.url}
        killed_before = ("redis/dump.rdb", "history.db", "archive", "manifest.json")
        halves = 0
        for name in killed_before:
            folder = tmp_path / f"at-{name.replace('/', '-')}"
            argv = [sys.executable, "-c", BACKUP, str(folder)]
            process = subprocess.Popen(argv, env=environ, cwd=tmp_path)
            _kill_when_there(process, folder / name)
            if (folder / SEAL).exists():
                continue  # It was quicker than we are.
            halves += 1
            with pytest.raises(BackupError, match="cut short"):
                restore(folder, tmp_path / "new")
            assert not (tmp_path / "new").exists()
        assert halves, "none was killed before its end"
        asyncio.run(_goes_on(stage, seed))


def _kill_when_there(process: subprocess.Popen[bytes], path: Path) -> None:
    eventually(lambda: path.exists() or process.poll() is not None)
    process.send_signal(signal.SIGKILL)
    process.wait()


async def _goes_on(stage: Stage, seed: int) -> None:
    async with loaded(stage, seed) as load:
        await load.open_venue()
        async with load.working():
            await load.progress(20)


@pytest.fixture
def seed() -> int:
    """A seed, printed on failure."""
    value = int.from_bytes(os.urandom(4))
    print(f"seed {value}")  # noqa: T201
    return value

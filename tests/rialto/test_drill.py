"""A drill restores a backup, starts it, and says whether it is what it says."""

import asyncio
import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from history.backup.backup import make_backup
from history.backup.errors import BackupError
from history.backup.files import SEAL, seal
from history.backup.restoring import restore
from tests.conftest import ROOT, redis_binaries
from tests.history.backup.stage import VENUE, Stage, archived, loaded, record, staged
from tests.support.deadlines import eventually

END_S = 60
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


def rialto(*words: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run `rialto` to its end."""
    environ = {**os.environ, "RIALTO_HOME": str(home), "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-m", "rialto", *words]
    return subprocess.run(
        argv,
        env=environ,
        cwd=home.parent,
        capture_output=True,
        text=True,
        timeout=END_S,
        check=False,
    )


def test_a_drill_proves_a_backup_and_leaves_nothing(backup: Path, tmp_path: Path) -> None:
    done = rialto("restore", "--drill", str(backup), home=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    for name in ("redis", "verify", "proof", "history"):
        assert f"{name:<13} proven in" in done.stdout
    assert done.stdout.endswith("This backup can be restored.\n")
    assert list(tmp_path.iterdir()) == []


def test_a_history_that_differs_from_its_events_fails_the_drill(
    backup: Path, tmp_path: Path
) -> None:
    forged = tmp_path / "forged"
    shutil.copytree(backup, forged)
    with contextlib.closing(sqlite3.connect(forged / "history.db")) as database:
        database.execute("UPDATE ledger SET available = available + 1 WHERE sequence = 20")
        database.execute("DELETE FROM order_changes WHERE sequence < 100")
        database.commit()
    (forged / SEAL).unlink()
    seal(forged)
    done = rialto("restore", "--drill", str(forged), home=tmp_path / "home")
    assert done.returncode == 1
    assert "The history differs from the events in" in done.stderr


def test_restored_by_the_command_it_is_a_home_and_not_twice(backup: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert rialto("restore", str(backup), "--home", str(home), home=home).returncode == 0
    assert (home / "version.json").is_file()
    again = rialto("restore", str(backup), "--home", str(home), home=home)
    assert again.returncode == 1
    assert "not an empty folder" in again.stderr


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

"""A backup is what a power cut would have left at one instant, and goes on from there."""

import asyncio
import contextlib
import os
import shutil
from pathlib import Path
from random import Random

import pytest
import redis

from engine.core.exchange import Limits
from engine.proof import read_proof
from engine.redis_link import RedisLink
from engine.verify import verify
from history.backup.backup import Made, make_backup
from history.backup.errors import BackupError
from history.backup.files import SEAL
from history.backup.manifest import read_manifest
from history.backup.restoring import restore
from rialto.versions import RedisBinary
from shared.messages import Command, Deposit
from shared.wire import CommandResult
from tests.conftest import redis_binaries
from tests.history.backup.stage import KEYS, Ahead, archived, archived_all, loaded, newest, staged

Answers = list[tuple[Command, CommandResult]]


async def _backed_up(
    binary: RedisBinary, home: Path, folder: Path, seed: int
) -> tuple[Made, Answers]:
    """Make a backup under load; return the answers that were there before it began."""
    with staged(binary, home) as stage:
        (home / "version.json").write_bytes(b'{"data_version": 3, "home_id": "kept"}')
        (home / "secrets").mkdir()
        (home / "secrets" / "vault.key").write_text("secret")
        beside = Ahead(home)
        async with loaded(stage, seed) as load:
            await load.open_venue()
            async with load.working():
                await load.progress(100)
                await archived(stage)
                writing = asyncio.create_task(beside.run(stage))
                await load.progress(50)
                before = list(load.answers.values())
                made = await make_backup(stage.settings, folder)
                beside.stop()
                await writing
                await load.progress(20)
    return made, before


async def _goes_on(binary: RedisBinary, home: Path, before: Answers, seed: int) -> None:
    with staged(binary, home) as stage:
        with contextlib.closing(redis.Redis.from_url(stage.server.url)) as client:
            effect = int(client.get("effect") or 0)
        assert newest(home / "history.db") <= effect <= newest(home / "users.db")
        assert newest(home / "users.db") - newest(home / "history.db") <= 1
        async with loaded(stage, seed + 1) as load:
            for command, result in before:
                await load.settle(command)
                again = load.answers[command.account_id, command.idempotency_key][1]
                assert again == result, f"{result} became {again}"
            for number in range(30):
                await load.settle(
                    Deposit(account_id=1, asset="INR", amount_atoms=7, idempotency_key=f"m{number}")
                )
            await archived_all(stage)
        with contextlib.closing(RedisLink(stage.server.url)) as link:
            link.open()
            assert read_proof(link, KEYS).proof.adds_up


async def test_a_restored_exchange_has_all_that_was_answered_and_goes_on(
    redis_binary: RedisBinary, tmp_path: Path, seed: int
) -> None:
    made, before = await _backed_up(redis_binary, tmp_path / "old", tmp_path / "backup", seed)
    assert len(before) >= 100
    home = tmp_path / "new"
    assert restore(tmp_path / "backup", home) == made.manifest
    assert (home / "secrets" / "vault.key").stat().st_mode & 0o777 == 0o600
    verdict = verify(home / "archive", Limits())
    assert verdict.ok, verdict.fault
    assert verdict.sequence == made.manifest.events_archive.number <= made.manifest.sequence
    await _goes_on(redis_binary, home, before, seed)
    after = verify(home / "archive", Limits())
    assert after.ok, after.fault
    assert after.position > made.manifest.position


@pytest.fixture(scope="module")
def backup(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept")
    asyncio.run(_backed_up(redis_binaries()[0], folder / "old", folder / "backup", 1))
    return folder / "backup"


def test_a_byte_that_was_changed_anywhere_is_refused_by_name(
    backup: Path, tmp_path: Path, seed: int
) -> None:
    random = Random(seed)
    for path in sorted(path for path in backup.rglob("*") if path.is_file()):
        whole = path.read_bytes()
        place = random.randrange(len(whole))
        changed = whole[:place] + bytes([whole[place] ^ 1 << random.randrange(8)])
        path.write_bytes(changed + whole[place + 1 :])
        # In the list itself it is the list, or the file whose line was changed.
        words = str(backup) if path.name == SEAL else str(path)
        with pytest.raises(BackupError, match=words):
            restore(backup, tmp_path / "new")
        path.write_bytes(whole)
    assert not (tmp_path / "new").exists()
    restore(backup, tmp_path / "new")


def test_a_file_too_few_or_too_many_is_refused_by_name(backup: Path, tmp_path: Path) -> None:
    (backup / "more").write_text("")
    with pytest.raises(BackupError, match="more does not belong"):
        restore(backup, tmp_path / "new")
    (backup / "more").unlink()
    vault = backup / "secrets" / "vault.key"
    text = vault.read_bytes()
    vault.unlink()
    with pytest.raises(BackupError, match=r"vault\.key is missing"):
        restore(backup, tmp_path / "new")
    vault.write_bytes(text)
    assert not (tmp_path / "new").exists()


def test_only_an_empty_folder_is_restored_into(backup: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(BackupError, match="not an empty folder"):
        restore(backup, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_backup_that_lacks_its_end_is_refused(backup: Path, tmp_path: Path) -> None:
    half = tmp_path / "half"
    shutil.copytree(backup, half)
    (half / SEAL).unlink()
    with pytest.raises(BackupError, match="cut short"):
        restore(half, tmp_path / "new")
    assert read_manifest(backup).position > 0
    assert os.listdir(tmp_path) == ["half"]

"""`rialto restore`: a home made of a backup.

The rule of this file: every hash is right before the first byte is written, into an empty folder
only, and again as it is written. `version.json` comes last: a home without it is refused by `rialto
up`, so one that was restored by half never runs.
"""

import contextlib
from pathlib import Path
from uuid import uuid4

import msgspec

from history.backup.errors import BackupError
from history.backup.files import check_seal, copy_file, make_folder, sync_folders, write_file
from history.backup.instant import check_standing
from history.backup.manifest import MANIFEST, Manifest, read_manifest
from history.backup.names import RDB_FILE, VERSION_FILE
from shared.channels import Keys
from shared.redis_client import connect_async

IGNORED = frozenset({"lost+found"})  # An empty disk of its own comes with this.
# Redis 7 reads the files that a list names, an older one a single file; both may begin as an RDB.
AOF_OF_6 = "redis/appendonly.aof"
AOF_OF_7 = "redis/appendonlydir/appendonly.aof.1.base.rdb"
AOF_LIST = "redis/appendonlydir/appendonly.aof.manifest"
AOF_LIST_TEXT = b"file appendonly.aof.1.base.rdb seq 1 type b\n"


class _Version(msgspec.Struct, frozen=True):
    data_version: int
    home_id: str
    redis_program: str = ""
    redis_version: str = "0.0.0"


def restore(folder: Path, home: Path) -> Manifest:
    """Make a home of a backup; raises BackupError, and changes nothing if anything is wrong."""
    hashes = check_seal(folder)
    manifest = read_manifest(folder)
    version = _version(folder, manifest)
    _refuse_filled(home)
    try:
        make_folder(home)
        for name, wanted in hashes.items():
            if name in (MANIFEST, VERSION_FILE):
                continue
            target = home / _target(name, manifest)
            if copy_file(folder / name, target) != wanted:
                raise BackupError(f"{folder / name} was changed while it was restored.")
        if _is_7(manifest):
            write_file(home / AOF_LIST, AOF_LIST_TEXT)
        sync_folders(home)
        write_file(home / VERSION_FILE, version)
        sync_folders(home)
    except OSError as error:
        raise BackupError(f"{home} cannot be written ({error}).") from error
    return manifest


def _version(folder: Path, manifest: Manifest) -> bytes:
    """An older Redis than the one that gave the data must not open them."""
    path = folder / VERSION_FILE
    try:
        version = msgspec.json.decode(path.read_bytes(), type=_Version)
    except FileNotFoundError:  # Services in containers mark no folder.
        version = _Version(data_version=manifest.data_version, home_id=uuid4().hex)
    except (OSError, msgspec.DecodeError) as error:
        raise BackupError(f"{path} cannot be read ({error}).") from error
    version = msgspec.structs.replace(
        version, redis_program=manifest.redis_program, redis_version=manifest.redis_version
    )
    return msgspec.json.format(msgspec.json.encode(version), indent=2) + b"\n"


def _refuse_filled(home: Path) -> None:
    if home.is_dir() and not {path.name for path in home.iterdir()} - IGNORED:
        return
    if home.exists() or home.is_symlink():
        raise BackupError(f"{home} is not an empty folder: name a new one with --home.")


def _target(name: str, manifest: Manifest) -> str:
    if name != RDB_FILE:
        return name
    return AOF_OF_7 if _is_7(manifest) else AOF_OF_6


def _is_7(manifest: Manifest) -> bool:
    return int(manifest.redis_version.partition(".")[0]) >= 7


async def check_redis(redis_url: str, keys: Keys, manifest: Manifest) -> None:
    """Check that a Redis on restored files has what the manifest says; raises BackupError."""
    wanted = manifest.position, manifest.sequence, manifest.journal
    async with contextlib.aclosing(connect_async(redis_url)) as client:
        await check_standing(client, keys, wanted)

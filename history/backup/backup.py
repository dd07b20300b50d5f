"""`rialto backup`: everything that lasts, copied while the exchange runs.

The rule of this file: every part is of one instant, or cannot change after it. Redis, users and
history are snapshots of the instant; the archive is cut where Redis said at the instant that it
ends, so each entry is in the archive or in the streams; snapshots and days are files that are
written once. The seal comes last.
"""

import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import redis
import sqlalchemy as sa
from redis.asyncio import Redis

from history.backup.databases import (
    Database,
    Databases,
    NoDatabase,
    PostgresDatabase,
    history_sequence,
    sqlite_if_there,
)
from history.backup.errors import BackupError
from history.backup.files import copy_file, make_folder, seal, size_of, write_file
from history.backup.instant import Standing, take_instant
from history.backup.manifest import FORMAT, MANIFEST, ArchiveEnd, Manifest, manifest_bytes
from history.backup.names import (
    RDB_FILE,
    USERS_FILE,
    VERSION_FILE,
    program_version,
)
from history.backup.replica import Replica
from history.sql.tables import SCHEMA
from shared.archive import WRITERS, ArchiveError, end_of_record, segments_until
from shared.channels import Keys
from shared.home import history_database, read_run_redis_url, secrets_dir, users_database
from shared.redis_client import connect_async
from shared.settings import Settings

KINDS = ("journal", "events")
SQLITE = "sqlite"  # A URL of a file begins so.


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made, and how long it took."""

    manifest: Manifest
    bytes: int
    writers_waited_s: float


async def make_backup(
    settings: Settings,
    folder: Path,
    *,
    with_postgresql: bool = True,
    on_step: Callable[[str], None] = lambda _step: None,
) -> Made:
    """Make a backup in a new or empty folder; raises BackupError, and leaves half a backup then,
    which a restore refuses.
    """
    begun_s = time.monotonic()
    redis_url = settings.redis_url or read_run_redis_url(settings.home_path)
    if not redis_url:
        raise BackupError(
            f"No exchange runs in {settings.home_path}: start it with `rialto up`, or name its "
            "Redis with RIALTO_REDIS_URL."
        )
    _claim(folder)
    keys = Keys(settings.venue)
    databases = databases_of(settings, with_postgresql=with_postgresql)
    try:
        async with _opened(redis_url, databases) as (client, replica):
            about = await client.info("server")
            on_step("instant")
            standing, waited_s = await take_instant(client, keys, replica, databases.begin)
            on_step("redis")
            await replica.receive(folder / RDB_FILE)
            await replica.close()
            if not settings.redis_url:  # Our own Redis has left its copy, as large as itself.
                (settings.home_path / RDB_FILE).unlink(missing_ok=True)
            on_step("databases")
            for database in databases:
                await database.copy(folder)
    except (redis.RedisError, TimeoutError) as error:
        raise BackupError(f"Redis cannot be copied ({error or 'it is silent'}).") from error
    except OSError as error:
        raise BackupError(f"The backup in {folder} cannot be written ({error}).") from error
    on_step("files")
    manifest = _files(settings, folder, standing, databases, about, begun_s=begun_s)
    write_file(folder / MANIFEST, manifest_bytes(manifest))
    on_step("seal")
    seal(folder)
    return Made(manifest, size_of(folder), waited_s)


def _claim(folder: Path) -> None:
    try:
        make_folder(folder)
        if any(folder.iterdir()):
            raise BackupError(f"{folder} is not empty: name a new folder for each backup.")
        folder.chmod(0o700)
    except OSError as error:
        raise BackupError(f"{folder} cannot be made ({error.strerror}).") from error


@contextlib.asynccontextmanager
async def _opened(redis_url: str, databases: Databases) -> AsyncIterator[tuple[Redis, Replica]]:
    client, replica = connect_async(redis_url, pool_size_max=1), Replica(redis_url)
    try:
        await replica.open()
        for database in databases:
            await database.open()
        yield client, replica
    finally:
        await replica.close()
        await client.aclose()
        for database in databases:
            await database.close()


def databases_of(settings: Settings, *, with_postgresql: bool = True) -> Databases:
    """Return the databases of users and history; raises BackupError."""
    home, users_url = settings.home_path, settings.database_url
    history_url = settings.history_database_url or users_url
    # The history is in no other file than its own; users are in the one that is named.
    is_file = history_url.startswith(SQLITE)
    if not users_url or users_url.startswith(SQLITE):
        named = sa.make_url(users_url).database if users_url else ""
        users = sqlite_if_there(Path(named) if named else users_database(home), USERS_FILE)
    else:
        users = _on_server(users_url, "users", "", with_postgresql)
    if not history_url or is_file:
        return Databases(users, sqlite_if_there(history_database(home)))
    if history_url == users_url:
        return Databases(users, _Shared(users.kind))  # Its schema is in that dump.
    return Databases(users, _on_server(history_url, "history", SCHEMA, with_postgresql))


def _on_server(url: str, name: str, schema: str, with_postgresql: bool) -> Database:
    return PostgresDatabase(url, name, schema=schema) if with_postgresql else NoDatabase()


class _Shared(NoDatabase):
    def __init__(self, kind: str) -> None:
        self.kind = kind


def _files(
    settings: Settings,
    folder: Path,
    standing: Standing,
    databases: Databases,
    about: dict[str, Any],
    *,
    begun_s: float,
) -> Manifest:
    try:
        ends = _copy_archive(settings.archive_path, folder / "archive", standing)
        _copy_all(secrets_dir(settings.home_path), folder / "secrets")
        _copy_all(settings.parquet_path, folder / "parquet")
        _copy_snapshots(settings.snapshot_path, folder / "snapshots", standing.position)
        version = settings.home_path / VERSION_FILE
        if version.is_file():
            copy_file(version, folder / VERSION_FILE)
        recorded = history_sequence(history_database(folder))
    except OSError as error:
        raise BackupError(f"The backup in {folder} cannot be written ({error}).") from error
    except ArchiveError as error:
        raise BackupError(str(error)) from error
    if recorded is not None and recorded > standing.sequence:
        raise BackupError(
            f"The history is ahead of Redis ({recorded} after {standing.sequence}): it is of "
            "another exchange."
        )
    is_valkey = about.get("server_name") == "valkey"
    return Manifest(
        format=FORMAT,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        program_version=program_version(),
        venue=settings.venue,
        data_version=standing.data_version,
        redis_program="valkey" if is_valkey else "redis",
        redis_version=str(about["valkey_version" if is_valkey else "redis_version"]),
        position=standing.position,
        sequence=standing.sequence,
        journal=standing.journal,
        at_ns=standing.at_ns,
        journal_archive=ends["journal"],
        events_archive=ends["events"],
        users=databases.users.kind,
        history=databases.history.kind,
        history_sequence=recorded,
        seconds=time.monotonic() - begun_s,
    )


def _copy_archive(source: Path, target: Path, standing: Standing) -> dict[str, ArchiveEnd]:
    cursors = {"journal": standing.journal_cursor, "events": standing.events_cursor}
    ends = {kind: ArchiveEnd() for kind in KINDS}
    make_folder(target)
    for kind, text in cursors.items():
        number, _, chain = text.partition(" ")
        if not int(number or 0):
            continue
        found = end_of_record(source, kind, int(number))
        if found.chain.hex() != chain:
            raise BackupError(f"The archive in {source} is not that of this Redis.")
        for path, size in segments_until(source, found, kind):
            copy_file(path, target / path.name, size=size)
        ends[kind] = ArchiveEnd(number=int(number), chain=chain)
    if (source / WRITERS).is_file():
        copy_file(source / WRITERS, target / WRITERS)
    return ends


def _copy_all(source: Path, target: Path) -> None:
    if not source.is_dir():
        return
    for path in sorted(source.rglob("*")):
        # A name with a dot is being written just now, and gets its own when it is whole.
        if path.is_file() and not path.name.startswith("."):
            copy_file(path, target / path.relative_to(source))


def _copy_snapshots(source: Path, target: Path, position: int) -> None:
    for path in sorted(source.glob("snapshot-*.rialto")):
        with contextlib.suppress(FileNotFoundError):  # Pruned meanwhile, for a newer one.
            if int(path.stem.rpartition("-")[2]) <= position:
                copy_file(path, target / path.name)

"""An exchange of real processes to be backed up, and one that is made of a backup.

The rule of this file: Redis, engine and archiver are the real ones; only the gateway is missing,
whose part in the users' database a thread plays.
"""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import redis
import redis.asyncio

from history.projection.rows import CursorRow
from history.sql.database import open_history
from history.sql.loading import load_cursor, load_recording
from history.sql.writer import write
from rialto.versions import RedisBinary
from shared.channels import Keys
from shared.settings import Settings, load_settings
from shared.wire import decode_batch
from tests.support.bus_load import BusLoad, opened_load
from tests.support.deadlines import eventually_async
from tests.support.processes import Service
from tests.support.redis_server import RedisServer, running_redis

VENUE = "kept"
KEYS = Keys(VENUE)
VERSION = b'{"data_version": 3, "home_id": "kept"}'


class Stage:
    """A home and its processes."""

    def __init__(self, server: RedisServer, home: Path) -> None:
        self.server = server
        self.home = home
        changes = {"redis_url": server.url, "venue": VENUE, "home": str(home)}
        self.settings: Settings = msgspec.structs.replace(load_settings({}), **changes)
        options = {
            "redis_url": server.url,
            "venue": VENUE,
            "demo_markets": "false",
            "standby": "false",
        }
        self.services = [
            Service("engine", home, options, label=f"{home.name}-engine"),
            Service("engine", home, options, arguments=["archive"], label=f"{home.name}-archive"),
        ]

    def start(self) -> None:
        for service in self.services:
            service.start()

    def kill(self) -> None:
        for service in self.services:
            if service.is_running:
                service.kill()


@contextlib.contextmanager
def staged(binary: RedisBinary, home: Path) -> Iterator[Stage]:
    """Run an exchange in a home, new or restored, on a Redis in its own folder."""
    (home / "redis").mkdir(parents=True, exist_ok=True)
    with running_redis(binary, home / "redis") as server:
        stage = Stage(server, home)
        stage.start()
        try:
            yield stage
        finally:
            stage.kill()


@contextlib.asynccontextmanager
async def loaded(stage: Stage, seed: int) -> AsyncIterator[BusLoad]:
    async with opened_load(stage.server.url, VENUE, seed) as load:
        yield load


async def archived(stage: Stage) -> None:
    """Wait until the archiver has written something."""
    await eventually_async(lambda: any((stage.home / "archive").glob("events-*.segment")))


async def archived_all(stage: Stage) -> None:
    """Wait until all that is committed now is in the archive."""
    with contextlib.closing(redis.Redis.from_url(stage.server.url)) as client:
        sequence = int(client.hget(KEYS.meta, "sequence") or 0)

        def is_there() -> bool:
            cursor = client.get(KEYS.cursor("events")) or b"0"
            assert isinstance(cursor, bytes)
            return int(cursor.partition(b" ")[0]) >= sequence

        await eventually_async(is_there)


async def record(stage: Stage) -> None:
    """Write the history of all that is committed, as the recorder does, or go on with it."""
    database = await open_history(stage.home, "")
    try:
        async with database.reading() as connection:
            after, recording = await load_cursor(connection), await load_recording(connection)
        async with redis.asyncio.from_url(stage.server.url) as client:
            begin = f"({after.sequence}-0" if after else "-"
            rows: Any = await client.xrange(KEYS.events, begin, "+")
            for name, fields in rows:
                last = None
                for last in decode_batch(fields[b"e"]):
                    recording.take(last)
                assert last is not None
                cursor = CursorRow(int(name[:-2]), last.n, last.at_ns, "digest")
                await write(database, recording.finish(), cursor, after)
                after = cursor
    finally:
        await database.close()


class Ahead:
    """A users' database of which a row is written before each effect in Redis, as a gateway does;
    and one, in the place of the history, that is written only after.
    """

    def __init__(self, home: Path) -> None:
        self._stop = threading.Event()
        self.users, self.after = home / "users.db", home / "history.db"
        for path in (self.users, self.after):
            with contextlib.closing(sqlite3.connect(path)) as database:
                database.execute("PRAGMA journal_mode=WAL")
                database.execute("CREATE TABLE seen (number INTEGER PRIMARY KEY)")
                database.commit()

    async def run(self, stage: Stage) -> None:
        async with redis.asyncio.from_url(stage.server.url) as client:
            with (
                contextlib.closing(sqlite3.connect(self.users)) as before,
                contextlib.closing(sqlite3.connect(self.after)) as after,
            ):
                number = 0
                while not self._stop.is_set():
                    number += 1
                    before.execute("INSERT INTO seen VALUES (?)", (number,))
                    before.commit()
                    await client.set("effect", number)
                    after.execute("INSERT INTO seen VALUES (?)", (number,))
                    after.commit()
                    await asyncio.sleep(0)

    def stop(self) -> None:
        self._stop.set()


def newest(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as database:
        return int(database.execute("SELECT coalesce(max(number), 0) FROM seen").fetchone()[0])

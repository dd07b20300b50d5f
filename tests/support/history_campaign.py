"""A venue that trades, recorders of it as processes, and whatever kills them.

The rule of this file: it starts, kills and starts again, as a supervisor would; what ought to be in
the databases is reckoned from the archive alone, in memory.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from pathlib import Path

import redis
import sqlalchemy as sa

from history.projection.rows import CursorRow
from history.sql.database import HistoryDatabase, open_history
from history.sql.loading import load_cursor
from history.sql.tables import METADATA
from rialto.embedded_redis import choose_port
from shared.archive import read_records
from shared.channels import Keys
from shared.messages import Applied
from shared.redis_client import connect
from shared.wire import decode_batch
from tests.support.deadlines import eventually_async
from tests.support.history_trading import Traders
from tests.support.memory_history import TABLES, Tables, in_order
from tests.support.processes import Service
from tests.support.redis_server import RedisServer
from tests.support.venue import Venue
from tests.support.zygote import ForkedService

VENUE = "history"
LEASE_TTL_MS = 400
COMMANDS_PER_TURN = 10
TURN_S = 0.05  # With the above two hundred commands a second, while processes come and go.
KEEPER_PAUSE_S = 0.02
LOADING_MAX_S = 0.3  # A life of this length may have written or not.
WRITING_MAX_S = 0.2
END_DEADLINE_S = 60.0


class Campaign:
    """Redis, engine, standby, archiver and recorders; what `keep` finds dead it starts again."""

    def __init__(self, server: RedisServer, folder: Path, seed: int) -> None:
        self.redis = server
        self.random = random.Random(seed)
        self.traders = Traders(seed)
        self._folder = folder
        self._keys = Keys(VENUE)
        self._settings = {
            "redis_url": server.url,
            "venue": VENUE,
            "lease_ttl_ms": LEASE_TTL_MS,
            "demo_markets": "false",
            "archive_dir": folder / "archive",
        }
        self.services: dict[str, Service] = {}
        self.recorders: dict[str, ForkedService] = {}
        self._urls: dict[str, str] = {}
        self._held = ""  # Who stays dead for a while.
        self._databases: dict[str, HistoryDatabase] = {}
        for name, arguments in (("engine", []), ("archive", ["archive"])):
            self._add("engine", name, {"engine_owner": name}, arguments)

        with contextlib.closing(Venue(server.url, VENUE)) as venue:
            venue.seed()

    def add_standby(self) -> None:
        self._add("engine", "standby", {"engine_owner": "standby"})

    def add_recorder(self, name: str, database_url: str) -> None:
        """Have a recorder with a database of its own; "" is SQLite."""
        self._urls[name] = database_url
        settings = {"history_database_url": database_url, "history_port": choose_port()}
        home = self._home(name)
        home.mkdir(parents=True)
        recorder = ForkedService("history", home, {**self._settings, **settings}, name)
        self.services[name] = self.recorders[name] = recorder

    def _add(
        self,
        program: str,
        name: str,
        settings: dict[str, object],
        arguments: list[str] | None = None,
    ) -> None:
        home = self._home(name)
        home.mkdir(parents=True)
        self.services[name] = Service(
            program, home, {**self._settings, **settings}, arguments=arguments or [], label=name
        )

    def _home(self, name: str) -> Path:
        return self._folder / name / "home"

    # ---- running ----

    async def keep(self) -> None:
        """Start whatever does not run, again and again."""
        while True:
            for name, service in self.services.items():
                if not service.is_running and self.redis.is_running() and name != self._held:
                    service.start()
            await asyncio.sleep(KEEPER_PAUSE_S)

    async def trade(self) -> None:
        """Have people trade; what Redis does not take while it is away is given up."""
        while True:
            with (
                contextlib.suppress(redis.RedisError, OSError),
                contextlib.closing(Venue(self.redis.url, VENUE)) as venue,
            ):
                await self._trade_on(venue)
            await asyncio.sleep(TURN_S)

    async def _trade_on(self, venue: Venue) -> None:
        while True:
            venue.journal(*self.traders.commands(COMMANDS_PER_TURN))
            await asyncio.sleep(TURN_S)

    async def live(self, name: str, *, is_short: bool = False) -> None:
        """Let a part of a recorder's life pass: a short one ends while it loads or writes first,
        another one some time after it has written something.
        """
        recorder = self.recorders[name]
        await eventually_async(lambda: recorder.is_running)
        if is_short:
            await asyncio.sleep(self.random.uniform(0.0, LOADING_MAX_S))
            return
        begun = await self.cursor(name)

        async def has_written() -> bool:
            return await self.cursor(name) != begun

        await eventually_async(has_written, END_DEADLINE_S)
        await asyncio.sleep(self.random.uniform(0.0, WRITING_MAX_S))

    async def pause(self) -> None:
        """Let as much time pass as a kill lets."""
        await asyncio.sleep(self.random.uniform(0.0, WRITING_MAX_S))

    async def takeover(self) -> None:
        """Kill the engine that has the venue, and wait until another one has done something."""
        self._held = owner = await eventually_async(self.owner, END_DEADLINE_S)
        if self.services[owner].is_running:
            self.services[owner].kill()
        await eventually_async(lambda: self.owner() not in ("", owner), END_DEADLINE_S)
        self._held = ""
        before = self.position()
        await eventually_async(lambda: self.position() > before, END_DEADLINE_S)

    def owner(self) -> str:
        """Return which engine has the lease."""
        with contextlib.closing(connect(self.redis.url)) as client:
            owner = client.get(self._keys.lease)
        return owner.decode() if isinstance(owner, bytes) else ""

    def position(self) -> int:
        """Return how far the venue is."""
        with contextlib.closing(connect(self.redis.url)) as client:
            return int(client.hget(self._keys.meta, "position") or 0)

    # ---- what is there, and what ought to be ----

    def events(self) -> list[Applied]:
        """Return all events that are archived."""
        records = read_records(self._folder / "archive", "events", torn_end=True)
        return [applied for record in records for applied in decode_batch(record.payload)]

    async def cursor(self, name: str) -> CursorRow | None:
        """Return how far a recorder is."""
        async with (await self._database(name)).reading() as connection:
            return await load_cursor(connection)

    async def stored(self, name: str) -> Tables:
        """Return the rows of a recorder."""
        async with (await self._database(name)).reading() as connection:
            found: Tables = {}
            for table in TABLES:
                rows = await connection.execute(sa.select(METADATA.tables[table]))
                found[table] = [tuple(row) for row in rows]
        return in_order(found)

    async def _database(self, name: str) -> HistoryDatabase:
        if name not in self._databases:
            self._databases[name] = await open_history(self._home(name), self._urls[name])
        return self._databases[name]

    async def settled(self) -> list[Applied]:
        """Wait until every command is carried out and archived; return all events."""
        venue = Venue(self.redis.url, VENUE)

        def is_settled() -> list[Applied] | None:
            n = int(venue.redis.get(venue.keys.n) or 0)
            if int(venue.meta("position") or 0) != n:
                return None
            events = self.events()
            return events if events and events[-1].n == n else None

        try:
            return await eventually_async(is_settled, END_DEADLINE_S)
        finally:
            venue.close()

    async def written(self, name: str, n: int) -> Tables:
        """Wait until a recorder has written entry `n`; return its rows."""

        async def reached() -> bool:
            cursor = await self.cursor(name)
            return cursor is not None and cursor.n == n

        try:
            await eventually_async(reached, END_DEADLINE_S)
        except AssertionError as error:
            raise AssertionError(self.logs()) from error
        return await self.stored(name)

    def logs(self) -> str:
        """Return the last words of all services."""
        return "\n".join(
            f"--- {name}\n{service.log_tail()}"
            for name, service in self.services.items()
            if service.log_path.exists()
        )

    async def close(self) -> None:
        """End what still runs."""
        for service in self.services.values():
            if service.is_running:
                service.kill()
        for recorder in self.recorders.values():
            recorder.close()
        while self._databases:
            await self._databases.popitem()[1].close()


@contextlib.asynccontextmanager
async def running_campaign(campaign: Campaign) -> AsyncIterator[Campaign]:
    """Run it for as long as the block lasts."""
    keeper = asyncio.create_task(campaign.keep())
    try:
        yield campaign
        if keeper.done():
            keeper.result()
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        await campaign.close()


@contextlib.asynccontextmanager
async def trading(campaign: Campaign) -> AsyncIterator[None]:
    """Have people trade for as long as the block lasts."""
    traders = asyncio.create_task(campaign.trade())
    try:
        yield
        if traders.done():
            traders.result()
    finally:
        traders.cancel()
        await asyncio.gather(traders, return_exceptions=True)

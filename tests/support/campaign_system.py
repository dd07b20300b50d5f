"""The whole exchange as processes, for campaigns that kill them.

The rule of this file: it starts, kills and starts again, as a supervisor would, and knows nothing
of orders.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from rialto.embedded_redis import choose_port
from shared.channels import Keys
from shared.redis_client import connect
from tests.support.deadlines import eventually_async
from tests.support.processes import Service
from tests.support.redis_server import RedisServer

VENUE = "rialto"
LEASE_TTL_MS = 500
REPLY_TIMEOUT_MS = 300  # Shorter than an engine's start, so that clients are told 202 as well.
ANSWER_DEADLINE_S = 45.0  # Redis may be killed again and again while a service starts.
TAKEN_OVER = "taken_over_from_memory"
SNAPSHOT_INTERVAL_S = 2  # So that kills hit snapshots, too.
KEEPER_PAUSE_S = 0.05  # Sooner than the supervisor, so that kills hit starts as well.


class System:
    """Redis, engine, standby, archiver, history, gateway and broadcaster; `keep` runs beside
    whatever kills them.
    """

    def __init__(self, redis: RedisServer, folder: Path) -> None:
        self.redis = redis
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        self.keys = Keys(VENUE)
        api_port, admin_port, ws_port = choose_port(), choose_port(), choose_port()
        history_port = choose_port()
        self.api_url = f"http://127.0.0.1:{api_port}"
        self.admin_url = f"http://127.0.0.1:{admin_port}"
        self.ws_url = f"ws://127.0.0.1:{ws_port}/ws"
        self.entry_url = f"ws://127.0.0.1:{api_port}/api/v1/ws"
        settings = {
            "redis_url": redis.url,
            "venue": VENUE,
            "api_port": api_port,
            "admin_port": admin_port,
            "ws_port": ws_port,
            "history_port": history_port,
            "lease_ttl_ms": LEASE_TTL_MS,
            "reply_timeout_ms": REPLY_TIMEOUT_MS,
            "engine_owner": "campaign",
            "demo_markets": "false",
            "token_lifetime_s": 86_400,  # A campaign may take longer than a session should.
            "snapshot_interval_s": SNAPSHOT_INTERVAL_S,
        }
        self.doors = {"api": api_port, "broadcaster": ws_port, "history": history_port}
        self.services = {
            "engine": Service("engine", self.home, settings),
            "standby": Service(
                "engine",
                self.home,
                {**settings, "engine_owner": "campaign-standby"},
                label="standby",
            ),
            "archive": Service(
                "engine", self.home, settings, arguments=["archive"], label="archive"
            ),
            "history": Service("history", self.home, settings),
            "api": Service("api", self.home, settings),
            "broadcaster": Service("broadcaster", self.home, settings),
        }
        self.restarts = 0

    @property
    def archive(self) -> Path:
        return self.home / "archive"

    async def keep(self) -> None:
        """Start whatever does not run, again and again, until cancelled."""
        while True:
            for service in self.services.values():
                if not service.is_running and self.redis.is_running():
                    service.start()
                    self.restarts += 1
            await asyncio.sleep(KEEPER_PAUSE_S)

    async def running(self, name: str) -> None:
        """Wait until a service runs (again)."""
        service = self.services[name]
        await eventually_async(lambda: service.is_running)

    async def answering(self, name: str) -> None:
        """Wait until the door of a service takes connections."""
        await eventually_async(lambda: _takes_connections(self.doors[name]), ANSWER_DEADLINE_S)

    def position(self) -> int:
        """Return how far the venue is; the caller knows that Redis runs."""
        with contextlib.closing(connect(self.redis.url)) as client:
            return int(client.hget(self.keys.meta, "position") or 0)

    def halt_reason(self) -> str:
        with contextlib.closing(connect(self.redis.url)) as client:
            reason = client.hget(self.keys.meta, "halt")
            return reason.decode() if isinstance(reason, bytes) else ""

    def takeovers(self) -> int:
        """Return how often a standby has gone on from its memory."""
        logs = (self.services[name].log_path for name in ("engine", "standby"))
        return sum(path.read_text(errors="replace").count(TAKEN_OVER) for path in logs)

    def logs(self) -> str:
        """Return the last words of all services."""
        return "\n".join(
            f"--- {name}\n{service.log_tail()}"
            for name, service in self.services.items()
            if service.log_path.exists()
        )

    def stop(self) -> None:
        for service in self.services.values():
            if service.is_running:
                service.kill()


async def _takes_connections(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


@contextlib.asynccontextmanager
async def running_system(redis: RedisServer, folder: Path) -> AsyncIterator[System]:
    """Run the whole for as long as the block lasts, and start again what dies."""
    system = System(redis, folder)
    keeper = asyncio.create_task(system.keep())
    try:
        yield system
        if keeper.done():
            keeper.result()
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        system.stop()

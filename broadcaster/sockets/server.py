"""The sockets of a server: where they listen, who looks after them, how all of them end.

The rule of this file: it moves no bytes. One task writes, one looks after everybody, whether there
are ten connections or ten thousand.
"""

import asyncio
import random
import socket
import time
from collections.abc import Callable, Mapping

from broadcaster.channels.hub import Hub
from broadcaster.clients.limits import ConnectionCount
from broadcaster.clients.session import Verify
from broadcaster.sockets.clock import Clock
from broadcaster.sockets.common import ROUNDS, Common
from broadcaster.sockets.connection import Connection
from broadcaster.sockets.door import Door
from broadcaster.sockets.gauges import LoopLag, ProcessGauges
from broadcaster.sockets.tickets import Redeem, Tickets, redeem_none
from broadcaster.sockets.writer import SLICE_NS
from shared.addresses import Proxies
from shared.tasks import spawn, stop

TICK_S = 0.05  # Times ROUNDS, everybody is looked after once a second.
BACKLOG = 4_096  # Connections of a reconnect storm that wait to be accepted.
SEND_BUFFER_BYTES = 64 * 1024  # In the kernel, which doubles it: what a stalled reader may hold.
SHUTDOWN_S = 3  # All goodbyes together, half-open handshakes too; then connections are cut.
RECONNECT_AFTER_MS_MAX = 5_000  # Ten thousand that come back over so long are no storm.


class FeedServer:
    """Serves a hub on a port; use `start` before and `close` after."""

    def __init__(
        self,
        hub: Hub,
        verify: Verify,
        *,
        origins: tuple[str, ...] = (),
        is_ready: Callable[[], bool] = lambda: True,
        metrics: Callable[[], dict[str, int]] = dict,
        connections: ConnectionCount | None = None,
        redeem: Redeem = redeem_none,
        proxies: Proxies | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._hub = hub
        self._metrics = metrics
        self._connections = ConnectionCount() if connections is None else connections
        door = Door(
            origins,
            has_room_for=self._connections.has_room_for,
            is_ready=is_ready,
            metrics=self._all_metrics,
        )
        self._common = Common(
            hub,
            verify,
            door,
            Tickets(redeem),
            self._connections,
            Proxies(()) if proxies is None else proxies,
            clock or Clock(),
        )
        self._servers: list[asyncio.Server] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._lag = LoopLag(time.monotonic())
        self._gauges = ProcessGauges()

    async def start(self, host: str, port: int, *, is_shared: bool = False) -> int:
        """Listen, at one place more if called again; return the port (0 asks for any).

        Where `is_shared`, other processes may listen, too. Raises OSError.
        """
        server = await asyncio.get_running_loop().create_server(
            lambda: Connection(self._common),
            host,
            port,
            backlog=BACKLOG,
            reuse_port=is_shared,
            start_serving=False,
        )
        self._servers.append(server)
        for listening in server.sockets:
            # What is accepted inherits it. The loop's own sockets do not take options.
            with socket.socket(fileno=listening.dup().detach()) as same:
                same.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        await server.start_serving()
        self._tasks = self._tasks or [
            spawn(self._common.writer.run(), "feed-writer"),
            spawn(self._watch(), "feed-watch"),
        ]
        return int(server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Say goodbye to every client and stop."""
        if not self._servers:
            return
        for server in self._servers:
            server.close()
        emptied = asyncio.Event()
        self._common.on_empty = emptied.set
        try:
            async with asyncio.timeout(SHUTDOWN_S):
                await self._say_goodbye()
                if self._common.total:
                    await emptied.wait()
        except TimeoutError:
            for member in self._common.everybody():
                member.abort()
            await emptied.wait()
        await stop(*self._tasks)
        await self._common.tickets.close()
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()

    def revoke(self, session_ids: frozenset[str]) -> None:
        """End every connection that speaks for one of these sessions, at once."""
        for member in self._common.opened:
            if member.session is not None:
                member.session.revoke(session_ids)

    @property
    def connection_count(self) -> int:
        return self._connections.total

    @property
    def lagged_count(self) -> int:
        """How often clients fell behind and got a fresh snapshot, since the start."""
        sessions = [member.session for member in self._common.opened]
        lagging = sum(session.delivery.lagged_count for session in sessions if session is not None)
        return self._common.counts.lagged + lagging

    async def _say_goodbye(self) -> None:
        slice_end_ns = time.perf_counter_ns() + SLICE_NS
        for member in self._common.everybody():
            if member.session is None:
                member.abort()
            else:
                member.session.restart(random.randrange(RECONNECT_AFTER_MS_MAX))
            if time.perf_counter_ns() >= slice_end_ns:
                await asyncio.sleep(0)
                slice_end_ns = time.perf_counter_ns() + SLICE_NS

    async def _watch(self) -> None:
        slot = 0
        while True:
            due_s = time.monotonic() + TICK_S
            await asyncio.sleep(TICK_S)
            at_s = time.monotonic()
            self._lag.add(at_s - due_s, at_s)
            now_s, now_ns = self._common.clock.monotonic_s(), self._common.clock.unix_ns()
            if slot == 0:
                self._hub.accounts.tick(now_ns)
            for member in tuple(self._common.rounds[slot]):
                member.look(now_s, now_ns)
            slot = (slot + 1) % ROUNDS

    def _all_metrics(self) -> Mapping[str, int]:
        subscriptions = sum(topic.subscriber_count for topic in self._hub.topics.values())
        return {
            "connections": self._connections.total,
            "sockets": self._common.total,
            "accounts": len(self._hub.accounts.listeners),
            "subscriptions": subscriptions,
            "lagged_total": self.lagged_count,
            **self._common.counts.as_metrics(),
            "loop_lag_max_us": self._lag.max_us,
            **self._gauges.read(time.monotonic()),
            **self._metrics(),
        }

"""The sockets: one reader and one writer for each client, and nothing that waits for another.

The rule of this file: it moves bytes and closes connections. What they say is `session`'s business.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from broadcaster.door import Door, address_of
from broadcaster.hub import Hub
from broadcaster.limits import MESSAGE_SIZE_MAX, ConnectionCount
from broadcaster.session import Session, Verify
from shared.logs import get_logger
from shared.tasks import spawn, stop

PING_INTERVAL_S = 20  # With the timeout, a dead peer is gone within 40 s.
PING_TIMEOUT_S = 20
OPEN_TIMEOUT_S = 5  # A handshake takes milliseconds; a slow one is an attack.
CLOSE_TIMEOUT_S = 2  # How long a client may take to say goodbye.
SHUTDOWN_S = 3  # All goodbyes together, half-open handshakes too; then connections are cut.
SEND_STALL_MAX_S = 30  # A client that takes nothing for so long does not read; it is cut off.
INCOMING_FRAMES_MAX = 16  # Read ahead per client; they are small.
WRITE_BUFFER_BYTES_MAX = 64 * 1024  # Per client, below our outbox.
TICK_S = 1.0  # How finely token expiry and ended connections are looked after.
BACKLOG = 4_096  # Connections of a reconnect storm that wait for the handshake.
SERVICE_RESTART = 1012
TRY_AGAIN_LATER = 1013

_log = get_logger(__name__)


class Client:
    """One connection with its session and what runs for it."""

    def __init__(self, connection: ServerConnection, hub: Hub, verify: Verify) -> None:
        self.connection = connection
        self.wake = asyncio.Event()
        self.session = Session(hub, verify, now_ns=time.time_ns(), on_output=self.wake.set)
        self.ended_ticks = 0
        self.closer: asyncio.Task[None] | None = None

    async def write(self) -> None:
        """Send what there is to send until the connection ends."""
        delivery = self.session.delivery
        try:
            while True:
                await self.wake.wait()
                self.wake.clear()
                while (data := delivery.next_message()) is not None:
                    async with asyncio.timeout(SEND_STALL_MAX_S):
                        await self.connection.send(data, text=True)
                if self.session.ending is not None:
                    await self.close()
                    return
        except TimeoutError:
            self.connection.transport.abort()
        except (ConnectionClosed, OSError):
            pass  # The reader sees it too and tidies up.

    async def close(self) -> None:
        """Close as the session's ending says."""
        ending = self.session.ending
        assert ending is not None, "only an ended session is closed"
        await self.connection.close(ending.code, ending.reason)

    def tick(self, now_ns: int) -> None:
        """Look after expiry, and after a writer that hangs on a client which has ended."""
        self.session.tick(now_ns)
        if self.session.ending is not None:
            self.ended_ticks += 1
            if self.ended_ticks > 1 and self.closer is None:
                self.closer = asyncio.create_task(self.close())


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
    ) -> None:
        self._hub = hub
        self._verify = verify
        self._metrics = metrics
        self._connections = ConnectionCount() if connections is None else connections
        self._door = Door(self._connections, origins, is_ready=is_ready, metrics=self._all_metrics)
        self._clients: set[Client] = set()
        self._lagged_before = 0  # By clients that have left.
        self._server: Server | None = None
        self._ticker: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; return the port (0 asks for any). Raises OSError when that is not possible."""
        self._server = await serve(
            self._serve,
            host,
            port,
            process_request=self._process_request,
            compression=None,
            server_header=None,
            open_timeout=OPEN_TIMEOUT_S,
            ping_interval=PING_INTERVAL_S,
            ping_timeout=PING_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            max_size=MESSAGE_SIZE_MAX,
            max_queue=INCOMING_FRAMES_MAX,
            write_limit=WRITE_BUFFER_BYTES_MAX,
            logger=_socket_logger(),
            backlog=BACKLOG,
        )
        self._ticker = spawn(self._tick_loop(), "feed-tick")
        return int(next(iter(self._server.sockets)).getsockname()[1])

    async def close(self) -> None:
        """Say goodbye to every client and stop."""
        if self._server is None:
            return
        self._server.close(code=SERVICE_RESTART, reason="the service restarts; reconnect")
        try:
            async with asyncio.timeout(SHUTDOWN_S):
                await self._server.wait_closed()
        except TimeoutError:
            for client in self._clients:
                client.connection.transport.abort()
        await stop(self._ticker)

    def revoke(self, session_ids: frozenset[str]) -> None:
        """End every connection that speaks for one of these sessions, at once."""
        for client in self._clients:
            client.session.revoke(session_ids)

    @property
    def connection_count(self) -> int:
        return self._connections.total

    @property
    def lagged_count(self) -> int:
        """How often clients fell behind and got a fresh snapshot, since the start."""
        lagging = sum(client.session.delivery.lagged_count for client in self._clients)
        return self._lagged_before + lagging

    def _process_request(self, connection: ServerConnection, request: Request) -> Response | None:
        return self._door(connection, request)

    async def _serve(self, connection: ServerConnection) -> None:
        address = address_of(connection)
        if not self._connections.enter(address):
            await connection.close(TRY_AGAIN_LATER, "too many connections")
            return
        client = Client(connection, self._hub, self._verify)
        self._clients.add(client)
        writer = spawn(client.write(), "feed-writer")
        try:
            async for message in connection:
                client.session.receive(message, time.time_ns())
        except ConnectionClosed:
            pass  # However it ended, it ended.
        finally:
            client.session.close()
            self._clients.discard(client)
            self._lagged_before += client.session.delivery.lagged_count
            self._connections.leave(address)
            await stop(writer, client.closer)

    async def _tick_loop(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now_ns = time.time_ns()
            for client in self._clients:
                client.tick(now_ns)

    def _all_metrics(self) -> dict[str, int]:
        subscriptions = sum(len(topic.subscribers) for topic in self._hub.topics.values())
        return {
            "connections": self._connections.total,
            "subscriptions": subscriptions,
            "lagged_total": self.lagged_count,
            "accounts": len(self._hub.accounts.listeners),
            **self._metrics(),
        }


def _socket_logger() -> logging.Logger:
    logger = logging.getLogger("broadcaster.sockets")
    logger.addFilter(_is_no_failed_handshake)
    return logger


def _is_no_failed_handshake(record: logging.LogRecord) -> bool:
    # Anybody can send half a request to an open port; that is no error of ours.
    return "handshake" not in str(record.msg) and record.levelno >= logging.WARNING

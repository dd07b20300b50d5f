"""The line to the server: one connection after the other, and what goes over it.

The rule of this file: it carries out what the desk says. A connection that ends is made anew after
a pause that grows, and that is never the same for two clients.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from rialto.client.errors import ClientError
from rialto.client.feed.credentials import Credentials
from rialto.client.feed.desk import Desk
from shared.feed import Answer, Error, Update

OPEN_TIMEOUT_S = 5.0
RECONNECT_MIN_S = 0.1
RECONNECT_MAX_S = 5.0  # An exchange that is back is found within it.
HEALTHY_S = 1.0  # A connection that held for so long was no failure of the server.
DOUBLINGS_MAX = 16
MESSAGE_BYTES_MAX = 64 * 2**20  # A snapshot of a million levels; more is no book.
UNAUTHENTICATED = 4401

_log = logging.getLogger(__name__)


class Line:
    """Keeps a desk connected: `run` until it is cancelled.

    `on_update` gets each update that a keeper has taken, `on_change` is called when anything may
    have changed.
    """

    def __init__(
        self,
        url: str,
        desk: Desk,
        credentials: Credentials,
        *,
        on_update: Callable[[Update], None],
        on_change: Callable[[], None],
    ) -> None:
        self._url = url
        self._desk = desk
        self._credentials = credentials
        self._on_update, self._on_change = on_update, on_change
        self._wake = asyncio.Event()
        self.refusal: Error | None = None  # Of the last token that was shown.
        self.last_failure = "no connection was tried yet"
        self.connections = 0

    def wake(self) -> None:
        """Something is to be sent."""
        self._wake.set()

    async def run(self) -> None:
        """Connect, and connect again. Raises what a provider raises that is no ClientError."""
        failures = 0
        while True:
            begun_at_s = self._desk.clock()
            try:
                await self._connect()
            except (OSError, WebSocketException, ClientError) as error:
                self.last_failure = str(error) or type(error).__name__
                if not failures:  # Once for an outage, however often it tries.
                    _log.warning("no connection to %s: %s", self._url, self.last_failure)
            finally:
                self._desk.lost()
                self._on_change()
            is_healthy = self._desk.clock() - begun_at_s >= HEALTHY_S
            failures = 0 if is_healthy else failures + 1
            await asyncio.sleep(self._pause_s(failures))

    def _pause_s(self, failures: int) -> float:
        closing = self._desk.closing
        if closing is not None:
            return closing.reconnect_after_ms / 1_000  # Drawn by the server, for each client.
        cap_s = min(RECONNECT_MAX_S, RECONNECT_MIN_S * 2.0 ** min(failures, DOUBLINGS_MAX))
        return random.uniform(0.0, cap_s)

    async def _connect(self) -> None:
        self._desk.closing = None
        url = await self._credentials.url(self._url)
        async with connect(
            url, open_timeout=OPEN_TIMEOUT_S, max_size=MESSAGE_BYTES_MAX, compression=None
        ) as connection:
            self.connections += 1
            token = await self._token()
            self._desk.opened(token, self._on_shown)
            self._on_change()
            try:
                await self._talk(connection)
            finally:
                await _hang_up(connection)

    async def _talk(self, connection: ClientConnection) -> None:
        def abort(_task: asyncio.Task[None]) -> None:
            connection.transport.abort()  # What ends the sending ends the reading, too.

        sending = asyncio.create_task(self._send_loop(connection), name="feed-send")
        sending.add_done_callback(abort)
        try:
            while True:
                self._receive(await connection.recv())
        except ConnectionClosed as closed:
            self.last_failure = str(closed)
            if closed.rcvd is not None and closed.rcvd.code == UNAUTHENTICATED:
                self._credentials.refused()
        finally:
            sending.remove_done_callback(abort)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        if not sending.cancelled():
            sending.result()

    def _receive(self, frame: str | bytes) -> None:
        update = self._desk.receive(frame)
        if update is not None:
            self._on_update(update)
        elif (authenticated := self._desk.take_authenticated()) is not None:
            self._credentials.accepted_until(authenticated.expires_at_s)
            self.refusal = None
            self._wake.set()  # There is a time now when the next one is due.
        self._on_change()
        if self._desk.needs_care:
            self._wake.set()

    # ---- sending ----

    async def _send_loop(self, connection: ClientConnection) -> None:
        while True:
            self._wake.clear()
            if self._is_renewal_due():
                if self._credentials.has_tickets:
                    await connection.close()  # Its time is nearly over; the next has a new ticket.
                    return
                self._desk.show(await self._token(), self._on_shown)
            self._desk.tick()
            for frame in self._desk.take_outgoing():
                await connection.send(frame, text=True)
            await self._sleep()

    async def _sleep(self) -> None:
        times = [self._desk.due_at_s(), self._credentials.renew_at_s]
        due_at_s = min((time for time in times if time is not None), default=None)
        left_s = None if due_at_s is None else max(0.0, due_at_s - self._desk.clock())
        try:
            async with asyncio.timeout(left_s):
                await self._wake.wait()
        except TimeoutError:
            pass  # It is time.

    def _is_renewal_due(self) -> bool:
        at_s = self._credentials.renew_at_s
        return at_s is not None and self._desk.clock() >= at_s

    async def _token(self) -> str:
        """Return a token, "" if there is none now: the public channels do not need one."""
        if not self._credentials.has_tokens:
            return ""
        try:
            return await self._credentials.token()
        except (ClientError, OSError) as error:
            self.last_failure = f"no token: {error}"
            self._credentials.refused()
            return ""

    def _on_shown(self, answer: Answer | None) -> None:
        if isinstance(answer, Error):
            self.refusal = answer
            self._credentials.refused()


async def _hang_up(connection: ClientConnection) -> None:
    # The server's goodbye comes after all that is on its way, which has to be read for that.
    closing = asyncio.create_task(connection.close())
    with contextlib.suppress(ConnectionClosed):
        while True:
            await connection.recv()
    await closing

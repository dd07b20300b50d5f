"""`rialto venues`: one port at which every venue can be called.

The rule of this file: sockets and the clock, and nothing of any venue. A venue's address
`wss://host/path?query` is called as `ws://ADDRESS/host/path?query`, one by HTTP alike, so that
whoever calls needs nothing but another beginning of the address.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus

from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from aggregator.offline.faults import Faults
from aggregator.offline.playing import Player, Recordings
from aggregator.offline.stage import Feed, Stage
from aggregator.offline.words import (
    NS_A_S,
    RATE_DEFAULT,
    SEED_DEFAULT,
    Address,
    Answer,
    Close,
    Floor,
    Frame,
    Session,
    Speaker,
)
from shared.logs import get_logger

# Moves within it are told together: a fraction of the work, and venues are no quicker either.
TOGETHER_S = 0.005
IDLE_S = 0.05  # How late a market that nobody has asked for before begins to move.
BEAT_S = 1.0
# What a client may leave unread; a real venue cuts it sooner. The largest snapshot is 5 MB.
UNREAD_BYTES_MAX = 16 * 1024 * 1024
CLIENT_MESSAGE_BYTES_MAX = 64 * 1024
HANDSHAKE_S_MAX = 3_600.0  # A venue that never answers is ended by whoever waits for it.
HEALTH_PATH = "/health"

_log = get_logger(__name__)
Connections = dict[int, ServerConnection]


class VenuesServer:
    """All venues on one port. Tests reach into it: `faults`, `floor`, `cut`, `close`, `goodbye`."""

    def __init__(
        self,
        speakers: Mapping[str, Speaker],
        *,
        seed: int = SEED_DEFAULT,
        rate: float = RATE_DEFAULT,
        recordings: Recordings | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.stage = Stage(speakers, seed=seed, rate=rate)
        self._clock = clock
        self._recordings = recordings or Recordings()
        self._player = Player(self._recordings, clock)
        self._server: Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._connections: Connections = {}  # By the session's number.
        self._stopping = asyncio.Event()

    @property
    def port(self) -> int:
        assert self._server is not None, "the server has not started"
        return int(next(iter(self._server.sockets)).getsockname()[1])

    async def start(self, host: str, port: int) -> None:
        """Open the door; port 0 takes any free one. Raises OSError."""
        quiet = logging.getLogger(f"{__name__}.sockets")
        quiet.setLevel(logging.ERROR)  # Each answer by HTTP would be called a failed handshake.
        self._server = await serve(
            self._serve,
            host,
            port,
            process_request=self._receive,
            compression=None,
            ping_interval=None,
            max_size=CLIENT_MESSAGE_BYTES_MAX,
            open_timeout=HANDSHAKE_S_MAX,
            logger=quiet,
        )
        self._run(self._drive())
        self._run(self._beat())

    async def stop(self) -> None:
        """End every connection and close the door."""
        self._stopping.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            for connection in list(self._connections.values()):
                connection.transport.abort()
            self._server.close()
            await self._server.wait_closed()

    def faults(self, feed: str) -> Faults:
        """Return what can be made to go wrong at a feed."""
        return self.stage.feeds[feed].faults

    def floor(self, feed: str) -> Floor:
        """Return a feed's markets: the truth of its books."""
        return self.stage.feeds[feed].floor

    def connections(self, feed: str) -> int:
        """Return how many connections a feed has now."""
        return len(self.stage.feeds[feed].sessions)

    def cut(self, feed: str) -> None:
        """End all connections of a feed without a word."""
        for session in self.stage.feeds[feed].sessions:
            self._connections[session.number].transport.abort()

    def close(self, feed: str, code: int, reason: str = "") -> None:
        """End all connections of a feed in good order."""
        for session in self.stage.feeds[feed].sessions:
            session.close = Close(code, reason)
            self._end_if_wanted(session)

    def goodbye(self, feed: str) -> None:
        """Let a venue say that it is about to end its connections, where it has a word for it."""
        for session in self.stage.feeds[feed].sessions:
            self._send(session, session.goodbye(self._clock()))

    def _run(self, work: "asyncio._CoroutineLike[None]") -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drive(self) -> None:
        while True:
            due_ns = self.stage.next_at_ns()
            wait_s = IDLE_S if due_ns is None else (due_ns - self._clock()) / NS_A_S
            await asyncio.sleep(min(IDLE_S, max(TOGETHER_S, wait_s)))
            for session, frames in self.stage.move(self._clock()):
                self._send(session, frames)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            for session, frames in self.stage.beat(self._clock()):
                self._send(session, frames)
                self._end_if_wanted(session)

    def _send(self, session: Session, frames: Iterable[Frame]) -> None:
        connection = self._connections.get(session.number)
        if connection is None:
            return
        for frame in frames:
            broadcast((connection,), frame.text)
        if connection.transport.get_write_buffer_size() > UNREAD_BYTES_MAX:
            _log.warning("client_does_not_read", feed=session.floor.feed)
            connection.transport.abort()

    def _end_if_wanted(self, session: Session) -> None:
        connection = self._connections.get(session.number)
        if session.close is not None and connection is not None:
            self._run(connection.close(session.close.code, session.close.reason))

    async def _serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None, "a connection begins with a request"
        address = read_address(connection.request.path)
        feed = self.stage.find_socket(address)
        reel = self._recordings.find(address)
        if reel is not None:
            await self._player.serve(connection, reel, mute_session(feed, address))
            return
        assert feed is not None, "unknown addresses were refused in the handshake"
        session, greeting = self.stage.open(feed, address, self._clock())
        self._connections[session.number] = connection
        try:
            self._send(session, greeting)
            await self._listen(feed, session, connection)
        finally:
            del self._connections[session.number]
            self.stage.leave(feed, session)

    async def _listen(self, feed: Feed, session: Session, connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in connection:
                text = message if isinstance(message, str) else message.decode("utf-8", "replace")
                self._send(session, self.stage.hear(feed, session, text, self._clock()))
                self._end_if_wanted(session)

    async def _receive(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path == HEALTH_PATH:
            return respond(Answer('{"status":"ok"}'))
        address = read_address(request.path)
        if "Upgrade" not in request.headers:
            return respond(await self._answer(address))
        feed = self.stage.find_socket(address)
        if feed is None and self._recordings.find(address) is not None:
            return None
        if feed is None:
            return respond(Answer(f'{{"error":"No venue speaks at {address.host}."}}', 404))
        refusal = feed.faults.socket_fault()
        if refusal is not None:
            return respond(refusal)
        if feed.faults.never_answers:
            await self._wait_for_the_end(connection)
            return respond(Answer("", 503))
        return None

    async def _wait_for_the_end(self, connection: ServerConnection) -> None:
        ends = [
            asyncio.ensure_future(self._stopping.wait()),
            asyncio.ensure_future(connection.wait_closed()),
        ]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()

    async def _answer(self, address: Address) -> Answer:
        recorded = self._recordings.answer(address)
        if recorded is not None:
            return recorded
        feed = self.stage.find_http(address)
        if feed is None:
            return Answer(f'{{"error":"No venue answers at {address.host}."}}', 404)
        if self._recordings.has_host(address.host):
            # Lists may be asked for; a simulated market would not go with a recorded one.
            bare, moods = feed.floor.without_markets(), feed.faults.moods
            answer = feed.speaker.answer(bare, moods, address, self._clock())
        else:
            answer = self.stage.answer(feed, address, self._clock())
        # The answer is that of now, and late.
        await asyncio.sleep(feed.faults.http_delay_s)
        return answer or Answer('{"error":"Nothing is here."}', 404)


def read_address(path: str) -> Address:
    """Return the venue's own address in a path: `/host:port/path?query`."""
    place, _, query = path.partition("?")
    host, _, rest = place.lstrip("/").partition("/")
    return Address(host.partition(":")[0], f"/{rest}", query)


def mute_session(feed: Feed | None, address: Address) -> Session | None:
    """Return a session that knows the manners of a venue, and of no market."""
    if feed is None:
        return None
    bare = feed.floor.without_markets()
    return feed.speaker.session(bare, address, feed.faults.moods, 0, 0)


def respond(answer: Answer) -> Response:
    """Return an answer as it goes over the wire."""
    body = answer.body.encode()
    headers = Headers(
        {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "Connection": "close",
            **answer.headers,
        }
    )
    return Response(answer.status, HTTPStatus(answer.status).phrase, headers, body)

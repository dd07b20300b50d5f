"""Recordings of real venues, played to whoever calls the addresses that were recorded.

The rule of this file: frames go out as they were recorded, with the pauses between them. When a
recording is at its end the connection is, so that whoever listens begins anew as well.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from websockets.asyncio.server import ServerConnection, broadcast
from websockets.exceptions import ConnectionClosed

from aggregator.captures.addresses import is_same_question
from aggregator.captures.reading import CaptureReader
from aggregator.captures.rows import RowKind
from aggregator.offline.words import CLOSE_NORMAL, NS_A_S, Address, Answer, Close, Session

# A silence in a recording, of which nothing is to be learnt; also from one file to the next.
PAUSE_S_MAX = 10.0
# Frames sent in one go without letting others run: some milliseconds' worth.
FRAMES_IN_A_ROW_MAX = 100
OVER = Close(CLOSE_NORMAL, "the recording is over")


@dataclass
class Reel:
    """What one recorded address has sent, and when."""

    host: str
    path: str
    waits_for_a_word: bool = False  # Whoever recorded it had to subscribe first.
    at_ns: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)


class Recordings:
    """Some recordings, in memory: what was received by address, and the answers by HTTP."""

    def __init__(self, names: Iterable[str] = (), *, speed: float = 1.0) -> None:
        """Read files; raises CaptureError."""
        self.speed = speed
        self._reels: dict[tuple[str, str], Reel] = {}
        self._answers: list[tuple[str, str]] = []
        for name in names:
            self._read(name)

    def _read(self, name: str) -> None:
        for row in CaptureReader(name):
            place = urlsplit(row.url)
            if row.kind is RowKind.HTTP and row.status in (None, 200):
                self._answers.append((row.url, row.data or ""))
            elif row.kind in (RowKind.SEND, RowKind.RECV) and row.data is not None:
                key = place.hostname or "", place.path or "/"
                reel = self._reels.setdefault(key, Reel(*key))
                if row.kind is RowKind.SEND:
                    reel.waits_for_a_word = True
                else:
                    reel.at_ns.append(row.at_ns)
                    reel.texts.append(row.data)

    @property
    def addresses(self) -> list[str]:
        """Return what was recorded: host and path."""
        return [host + path for host, path in self._reels]

    def find(self, address: Address) -> Reel | None:
        """Return what was recorded at this address, or else all there is of its host."""
        exact = self._reels.get((address.host, address.path))
        if exact is not None:
            return exact
        of_host = [reel for reel in self._reels.values() if reel.host == address.host]
        return of_host[0] if len(of_host) == 1 else None

    def has_host(self, host: str) -> bool:
        """Say whether anything of a host was recorded, be it by HTTP alone."""
        hosts = {urlsplit(url).hostname for url, _ in self._answers}
        return host in hosts or any(reel.host == host for reel in self._reels.values())

    def answer(self, address: Address) -> Answer | None:
        """Return the recorded answer to the same question; None if there is none."""
        asked = f"https://{address.host}{address.path}?{address.query}"
        for url, body in self._answers:
            if urlsplit(url).hostname == address.host and is_same_question(asked, url):
                return Answer(body)
        return None


class Player:
    """Plays recordings to connections."""

    def __init__(self, recordings: Recordings, clock: Callable[[], int]) -> None:
        self._speed = recordings.speed
        self._clock = clock

    async def serve(
        self, connection: ServerConnection, reel: Reel, session: Session | None
    ) -> None:
        """Play a reel until it or the connection is at its end. The session, if the venue has one,
        answers pings and knows what this connection does not carry.
        """
        playing: asyncio.Task[None] | None = None
        if not reel.waits_for_a_word:
            playing = asyncio.create_task(self._play(connection, reel, session))
        try:
            async for message in connection:
                text = message if isinstance(message, str) else message.decode("utf-8", "replace")
                for frame in session.answer_ping(text, self._clock()) if session else ():
                    broadcast((connection,), frame.text)
                playing = playing or asyncio.create_task(self._play(connection, reel, session))
        except ConnectionClosed:
            pass
        finally:
            if playing is not None:
                playing.cancel()

    async def _play(
        self, connection: ServerConnection, reel: Reel, session: Session | None
    ) -> None:
        loop = asyncio.get_running_loop()
        due_s, before_ns = loop.time(), reel.at_ns[0]
        for number, (at_ns, text) in enumerate(zip(reel.at_ns, reel.texts, strict=True)):
            pause_s = min(PAUSE_S_MAX, max(0, at_ns - before_ns) / NS_A_S)
            due_s, before_ns = due_s + pause_s / self._speed, at_ns
            if due_s > loop.time():
                await asyncio.sleep(due_s - loop.time())
            elif number % FRAMES_IN_A_ROW_MAX == 0:
                await asyncio.sleep(0)
            if session is None or session.carries_recorded(text):
                # This waits for a listener that is slower than a recording played fast.
                await connection.send(text)
        await connection.close(OVER.code, OVER.reason)

"""The sockets of order entry: bytes in, frames out, and every connection's end.

The rule of this file: it moves bytes and closes connections; what they say is `session`'s business.
A connection that has as much under way as it may is not read, nor one that does not read; answers
that are ready together leave in one write.
"""

import asyncio
import time
import uuid
from collections.abc import Callable, MutableSet
from typing import Any

from api.edge.answers import error_answer
from api.edge.errors import ApiError
from api.entry import limits
from api.entry.frames import SERVICE_RESTART, FrameError, FrameReader, Opcode
from api.entry.handshake import Headers, accepted
from api.entry.limits import SocketCount
from api.entry.session import Carrier, Prove, Session
from shared.logs import get_logger
from shared.tasks import spawn, stop

TURN_MESSAGES_MAX = 32  # Then others have their turn: about a millisecond.
WRITE_BUFFER_BYTES_MAX = 64 * 1024  # With more unsent, nothing more is read.
TICK_S = 0.5  # How finely the deadlines are kept.

_log = get_logger(__name__)


class EntryHub:
    """All connections of a process; use `start` before and `close` after."""

    def __init__(
        self,
        prove: Prove,
        carrier: Carrier,
        *,
        origins: tuple[str, ...] = (),
        counts: SocketCount | None = None,
        address_of: Callable[[str, Headers], str] = lambda peer, _headers: peer,
        charge: Callable[[str], ApiError | None] = lambda _address: None,
    ) -> None:
        self.prove = prove
        self.carrier = carrier
        self.origins = origins
        self.counts = counts or SocketCount()
        self.address_of = address_of
        self._charge = charge  # What counts a handshake to its address, as any other request.
        self.sockets: set[EntrySocket] = set()
        self._ticker: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._ticker = spawn(self._tick_loop(), "entry-tick")

    async def close(self) -> None:
        await stop(self._ticker)
        for socket in list(self.sockets):
            socket.abort()

    def admit(self, method: str, path: str, headers: Headers, address: str) -> bytes:
        """Return the answer that makes a WebSocket of a request, counted in; raises ApiError."""
        refusal = self._charge(address)
        if refusal is not None:
            raise refusal
        answer = accepted(method, path, headers, self.origins)
        if not self.counts.enter(address):
            raise ApiError("TOO_MANY_CONNECTIONS")
        return answer

    async def _tick_loop(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now_ns = time.time_ns()
            for socket in list(self.sockets):
                socket.tick(now_ns)


class EntrySocket(asyncio.Protocol):
    """One connection after its handshake; `connections` is the server's own list of all."""

    def __init__(self, hub: EntryHub, connections: MutableSet[Any], address: str) -> None:
        self._hub = hub
        self._connections = connections
        self._address = address
        self._loop = asyncio.get_running_loop()
        self._reader = FrameReader()
        self._transport: asyncio.Transport | None = None
        self._turn: asyncio.Handle | None = None
        self._is_flushing = False
        self._is_paused = False  # We do not read.
        self._is_drained = True  # No whole message waits to be looked at.
        self._stalled_since_ns = 0  # The client does not.
        self._ended_ns = 0
        self.session = Session(
            hub.prove,
            hub.carrier,
            hub.counts,
            connection_id=uuid.uuid4().hex,
            address=address,
            now_ns=time.time_ns(),
            on_output=self._on_output,
        )

    # ---- what asyncio calls ----

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES_MAX)
        self._connections.add(self)
        self._hub.sockets.add(self)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        if self._turn is None:
            self._take_turn()

    def eof_received(self) -> None:
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        if self in self._hub.sockets:
            self._hub.sockets.discard(self)
            self._hub.counts.leave(self._address)
        self.session.close()
        if self._turn is not None:
            self._turn.cancel()

    def pause_writing(self) -> None:
        self._stalled_since_ns = time.time_ns()
        self._read_or_not()

    def resume_writing(self) -> None:
        self._stalled_since_ns = 0
        self._read_or_not()

    # ---- what the server calls ----

    def shutdown(self) -> None:
        """Answer what is in flight and say goodbye: the service restarts."""
        self.session.finish(SERVICE_RESTART, "the service restarts; reconnect")

    def tick(self, now_ns: int) -> None:
        """Look after the deadlines."""
        if _is_over(self._ended_ns, limits.CLOSING_MAX_NS, now_ns) or _is_over(
            self._stalled_since_ns, limits.STALL_MAX_NS, now_ns
        ):
            self.abort()
        else:
            self.session.tick(now_ns)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # ---- reading ----

    def _take_turn(self) -> None:
        """Give the session what has come, as long as it takes more; others come in between."""
        self._turn, self._is_drained = None, False
        session, reader = self.session, self._reader
        now_ns = time.time_ns()
        try:
            for _ in range(TURN_MESSAGES_MAX):
                message = reader.next() if self._takes_more else None
                if message is None:
                    self._is_drained = self._takes_more
                    break
                if not self._ended_ns:
                    session.receive(message, now_ns)
                elif message.opcode == Opcode.CLOSE:
                    self._close()  # Nothing else counts any more.
            else:
                self._turn = self._loop.call_soon(self._take_turn)
        except FrameError as error:
            session.finish(error.code, str(error))
            if self._ended_ns:
                self._close()
        except Exception:
            self.abort()  # A fault of ours: its client asks again on a new connection.
            raise
        self._read_or_not()

    @property
    def _takes_more(self) -> bool:
        is_free = self.session.takes_more and not self._stalled_since_ns
        return is_free or self._ended_ns != 0

    def _read_or_not(self) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        # While a part of what was read waits for its turn nothing is read, or it would pile up.
        must_pause = self._turn is not None or not self._takes_more
        if must_pause and not self._is_paused:
            self._is_paused = True
            transport.pause_reading()
        elif self._is_paused and not must_pause:
            if not self._is_drained:  # What was read before is looked at first.
                self._turn = self._loop.call_soon(self._take_turn)
                return
            self._is_paused = False
            transport.resume_reading()

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    # ---- writing ----

    def _on_output(self) -> None:
        if not self._is_flushing:
            self._is_flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._is_flushing = False
        transport, session = self._transport, self.session
        if transport is None or transport.is_closing():
            return
        if session.output:
            transport.write(b"".join(session.output))
            session.output.clear()
        if transport.get_write_buffer_size() > limits.OUTBOX_BYTES_MAX:
            _log.info("reader_too_slow", address=self._address)
            transport.abort()
        elif session.ending is not None and not self._ended_ns:
            self._ended_ns = time.time_ns()
            if session.client_has_closed:
                transport.close()
            else:
                self._read_or_not()
        else:
            self._read_or_not()


def _is_over(since_ns: int, most_ns: int, now_ns: int) -> bool:
    return since_ns != 0 and now_ns - since_ns >= most_ns


def refusal_bytes(error: ApiError) -> bytes:
    """Return the HTTP answer to a handshake that is refused."""
    response = error_answer(error, uuid.uuid4().hex)
    head = [f"HTTP/1.1 {error.status} Refused".encode(), b"connection: close"]
    head += [name + b": " + value for name, value in response.raw_headers]
    return b"\r\n".join(head) + b"\r\n\r\n" + bytes(response.body)

"""One socket: the request it begins with, the frames it sends, the frames it is sent, its end.

The rule of this file: nothing here waits, and there is no task and no timer for a connection. The
loop calls when bytes have come or the socket has room again, the writer when it is this client's
turn, the watch once a second. What messages say is `session`'s business.
"""

import asyncio
import random
from enum import IntEnum
from typing import cast

from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol

from broadcaster.clients import limits
from broadcaster.clients.session import Session
from broadcaster.sockets.common import Common
from broadcaster.sockets.counts import ABNORMAL
from broadcaster.sockets.deadlines import Act, Deadlines
from broadcaster.sockets.door import (
    Refusal,
    forwarded_in,
    invalid_ticket,
    tickets_unavailable,
)
from broadcaster.sockets.handshake import Head, forget, read_request
from broadcaster.sockets.incoming import Fragments
from shared.claims import Claims

VISIT_BYTES_MAX = 64 * 1024  # In one write; then the next client has its turn.
PIECES_MAX = 16  # More are joined, which is cheaper; few are large, and shared by all.
REASON_BYTES_MAX = 123  # Of a close frame, by RFC 6455.
PING_FRAME = b"\x89\x00"
INVALID_DATA = 1007
POLICY_VIOLATION = 1008


class Stage(IntEnum):
    """Where a connection is in its life; it only goes forward."""

    REQUEST = 0
    TICKET = 1  # The request is good; its ticket is being looked up.
    OPEN = 2
    LEAVING = 3  # Nothing more is said; the last bytes and goodbyes are on their way.
    GONE = 4


class Connection(asyncio.BufferedProtocol):
    """What the loop calls about one socket."""

    __slots__ = (
        "_common",
        "_deadlines",
        "_fragments",
        "_frames",
        "_head",
        "_is_in_line",
        "_is_paused",
        "_protocol",
        "_response",
        "_transport",
        "address",
        "session",
        "slot",
        "stage",
    )

    def __init__(self, common: Common) -> None:
        self._common = common
        self._deadlines = Deadlines(common.clock.monotonic_s(), random.random())
        self._head: Head | None = Head()
        self._protocol: ServerProtocol | None = None
        self._response: Response | None = None  # The good answer, while a ticket is looked up.
        self._transport: asyncio.Transport | None = None
        self._fragments: Fragments | None = None
        self._frames: limits.Allowance | None = None
        self._is_in_line = False  # The writer will come by.
        self._is_paused = False  # The socket has not taken all of the last write yet.
        self.address = ""
        self.slot = 0  # Which of the watch's rounds looks after it.
        self.session: Session | None = None
        self.stage = Stage.REQUEST

    # ---- called by the loop ----

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        # Nothing is kept here beyond one write: what waits, waits in the outbox and is conflated.
        self._transport.set_write_buffer_limits(high=0)
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        if not self._common.arrive(self):
            self._transport.abort()

    def get_buffer(self, _sizehint: int) -> memoryview:
        return self._common.buffer

    def buffer_updated(self, nbytes: int) -> None:
        data = bytes(self._common.buffer[:nbytes])
        if self._protocol is not None:
            self._receive(self._protocol, data)
        elif self._head is not None:
            self._read_head(self._head, data)
        if (self._is_paused or self._is_logging_in) and self._transport is not None:
            # Whoever does not take our answers, or waits for one, asks nothing more meanwhile.
            self._transport.pause_reading()

    def eof_received(self) -> None:
        self._leave(ABNORMAL)

    def pause_writing(self) -> None:
        self._is_paused = True

    def resume_writing(self) -> None:
        self._is_paused = False
        self._read_on()
        self._wake()

    def connection_lost(self, _error: Exception | None) -> None:
        self._leave(ABNORMAL)
        self.stage = Stage.GONE
        self._common.depart(self)
        if self._protocol is not None:
            forget(self._protocol)
        # Two that refer to each other would stay until the next full collection.
        self.session = self._transport = self._protocol = self._head = self._response = None

    # ---- the request ----

    def _read_head(self, head: Head, data: bytes) -> None:
        try:
            whole = head.take(data)
            if whole is None:
                return
            self._head = None
            self._protocol, request = read_request(whole)
            self._answer(self._protocol, request)
        except Refusal as refusal:
            self._refuse(refusal)

    def _answer(self, protocol: ServerProtocol, request: Request) -> None:
        client = self._common.proxies.client_of(self.address, forwarded_in(request.headers))
        visit = self._common.door.open(request, client)
        if isinstance(visit, Response):
            self._send_page(visit)
            return
        response = protocol.accept(request)
        if response.status_code != 101:
            self._common.counts.refused["BAD_HANDSHAKE"] += 1
            self._send_page(response)
            return
        self._common.enter(self, client)
        if visit.ticket is None:
            self._open(protocol, response)
            return
        self.stage = Stage.TICKET
        self._response = response
        assert self._transport is not None, "a request comes over a transport"
        self._transport.pause_reading()
        self._common.tickets.show(visit.ticket, self)

    @property
    def is_waiting(self) -> bool:
        """Whether the answer about its ticket is still of use."""
        return self.stage is Stage.TICKET

    def redeemed(self, claims: Claims | None) -> None:
        """Open the connection for whom the ticket was made; None refuses it."""
        if claims is None:
            self._refuse(invalid_ticket())
            return
        protocol, response = self._protocol, self._response
        assert protocol is not None, "it has sent a request"
        assert response is not None, "the request was good"
        self._open(protocol, response)
        if self.session is not None:
            self.session.authenticate(claims, self._common.clock.unix_ns())
        self._read_on()

    def not_redeemed(self) -> None:
        """Refuse, as nobody knows whether the ticket is good."""
        self._refuse(tickets_unavailable())

    def _open(self, protocol: ServerProtocol, response: Response) -> None:
        common = self._common
        protocol.send_response(response)
        now_ns = self._common.clock.unix_ns()
        self.stage = Stage.OPEN
        self._response = None
        self._fragments = Fragments()
        self._frames = self._new_allowance()
        self._deadlines.opened(common.clock.monotonic_s())
        self.session = Session(common.hub, common.verify, now_ns=now_ns, on_output=self._wake)
        common.open(self)
        self._write_protocol(protocol)

    def _new_allowance(self) -> limits.Allowance:
        now_ns = self._common.clock.unix_ns()
        return limits.Allowance(limits.FRAMES_BURST_MAX, limits.FRAMES_PER_S, now_ns)

    def _refuse(self, refusal: Refusal) -> None:
        self._common.counts.refused[refusal.code] += 1
        self._send_page(refusal.response)

    def _send_page(self, response: Response) -> None:
        self._head = self._response = None
        if self._protocol is not None:
            forget(self._protocol)
            self._protocol = None
        was_asking = self.stage < Stage.OPEN
        self.stage = Stage.LEAVING
        self._deadlines.leaving(self._common.clock.monotonic_s())
        if was_asking and self._transport is not None:
            self._transport.write(response.serialize())
            self._transport.write_eof()
            self._transport.resume_reading()

    # ---- what the client sends ----

    def _receive(self, protocol: ServerProtocol, data: bytes) -> None:
        if protocol.eof_sent:
            return  # All is said; what still comes is thrown away until the client has closed too.
        protocol.receive_data(data)
        frames = protocol.events_received()
        now_ns = self._common.clock.unix_ns()
        if self.stage is Stage.OPEN:
            try:
                for frame in frames:
                    assert isinstance(frame, Frame), "after the request there are only frames"
                    self._take(frame, now_ns)
            except UnicodeDecodeError as error:
                if not protocol.eof_sent:
                    protocol.fail(INVALID_DATA, f"{error.reason} at position {error.start}")
        elif self._frames is not None and not self._frames.take(now_ns, len(frames)):
            self.abort()  # It was told to go, and talks on.
            return
        self._pass_on(protocol)

    def _take(self, frame: Frame, now_ns: int) -> None:
        assert self._frames is not None, "an open connection has a bound on its frames"
        assert self._fragments is not None, "an open connection puts frames together"
        if self.stage is not Stage.OPEN:
            return
        if not self._frames.take(now_ns):
            self.close(POLICY_VIOLATION, "too many frames")
        elif frame.opcode is Opcode.PONG:
            self._deadlines.ponged()
        elif frame.opcode <= Opcode.BINARY:
            message = self._fragments.take(frame)
            if message is not None and self.session is not None:
                self._common.counts.messages_received += 1
                self._tell(self.session, message, now_ns)

    def _tell(self, session: Session, message: str | bytes, now_ns: int) -> None:
        was_waiting = self._is_logging_in
        session.receive(message, now_ns)
        if session.waits_for is not None and not was_waiting:
            session.waits_for(self._go_on)

    def _go_on(self) -> None:
        if self.session is not None:
            self.session.go_on(self._common.clock.unix_ns())
        self._read_on()

    @property
    def _is_logging_in(self) -> bool:
        return self.session is not None and self.session.waits_for is not None

    def _read_on(self) -> None:
        # Unless something else is still waited for.
        is_held = self._is_paused or self._is_logging_in or self.stage is Stage.TICKET
        if self._transport is not None and not is_held:
            self._transport.resume_reading()

    def _pass_on(self, protocol: ServerProtocol) -> None:
        if protocol.state is not State.OPEN and self.stage is Stage.OPEN:
            self._write_queued()  # What was asked before the goodbye is answered before it.
            rcvd, sent = protocol.close_rcvd, protocol.close_sent
            if protocol.close_rcvd_then_sent and rcvd is not None:
                self._common.counts.client_left(rcvd.code)
            elif sent is not None:
                self._common.counts.closed[sent.code] += 1
            self._leave()
        self._write_protocol(protocol)

    def _write_protocol(self, protocol: ServerProtocol) -> None:
        writes = protocol.data_to_send()
        transport = self._transport
        if transport is None:
            return
        if protocol.state is State.OPEN and self._is_paused:
            # All are pongs. RFC 6455 lets us answer only the last of several pings.
            writes = writes[-1:]
        if writes:
            transport.write(b"".join(writes))
        if protocol.eof_sent:
            transport.write_eof()

    # ---- what the client is sent ----

    def _wake(self) -> None:
        if not self._is_in_line and not self._is_paused:
            self._is_in_line = True
            self._common.writer.add(self)

    def visit(self) -> None:
        """Write what is queued, or the goodbye when that is all."""
        self._is_in_line = False
        session = self.session
        if self.stage is not Stage.OPEN or session is None or self._is_paused:
            return
        if not self._write_queued():
            self._wake()
        elif session.ending is not None:
            self.close(session.ending.code, session.ending.reason)

    def _write_queued(self) -> bool:
        # As much as one visit may; returns whether that was all.
        session, transport = self.session, self._transport
        if session is None or transport is None or self._is_paused:
            return False
        frames = session.delivery.take(VISIT_BYTES_MAX)
        if frames:
            if len(frames) <= PIECES_MAX:
                transport.writelines(frames)
            else:
                transport.write(b"".join(frames))
            counts = self._common.counts
            counts.messages_sent += len(frames)
            counts.bytes_sent += sum(map(len, frames))
            counts.writes += 1
        return not session.delivery.has_output

    # ---- its end ----

    def close(self, code: int, reason: str) -> None:
        """Say goodbye; what is queued is given up."""
        protocol = self._protocol
        if self.stage is not Stage.OPEN or protocol is None:
            return
        self._common.counts.closed[code] += 1
        self._leave()
        # What was on its way may still come; a flood may not.
        self._frames = self._new_allowance()
        if protocol.state is State.OPEN:
            text = reason.encode()[:REASON_BYTES_MAX].decode(errors="ignore")
            protocol.send_close(code, text)
        self._write_protocol(protocol)

    def abort(self) -> None:
        """Cut it off, as it is."""
        if self._transport is not None:
            self._transport.abort()

    def look(self, now_s: float, now_ns: int) -> None:
        """Do what has become due."""
        session, transport = self.session, self._transport
        if transport is None:
            return
        if session is not None and self.stage is Stage.OPEN:
            session.tick(now_ns)
            if session.ending is not None:
                self._deadlines.leaving(now_s)
        unsent = transport.get_write_buffer_size() if self._is_paused else 0
        due = self._deadlines.due(now_s, unsent)
        if due is None:
            return
        if due.act is Act.PING:
            transport.write(PING_FRAME)
        elif due.act is Act.CLOSE:
            self.close(due.code, due.reason)
        else:
            if self.stage < Stage.OPEN:
                self._common.counts.refused["HANDSHAKE_TIMEOUT"] += 1
            self.abort()

    def _leave(self, code: int = 0) -> None:
        if self.stage is Stage.OPEN and code:
            self._common.counts.closed[code] += 1
        if self.stage < Stage.LEAVING:
            self.stage = Stage.LEAVING
            self._deadlines.leaving(self._common.clock.monotonic_s())
        if self.session is not None:
            self.session.close()

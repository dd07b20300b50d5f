"""One WebSocket to a venue: from bytes to whole messages, as many as have come.

The rule of this file: nothing here waits, and no message costs a switch of tasks. The loop calls
when bytes have come, and every message in them is handed over in one call. Handshake, pings and
goodbyes are `websockets`' own protocol; data frames, which come by the thousand, are `incoming`'s.
Compression is not asked for: unpacking takes longer than everything else that is done with the
bytes here, and holds up what is most urgent when there is most of it.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol, cast

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidMessage
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import WebSocketURI

from aggregator.feed.incoming import Control, Incoming, IncomingError, Message

HEAD_BYTES_MAX = 16 * 1024  # Of the venue's answer; those seen are under 2 KB.
HEAD_END = b"\r\n\r\n"
RECEIVE_BYTES_MAX = 256 * 1024  # In one read: 5 MB are then 20 turns of the loop.
UNSENT_BYTES_MAX = 1024 * 1024  # Subscriptions are small; a venue that does not read them is gone.
REASON_BYTES_MAX = 123  # Of a close frame, by RFC 6455.
NORMAL = 1000
ABNORMAL = 1006  # By RFC 6455: the end came without a goodbye.
TOO_SLOW = 1008


class Listener(Protocol):
    """What a socket tells, on the loop; nothing of it may block."""

    def opened(self, socket: "VenueSocket") -> None: ...

    def received(self, messages: Sequence[Message]) -> None: ...

    def ponged(self) -> None: ...

    def lost(self, code: int, reason: str) -> None:
        """Be told of the end of a socket that was open. It is told once."""


class VenueSocket(asyncio.BufferedProtocol):
    """What the loop calls about one socket."""

    def __init__(
        self, uri: WebSocketURI, user_agent: str, listener: Listener, buffer: memoryview
    ) -> None:
        self._protocol = ClientProtocol(uri)
        self._incoming = Incoming()
        self._head = b""  # Of the venue's answer, until that is whole.
        self._is_refusal = False  # It is another answer than yes: its body may come still.
        self._user_agent = user_agent
        self._listener = listener
        self._buffer = buffer
        self._transport: asyncio.Transport | None = None
        self._code = ABNORMAL
        self._reason = ""
        self._is_open = False
        self._is_over = False
        # Done when the venue has said yes; an exception when it has said anything else.
        self.opening: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.bytes_received = 0
        self.bytes_sent = 0

    # ---- called by the loop ----

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        request = self._protocol.connect()
        request.headers["User-Agent"] = self._user_agent
        self._protocol.send_request(request)
        self._write()

    def get_buffer(self, _sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.bytes_received += nbytes
        data = bytes(self._buffer[:nbytes])
        if self._is_open:
            self._receive(data)
        elif not self.opening.done():
            self._read_answer(data)

    def eof_received(self) -> bool:
        self._protocol.receive_eof()
        self._look_for_refusal()
        self._follow()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        if not self.opening.done():
            reason = f"it closed before it answered: {error or 'the end of the stream'}"
            self.opening.set_exception(ConnectionError(reason))
        self._end(self._code, self._reason or (str(error) if error else "the line was cut"))
        self._transport = None

    # ---- from bytes to messages ----

    def _read_answer(self, data: bytes) -> None:
        # The protocol gets no more than the answer: what comes after it is frames.
        head, self._head = self._head + data, b""
        end = head.find(HEAD_END) + len(HEAD_END)
        if end < len(HEAD_END) and not self._is_refusal:
            self._head = head
            if len(head) > HEAD_BYTES_MAX:
                self._refuse(InvalidMessage("the answer does not end"))
            return
        if self._is_refusal:
            end = len(head)
        self._protocol.receive_data(head[:end])
        if self._protocol.state is State.OPEN:
            self._protocol.events_received()
            self._is_open = True
            self.opening.set_result(None)
            self._listener.opened(self)
            self._receive(head[end:])
            return
        self._is_refusal = True
        if end < len(head):
            self._protocol.receive_data(head[end:])
        self._look_for_refusal()

    def _look_for_refusal(self) -> None:
        error = self._protocol.handshake_exc
        if error is not None:
            self._refuse(error)

    def _refuse(self, error: Exception) -> None:
        if not self.opening.done():
            self.opening.set_exception(error)
        self.abort()

    def _receive(self, data: bytes) -> None:
        messages: list[Message] = []
        try:
            for each in self._incoming.take(data):
                if isinstance(each, Control):
                    self._hand_on(each, messages)
                    if not self._is_open:
                        return
                else:
                    messages.append(each)
        except IncomingError as error:
            self._tell(messages)
            self._protocol.fail(error.code, str(error))
            self._follow()
            return
        self._tell(messages)

    def _hand_on(self, control: Control, messages: list[Message]) -> None:
        self._protocol.receive_data(control.raw)
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode is Opcode.PONG:
                self._listener.ponged()
        if self._protocol.state is not State.OPEN:
            self._tell(messages)  # What came before the goodbye counts.
        self._follow()

    def _tell(self, messages: list[Message]) -> None:
        if messages and not self._is_over:
            self._listener.received(messages)

    def _follow(self) -> None:
        # Sends what the protocol has to say to what it was told, and leaves if that is the end.
        self._write()
        if self._is_open and self._protocol.state is not State.OPEN:
            self._leave()

    # ---- what is sent ----

    @property
    def is_open(self) -> bool:
        return self._is_open and self._protocol.state is State.OPEN

    def send(self, text: str) -> bool:
        """Send a text; False when the socket is gone."""
        if not self.is_open:
            return False
        self._protocol.send_text(text.encode())
        self._write()
        return True

    def ping(self) -> None:
        if self.is_open:
            self._protocol.send_ping(b"")
            self._write()

    def _write(self) -> None:
        transport = self._transport
        for data in self._protocol.data_to_send():
            if transport is None:
                continue
            if data:
                self.bytes_sent += len(data)
                transport.write(data)
            elif transport.can_write_eof():
                transport.write_eof()
            else:
                transport.close()  # TLS has no half of a close.
        if transport is not None and transport.get_write_buffer_size() > UNSENT_BYTES_MAX:
            self.abort()

    def pause(self) -> None:
        """Read no more for now: the line fills, and then the venue waits."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    # ---- its end ----

    def close(self, code: int, reason: str) -> None:
        """Say goodbye and be gone: the listener is told at once, and of nothing afterwards.

        With `ABNORMAL` nothing is said: there is nobody to hear it.
        """
        if code == ABNORMAL:
            self.abort()
        elif self.is_open:
            text = reason.encode()[:REASON_BYTES_MAX].decode(errors="ignore")
            self._protocol.send_close(code, text)
            self._write()
        self._end(code, reason)
        if self._transport is not None:
            # What it would still say is of no use, and a venue that never answers must not hold us.
            self._transport.close()

    def abort(self) -> None:
        """Cut the line as it is; the listener is told by the loop."""
        if self._transport is not None:
            self._transport.abort()

    def _leave(self) -> None:
        received, sent = self._protocol.close_rcvd, self._protocol.close_sent
        error = self._protocol.parser_exc
        if received is not None:
            self._end(received.code, received.reason or "the venue closed it")
        elif sent is not None:
            self._end(sent.code, sent.reason or str(error))
        else:
            self._end(ABNORMAL, str(error) if error else "the line was cut")
        if self._transport is not None:
            self._transport.close()

    def _end(self, code: int, reason: str) -> None:
        if self._is_over:
            return
        self._is_over = True
        self._code, self._reason = code, reason
        if self._is_open:
            self._is_open = False
            self._listener.lost(code, reason)

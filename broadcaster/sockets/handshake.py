"""Reading the one request with which a connection begins.

The rule of this file: nothing is believed before the whole head is there, it is bounded, and what
comes behind it before it was answered is refused: there is no frame before the handshake.
"""

import logging
from http import HTTPStatus

from websockets.http11 import Request
from websockets.server import ServerProtocol

from broadcaster.clients.limits import MESSAGE_SIZE_MAX
from broadcaster.sockets.door import Refusal, bad_request

HEAD_BYTES_MAX = 16 * 1024  # Browsers send every cookie of the host; ours are small.
HEAD_END = b"\r\n\r\n"


class Head:
    """The bytes of a request until its end."""

    __slots__ = ("_data",)

    def __init__(self) -> None:
        self._data = bytearray()

    def take(self, data: bytes) -> bytes | None:
        """Return the whole head when it is complete, else None; raises Refusal."""
        start = max(0, len(self._data) - len(HEAD_END) + 1)
        self._data += data
        end = self._data.find(HEAD_END, start)
        size = len(self._data) if end < 0 else end + len(HEAD_END)
        if size > HEAD_BYTES_MAX:
            status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            sentence = f"A request's head has at most {HEAD_BYTES_MAX} bytes."
            raise Refusal(status, "REQUEST_TOO_LARGE", sentence)
        if end < 0:
            return None
        if size < len(self._data):
            raise bad_request("Nothing may follow the request before it is answered.")
        return bytes(self._data)


def read_request(head: bytes) -> tuple[ServerProtocol, Request]:
    """Return the request and the protocol that goes on from it; raises Refusal."""
    protocol = ServerProtocol(max_size=MESSAGE_SIZE_MAX, logger=_protocol_logger())
    protocol.receive_data(head)
    for event in protocol.events_received():
        if isinstance(event, Request):
            return protocol, event
    forget(protocol)
    raise bad_request("This is no request that a WebSocket could begin with.")


def forget(protocol: ServerProtocol) -> None:
    """Let go of a protocol that has ended: its parser refers to it, so that it would stay."""
    protocol.parser.close()


def _protocol_logger() -> logging.Logger:
    # Below a warning it would say what clients send, tickets too.
    logger = logging.getLogger("broadcaster.sockets.protocol")
    logger.setLevel(logging.WARNING)
    return logger

"""Who writes down what went over the wire.

The rule of this file: a row is told as it happened, before anybody has read it.
"""

from enum import StrEnum
from typing import Protocol


class RowKind(StrEnum):
    CONNECT = "connect"
    SEND = "send"
    RECV = "recv"
    HTTP = "http"
    CLOSE = "close"


class Recorder(Protocol):
    """Takes rows as they come, on the loop: it must not block."""

    def row(
        self,
        at_ns: int,
        kind: str,
        url: str,
        data: bytes,
        connection: int,
        *,
        status: int = 0,
        feed: str = "",
    ) -> None:
        """Take what was sent, received or answered.

        `connection` counts the connections of this process, 0 for HTTP. `status` is that of an
        answer, or the code of a close; 0 for all others. `feed` is that of a connection that
        begins, as two of them may have one address.
        """

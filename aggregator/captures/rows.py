"""One row of a recording: a JSON object a line.

`at_ns` is when it was sent or received (Unix nanoseconds), `kind` what happened, `url` where, and
`data` the message's text exactly as it came. A message that is no UTF-8 text is in `data_base64`
instead. Our own recordings also say by `conn` on which of several connections of one address, by
`feed` whose connection begins (two may have one address), the `status` and `headers` of an HTTP
answer, and of the recorder itself: `part`, in the first row of a
file that goes on where another one ended, and `dropped`, how many rows just before this one the
recorder had no room for. Other keys are passed over.

The rule of this file: a row in, bytes out, and back; no file is touched.
"""

import base64
import binascii
from enum import StrEnum
from typing import NamedTuple

import msgspec

HEARD_BYTES = 200  # What a row takes beside its address and message, about.


class RowKind(StrEnum):
    CONNECT = "connect"  # A socket is open.
    SEND = "send"
    RECV = "recv"
    HTTP = "http"  # The body of an answer; its question is the `url`.
    CLOSE = "close"  # A socket is closed; the data say why.
    # A book as it stood, in our own words: where a recording begins in the middle of a connection.
    BOOK = "book"


class Row(msgspec.Struct, omit_defaults=True, gc=False):
    """See the head of this file. Exactly one of `data` and `data_base64` is there, or none."""

    at_ns: int
    kind: RowKind
    url: str
    data: str | None = None
    data_base64: str | None = None
    conn: int | None = None
    status: int | None = None
    headers: dict[str, str] | None = None
    feed: str = ""
    part: int = 0
    dropped: int = 0

    @property
    def body(self) -> bytes:
        """The message as bytes; none for a row without one."""
        if self.data is not None:
            return self.data.encode()
        return base64.b64decode(self.data_base64) if self.data_base64 is not None else b""


class RowError(ValueError):
    """A line that is no row of a recording: one sentence why."""


class Heard(NamedTuple):
    """What went over the wire, as it is told on the loop: cheap to make, and turned into a row by
    somebody else. `connection` says nothing of an HTTP answer, no status is 0, and `feed` is that
    of a connection that begins.
    """

    at_ns: int
    kind: str
    url: str
    data: bytes
    connection: int = 0
    status: int = 0
    feed: str = ""

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return HEARD_BYTES + len(self.url) + len(self.data)

    def as_row(self) -> Row:
        # Making a member of an enum from itself takes as long as all the rest.
        kind = self.kind if type(self.kind) is RowKind else RowKind(self.kind)
        row = Row(self.at_ns, kind, self.url, status=self.status or None, feed=self.feed)
        if kind is not RowKind.HTTP:
            row.conn = self.connection
        if not self.data and kind in (RowKind.CONNECT, RowKind.CLOSE):
            return row
        try:
            row.data = self.data.decode()
        except UnicodeDecodeError:
            row.data_base64 = base64.b64encode(self.data).decode()
        return row


def encode_row(row: Row) -> bytes:
    """Return the line, with its newline."""
    return _ENCODE(row) + b"\n"


_DECODER = msgspec.json.Decoder(Row)
_ENCODE = msgspec.json.Encoder().encode


def decode_row(line: bytes) -> Row:
    """Return the row of a line; raises RowError."""
    try:
        row = _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RowError(str(error)) from None
    if row.data_base64 is not None:
        try:
            base64.b64decode(row.data_base64, validate=True)
        except binascii.Error:
            raise RowError("`data_base64` is no base64") from None
    return row

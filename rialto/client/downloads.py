"""Files of rows, as they arrive: what is asked, what has come, and whether it is all. Pure.

The rule of this file: a file is whole or there is an error; what the gateway said at its head is
what must have come at its end.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from rialto.client.call import Call
from rialto.client.conversation import Response, Send
from rialto.client.errors import ClientError, RefusedError, UnansweredError
from rialto.client.identities import Identity

TOTAL_HEADER = "x-total-rows"
# Between two pieces; the rows are counted before the first of them comes.
READ_TIMEOUT_S = 60.0


class Progress(NamedTuple):
    """How far a download is; `total_rows` is known from its beginning."""

    rows: int
    total_rows: int
    bytes: int


Write = Callable[[bytes], object]
OnProgress = Callable[[Progress], object]


def csv_of(call: Call[Any]) -> Call[Any]:
    """Return the call for all rows as a file; raises ValueError for what has no rows."""
    if call.method != "GET":
        raise ValueError("only lists can be downloaded")
    # A page is no part of what is asked then.
    query = {name: value for name, value in call.query.items() if name not in ("limit", "cursor")}
    return Call("GET", call.path, call.kind, query={**query, "format": "csv"}, is_open=call.is_open)


def send_of(call: Call[Any], identity: Identity) -> Send:
    """Return what to send."""
    headers = {} if call.is_open else identity.headers("GET", call.target, b"", "")
    return Send("GET", call.target, headers, b"")


def may_renew(error: RefusedError, call: Call[Any], identity: Identity) -> bool:
    """Return whether it may go through with the next tokens."""
    return error.code == "TOKEN_EXPIRED" and not call.is_open and bool(identity.refresh_token)


def refusal_of(response: Response) -> ClientError:
    """Return the error that an answer is which is no file."""
    try:
        body = msgspec.json.decode(response.content)
    except msgspec.DecodeError:
        body = None
    if not isinstance(body, dict):
        return UnansweredError(f"HTTP {response.status}, and no reason", "")
    return RefusedError(response.status, body)


@dataclass(slots=True)
class Arrival:
    """A file that is coming in, piece by piece, and goes where `write` puts it."""

    write: Write
    on_progress: OnProgress | None
    total_rows: int
    size: int = 0
    _lines: int = 0
    _last: bytes = b""

    @classmethod
    def of(
        cls,
        headers: Mapping[str, str],
        write: Write,
        on_progress: OnProgress | None,
    ) -> "Arrival":
        """Return what takes the pieces of an answer; raises UnansweredError if it is no file."""
        total = headers.get(TOTAL_HEADER, "")
        if not headers.get("content-type", "").startswith("text/csv") or not total.isdecimal():
            raise UnansweredError("the answer is no file of rows", "")
        return cls(write, on_progress, int(total))

    def take(self, chunk: bytes) -> None:
        """Write a piece and say how far it is."""
        self.write(chunk)
        self.size += len(chunk)
        self._lines += chunk.count(b"\n")
        self._last = chunk[-1:] or self._last
        if self.on_progress is not None:
            self.on_progress(self.progress)

    def end(self) -> Progress:
        """Return what has come; raises UnansweredError unless that is all."""
        if self.progress.rows != self.total_rows or self._last != b"\n":
            came = f"{self.progress.rows} of {self.total_rows} rows"
            raise UnansweredError(f"the file is not whole: {came} have come", "")
        return self.progress

    @property
    def progress(self) -> Progress:
        # The first line names the columns.
        return Progress(max(self._lines - 1, 0), self.total_rows, self.size)

"""Frames that name their stream, `{"stream": "btcusdt@trade", "data": {..}}`, and the requests
that begin and end streams: a form that several venues have.

The rule of this file: it finds out which stream a frame is of; what the data of a stream says is
for a reader in a table. Fields have the names that they have in messages.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec.json import Decoder

from aggregator.protocol.answers import shaped
from aggregator.protocol.notices import Accepted, Goodbye, Refused
from aggregator.protocol.reading import UNREADABLE, decoded
from aggregator.protocol.subscribing import in_batches, json_text
from aggregator.protocol.updates import Update

NAME_CHARS_MAX = 64  # Within so many characters a frame has told its stream's symbol.
UNSUBSCRIBE_FROM = 1_000_000  # Requests of this number and above are to be rid of something.
KEY_CHARS = 7  # Of a stream's name behind its symbol: by them its reader is found.

Data = TypeVar("Data")
Number = Annotated[int, msgspec.Meta(ge=0)]


class Named(msgspec.Struct, Generic[Data], gc=False):
    """What is of a stream."""

    stream: str
    data: Data


# How a message of a stream is decoded, as `Named`, and read: `read(stream, data)`.
Reader = tuple[Decoder[Any], Callable[[str, Any], Sequence[Update]]]
Readers = Mapping[bytes, Reader]
_ANY = Decoder(Any)


def stream_requests(streams: Sequence[str], size: int, *, wanted: bool) -> list[str]:
    """Return the messages that begin or end streams, `size` in each; the answer has its number."""
    first_id = 1 if wanted else UNSUBSCRIBE_FROM
    method = "SUBSCRIBE" if wanted else "UNSUBSCRIBE"
    return [
        json_text({"method": method, "params": batch, "id": first_id + index})
        for index, batch in enumerate(in_batches(streams, size))
    ]


def read_named(frame: bytes, readers: Readers) -> Sequence[Update]:
    """Return what a frame says; raises FrameError. The name of its stream tells how to read it,
    if it stands first: readers are found by the `KEY_CHARS` characters from its `@` on, the
    quotation mark after it among them.
    """
    at = frame.find(b"@", 0, NAME_CHARS_MAX)
    reader = readers.get(frame[at : at + KEY_CHARS])
    if reader is None:
        return _read_any(frame, readers)
    try:
        message = reader[0].decode(frame)
    except UNREADABLE:
        return _read_any(frame, readers)  # It is broken, or its keys come in another order.
    return reader[1](message.stream, message.data)


def _read_any(frame: bytes, readers: Readers) -> Sequence[Update]:
    message = decoded(_ANY, frame)
    if not isinstance(message, dict):
        return ()  # A list: it is of all symbols at once.
    data = message.get("data", message)
    if not isinstance(data, dict):
        return ()
    event = str(data.get("e", ""))
    if event == "serverShutdown":
        return (Goodbye("The venue is about to shut this server down."),)
    # Without the name of its stream a message says what it is, all but a best bid and ask.
    bare = f"@{event.replace('depthUpdate', 'depth')}" if event else "@bookTicker"
    stream = str(message.get("stream", bare if event or "u" in data else ""))
    reader = readers.get(f'{stream[stream.find("@") :]}"'[:KEY_CHARS].encode())
    if reader is None:
        return _read_answer(message)
    found = shaped({"stream": stream, "data": data}, reader[0].type)
    return reader[1](found.stream, found.data)


def _read_answer(answer: dict[str, Any]) -> Sequence[Update]:
    number = answer.get("id")
    if isinstance(number, int) and number >= UNSUBSCRIBE_FROM:
        return ()
    fault = answer.get("error", answer)
    if isinstance(fault, dict) and "code" in fault:
        return (Refused(str(fault.get("msg") or fault)),)
    return (Accepted(),) if answer.get("result", 0) is None else ()

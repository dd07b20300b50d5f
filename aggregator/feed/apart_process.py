"""The process that reads what is too large to be read on the loop.

The rule of this file: it knows neither venue nor book. It is given a plain function and what that
is to read, and gives the updates back in pieces, each small enough to be unpacked between two
turns of the loop. It ends when its input does.
"""

import pickle
import signal
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO

from msgspec.structs import replace

from aggregator.books.prepared import PreparedSide, PreparedSnapshot, prepare
from aggregator.protocol import BookUpdate, FrameError, Update

LENGTH = struct.Struct("!I")  # Before each piece; one of no length is the end of an answer.
CHANGES_MAX = 5_000  # Of one piece: unpacking them takes well under a millisecond.
UPDATES_MAX = 500  # Of one piece, each as small as a trade or a symbol of a list.

# What a piece is: updates, more of the last one's levels, or why there are none.
Piece = tuple[str, Any]
LEVELS = ("bids", "asks")
SIDES = ("bid_side", "ask_side")
_NO_SIDE = PreparedSide([], {}, is_cut=False)


def read_and_prepare(
    data: bytes, levels_kept: int, read: Callable[..., Sequence[Update]], *arguments: Any
) -> list[Update]:
    """Return what `read` says to `data`, with large snapshots as good as taken over."""
    return prepare(read(data, *arguments), levels_kept)


def pieces_of(updates: Sequence[Update]) -> Iterator[Piece]:
    """Cut updates so that no piece is large."""
    small: list[Update] = []
    for update in updates:
        is_large = isinstance(update, PreparedSnapshot) or (
            isinstance(update, BookUpdate) and len(update.bids) + len(update.asks) > CHANGES_MAX
        )
        if small and (is_large or len(small) >= UPDATES_MAX):
            yield "updates", small
            small = []
        if is_large:
            yield from _pieces_of_book(update)
        else:
            small.append(update)
    if small:
        yield "updates", small


def _pieces_of_book(update: Any) -> Iterator[Piece]:
    if isinstance(update, PreparedSnapshot):
        yield "updates", [replace(update, **dict.fromkeys(SIDES, _NO_SIDE))]
        for name in SIDES:
            yield name, getattr(update, name)
        return
    yield "updates", [replace(update, bids=[], asks=[])]
    for name in LEVELS:
        changes = getattr(update, name)
        for start in range(0, len(changes), CHANGES_MAX):
            yield name, list(changes[start : start + CHANGES_MAX])


def put_together(pieces: Sequence[Piece]) -> list[Update]:
    """Return the updates that were cut; raises FrameError for what could not be read."""
    updates: list[Update] = []
    for kind, content in pieces:
        if kind == "error":
            raise FrameError(content)
        if kind == "updates":
            updates += content
        elif kind in SIDES:
            setattr(updates[-1], kind, content)
        else:
            getattr(updates[-1], kind).extend(content)
    return updates


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer one call after the other until there are no more."""
    while call := _read(requests):
        function, arguments = pickle.loads(call)
        data = _read(requests)
        try:
            for piece in pieces_of(function(data, *arguments)):
                _write(answers, piece)
        except Exception as error:  # noqa: BLE001 - whatever it was, whoever asked has to know.
            _write(answers, ("error", f"{type(error).__name__}: {error}"))
        answers.write(LENGTH.pack(0))
        answers.flush()


def _read(requests: BinaryIO) -> bytes:
    head = requests.read(LENGTH.size)
    return requests.read(LENGTH.unpack(head)[0]) if len(head) == LENGTH.size else b""


def _write(answers: BinaryIO, piece: Piece) -> None:
    data = pickle.dumps(piece, protocol=pickle.HIGHEST_PROTOCOL)
    answers.write(LENGTH.pack(len(data)) + data)


def main() -> None:
    """Serve whoever started this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # A terminal's is for the service.
    answers = sys.stdout.buffer
    sys.stdout = sys.stderr  # Whatever is printed is no answer.
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()

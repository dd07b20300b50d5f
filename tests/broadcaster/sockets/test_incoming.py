"""From frames to messages."""

import tracemalloc

from websockets.frames import Frame, Opcode

from broadcaster.sockets.incoming import Fragments

ENDLESS = 100_000
KEPT_BYTES_MAX = 10_000


def test_fragments_of_nothing_are_not_kept() -> None:
    fragments = Fragments()
    fragments.take(Frame(Opcode.TEXT, b"be", fin=False))
    nothing = Frame(Opcode.CONT, b"", fin=False)
    tracemalloc.start()
    for _ in range(ENDLESS):
        assert fragments.take(nothing) is None
    kept_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept_bytes < KEPT_BYTES_MAX
    assert fragments.take(Frame(Opcode.CONT, b"gun")) == "begun"


def test_a_message_may_begin_and_end_with_nothing() -> None:
    fragments = Fragments()
    assert fragments.take(Frame(Opcode.TEXT, b"", fin=False)) is None
    assert fragments.take(Frame(Opcode.CONT, b"all", fin=False)) is None
    assert fragments.take(Frame(Opcode.CONT, b"")) == "all"
    assert fragments.take(Frame(Opcode.BINARY, b"next")) == b"next"

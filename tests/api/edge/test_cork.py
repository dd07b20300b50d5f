"""Writes of one turn are one."""

import asyncio

from api.edge.cork import CorkedTransport


class Wire(asyncio.Transport):
    """Keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.is_closed
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 42


async def test_a_head_and_its_body_leave_together_in_their_order() -> None:
    wire = Wire()
    transport = CorkedTransport(wire, asyncio.get_running_loop())
    transport.write(b"head ")
    transport.write(b"body")
    assert wire.written == []
    await asyncio.sleep(0)
    transport.write(b"next")
    await asyncio.sleep(0)
    assert wire.written == [b"head body", b"next"]


async def test_what_is_kept_is_written_before_the_end() -> None:
    wire = Wire()
    transport = CorkedTransport(wire, asyncio.get_running_loop())
    transport.write(b"goodbye")
    transport.close()
    assert (wire.written, wire.is_closed) == ([b"goodbye"], True)
    await asyncio.sleep(0)
    assert wire.written == [b"goodbye"]


async def test_nothing_is_written_to_who_has_gone() -> None:
    wire = Wire()
    transport = CorkedTransport(wire, asyncio.get_running_loop())
    transport.write(b"too late")
    wire.close()
    await asyncio.sleep(0)
    assert wire.written == []


async def test_everything_else_is_the_transports_own() -> None:
    assert CorkedTransport(Wire(), asyncio.get_running_loop()).get_write_buffer_size() == 42

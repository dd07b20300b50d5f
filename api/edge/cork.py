"""Writes that are made together leave together.

The rule of this file: nothing waits for a later turn of the loop than the one that it was written
in, and nothing changes its order.
"""

import asyncio
from typing import Any


class CorkedTransport:
    """A transport whose writes of one turn are one: a head and its body are one packet, not two."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self.transport = transport
        self._loop = loop
        self._parts: list[bytes] = []
        # Asked for with every request, so they are not looked up by `__getattr__`.
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading
        self.is_closing = transport.is_closing
        self.get_extra_info = transport.get_extra_info

    def write(self, data: bytes) -> None:
        if not self._parts:
            self._loop.call_soon(self.uncork)
        self._parts.append(data)

    def uncork(self) -> None:
        """Write now what is kept."""
        if self._parts:
            parts, self._parts = self._parts, []
            if not self.transport.is_closing():  # Whoever was to read it may have gone.
                self.transport.write(b"".join(parts))

    def close(self) -> None:
        self.uncork()
        self.transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transport, name)

"""The server listens where it is told, or says why not."""

import socket

import pytest
from starlette.responses import Response

from history.door.serving import PortError, serving


async def test_a_port_that_is_taken_is_said_in_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortError, match=f"127.0.0.1:{port}"):
            async with serving(Response(), "127.0.0.1", port):
                pass


async def test_it_is_closed_with_its_block() -> None:
    async with serving(Response(), "127.0.0.1", 0) as port:
        pass
    with pytest.raises(OSError, match="refused"), socket.create_connection(("127.0.0.1", port), 1):
        pass

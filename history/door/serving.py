"""The door's server, in the process and on the loop of the recorder.

The rule of this file: it owns no signals and no log; it listens before it says that it is open, and
is closed with the block that it was opened for.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.types import ASGIApp

from shared.tasks import spawn

BACKLOG = 256
CONNECTIONS_MAX = 512  # The gateways' pools; above it a request is told 503.
KEEP_ALIVE_S = 30  # Longer than a gateway keeps one, so that none is dropped while it is used.
GRACE_S = 3  # Answers under way are given; a download that takes longer is cut.


class PortError(Exception):
    """The door cannot be opened there; the message is one sentence for the operator."""


class _Server(uvicorn.Server):
    """It shares a process, so the signals are not its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, host: str, port: int) -> AsyncIterator[int]:
    """Serve until the end of the block; give the port. Raises PortError."""
    listening = _listen(host, port)
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        backlog=BACKLOG,
    )
    server = _Server(config)
    task = spawn(server.serve(sockets=[listening]), "history-door")
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        await asyncio.wait((task,))


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        reason = error.strerror or str(error)
        raise PortError(f"The history cannot listen on {host}:{port}: {reason}.") from error

"""The gateway service: `python -m api`. The only place where its parts meet.

Exit codes: 0 after a clean stop, 1 when a background task has failed, 78 (EX_CONFIG) with one
sentence when it cannot be started as configured.
"""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
from collections.abc import Iterator

import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.app import admin_app, door_of, public_app
from api.edge.door import Door
from api.edge.protocol import LimitedProtocol
from api.entry.opening import open_entry
from api.entry.upgrade import protocol_with
from api.identity.tokens import KeyFileError
from api.opening import NoRedisError, open_gateway
from api.sql.database import DatabaseError
from shared.descriptors import connections_within, raise_descriptor_limit
from shared.logs import configure_logs, get_logger
from shared.settings import Settings, SettingsError, load_settings
from shared.tasks import exit_code

EXIT_CONFIGURATION = 78
GRACE_S = 8  # The orders under way get their answers; a client that stalls does not hold us longer.
CONNECTIONS_MAX = 4_000  # Above it a request is told 503; below it memory stays bounded.
LISTENERS = 2  # Public and admin; each may have its share of the descriptors.
KEEP_ALIVE_S = 30  # A bot that trades once in a while keeps its connection.
BACKLOG = 1_024
PRIVATE_UMASK = 0o077  # What we write into RIALTO_HOME is nobody else's business.

_log = get_logger(__name__)


class _Server(uvicorn.Server):
    """Two servers share a process, so neither may own its signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def main() -> int:
    """Serve until told to stop; return the exit code."""
    os.umask(PRIVATE_UMASK)
    try:
        settings = load_settings()
        configure_logs(settings)
        uvloop.run(_serve(settings))
    except (SettingsError, NoRedisError, KeyFileError, DatabaseError, _PortError) as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_CONFIGURATION
    return exit_code()


class _PortError(Exception):
    pass


async def _serve(settings: Settings) -> None:
    connections_max = connections_within(raise_descriptor_limit() // LISTENERS, CONNECTIONS_MAX)
    public_socket = _listen(settings.api_host, settings.api_port)
    admin_socket = _listen(settings.admin_host, settings.admin_port)
    async with (
        open_gateway(settings) as gateway,
        open_entry(gateway, settings.ws_origins) as entry,
    ):
        public = public_app(
            gateway, docs_enabled=settings.docs_enabled, cors_origins=settings.cors_origins
        )
        admin = admin_app(gateway, docs_enabled=settings.docs_enabled)
        servers = [
            _server(door_of(public, gateway), connections_max, protocol_with(entry)),
            _server(door_of(admin, gateway), connections_max, LimitedProtocol),
        ]
        # What is there by now stays: no collection need look at it again and hold up an order.
        gc.collect()
        gc.freeze()
        _stop_on_signals(servers)
        if settings.faucet_enabled:
            _log.warning("faucet_is_on_money_is_play_money", amounts=settings.faucet_amounts)
        _log.info("gateway_started", api_port=settings.api_port, admin_port=settings.admin_port)
        await asyncio.gather(
            servers[0].serve(sockets=[public_socket]), servers[1].serve(sockets=[admin_socket])
        )
    _log.info("gateway_stopped")


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        reason = error.strerror or str(error)
        raise _PortError(f"The gateway cannot listen on {host}:{port}: {reason}.") from error


def _server(door: Door, connections_max: int, protocol: type[HttpToolsProtocol]) -> _Server:
    config = uvicorn.Config(
        door,
        http=protocol,
        ws="none",  # What is one is answered by the protocol itself.
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=connections_max,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        backlog=BACKLOG,
    )
    return _Server(config)


def _stop_on_signals(servers: list[_Server]) -> None:
    def stop() -> None:
        for server in servers:
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)


if __name__ == "__main__":
    sys.exit(main())

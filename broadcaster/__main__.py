"""The feed service: `python -m broadcaster`. The only place where its parts meet.

Exit codes: 0 after a clean stop, 1 when a background task has failed, 78 (EX_CONFIG) with one
sentence when it cannot be started as configured.
"""

import asyncio
import os
import signal
import sys

import uvloop

from broadcaster.feed import Feed
from broadcaster.hub import Hub
from broadcaster.limits import CONNECTIONS_MAX, ConnectionCount
from broadcaster.relay import Relay
from broadcaster.server import FeedServer
from broadcaster.session import Verify
from shared.channels import Keys
from shared.descriptors import connections_within, raise_descriptor_limit
from shared.home import read_run_redis_url, token_public_key
from shared.logs import configure_logs, get_logger
from shared.redis_client import limits_url
from shared.revocations import Revocations
from shared.settings import Settings, SettingsError, load_settings
from shared.tasks import exit_code
from shared.tokens import AUDIENCE, Claims, TokenError, TokenVerifier

EXIT_CONFIGURATION = 78

_log = get_logger(__name__)


class _StartError(Exception):
    """One sentence for the person who started the service."""


def main() -> int:
    """Serve until told to stop; return the exit code."""
    try:
        settings = load_settings()
        configure_logs(settings)
        uvloop.run(_run(settings))
    except (SettingsError, _StartError) as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_CONFIGURATION
    return exit_code()


async def _run(settings: Settings) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    hub = Hub()
    feed = Feed(hub)
    redis_url = _redis_url(settings)
    relay = Relay(redis_url, Keys(settings.venue), feed)
    limits_redis_url = limits_url(redis_url, settings.limits_redis_url)
    revocations = Revocations(limits_redis_url, settings.venue, is_source=False)
    server = FeedServer(
        hub,
        _verify_with(TokenVerifier(token_public_key(settings.home_path)), revocations),
        origins=settings.ws_origins,
        is_ready=lambda: relay.is_in_step,
        metrics=lambda: _metrics(feed, relay),
        connections=ConnectionCount(connections_within(raise_descriptor_limit(), CONNECTIONS_MAX)),
    )
    revocations.call(server.revoke)
    await revocations.start()
    await relay.start()
    try:
        await _listen(server, settings)
        await stopped.wait()
        await server.close()
    finally:
        await relay.close()
        await revocations.close()
    _log.info("broadcaster_stopped", pid=os.getpid())


def _verify_with(verifier: TokenVerifier, revocations: Revocations) -> Verify:
    def verify(token: str) -> Claims:
        claims = verifier.verify(token, AUDIENCE)
        if revocations.is_revoked(claims.session_id):
            raise TokenError("SESSION_REVOKED")
        return claims

    return verify


async def _listen(server: FeedServer, settings: Settings) -> None:
    host, port = settings.ws_host, settings.ws_port
    try:
        await server.start(host, port)
    except OSError as error:
        reason = error.strerror or str(error)
        raise _StartError(
            f"The broadcaster cannot listen on {host}:{port} ({reason}): "
            "stop what uses it, or choose another with RIALTO_WS_PORT."
        ) from error
    _log.info("broadcaster_started", host=host, port=port)


def _redis_url(settings: Settings) -> str:
    url = settings.redis_url or read_run_redis_url(settings.home_path)
    if not url:
        raise _StartError(
            "There is no Redis to follow: set REDIS_URL, or start everything with `rialto up`."
        )
    return url


def _metrics(feed: Feed, relay: Relay) -> dict[str, int]:
    sequence = 0 if feed.projection is None else feed.projection.sequence
    return {
        "sequence": sequence,
        "in_step": int(relay.is_in_step),
        "fills": relay.fill_count,
        "resyncs": feed.resync_count,
    }


if __name__ == "__main__":
    sys.exit(main())

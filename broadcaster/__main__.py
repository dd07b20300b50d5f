"""The feed service: `python -m broadcaster [NUMBER]`. The only place where its parts meet.

NUMBER says which of several (the setting `broadcasters`) this one is. They share a port; each has
another on loopback, where nobody else can answer for it.

Exit codes: 0 after a clean stop, 1 when a background task has failed, 78 (EX_CONFIG) with one
sentence when it cannot be started as configured.
"""

import asyncio
import functools
import gc
import os
import signal
import sys
from pathlib import Path

import uvloop

from broadcaster.channels.cadence import Cadence
from broadcaster.channels.hub import Hub
from broadcaster.clients.limits import CONNECTIONS_MAX, ConnectionCount
from broadcaster.clients.session import Verify
from broadcaster.outside.upstream import Upstream
from broadcaster.sockets.logins import Logins
from broadcaster.sockets.pulse import beat
from broadcaster.sockets.server import FeedServer
from broadcaster.sockets.tickets import Redeem
from broadcaster.venue.feed import Feed
from broadcaster.venue.relay import Relay
from shared.addresses import Proxies, is_loopback
from shared.channels import Keys
from shared.claims import AUDIENCE, Claims, TokenError
from shared.descriptors import connections_within, raise_descriptor_limit
from shared.home import read_run_redis_url, token_public_key
from shared.logs import configure_logs, get_logger
from shared.networks import parse_networks
from shared.redis_client import limits_url
from shared.revocations import Revocations
from shared.settings import Settings, SettingsError, load_settings
from shared.tasks import exit_code, spawn, stop
from shared.tickets import Tickets

EXIT_CONFIGURATION = 78
LOOPBACK = "127.0.0.1"

# The collector stops the world. With 10,000 connections (380,000 objects) a full collection takes
# 150 to 220 ms, and with Python's own thresholds it comes four times while they connect, 490 ms in
# all. With these it does not come, and the smaller ones take less than 10 ms. A connection that has
# ended leaves no cycles (a test sees to that), so nothing piles up that only a full collection
# frees. What is there at the start, 55,000 objects, stays, and is never looked through again.
COLLECT_THRESHOLDS = (5_000, 5, 20)

_log = get_logger(__name__)


class _StartError(Exception):
    """One sentence for the person who started the service."""


def main() -> int:
    """Serve until told to stop; return the exit code."""
    try:
        settings = load_settings()
        configure_logs(settings)
        uvloop.run(_run(settings, _number(sys.argv[1:], settings.broadcasters)))
    except (SettingsError, _StartError) as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_CONFIGURATION
    return exit_code()


def _number(words: list[str], count: int) -> int:
    if not words:
        return 1
    if len(words) == 1 and words[0].isdecimal() and 1 <= int(words[0]) <= count:
        return int(words[0])
    raise _StartError(f"Of {count} (RIALTO_BROADCASTERS) there is no broadcaster {words[0]!r}.")


async def _run(settings: Settings, number: int) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopped.set)
    hub = Hub()
    cadence = Cadence()
    feed = Feed(hub, cadence)
    redis_url = _redis_url(settings)
    relay = Relay(redis_url, Keys(settings.venue), feed)
    upstream = Upstream(redis_url, Keys(settings.venue), hub, cadence)
    limits_redis_url = limits_url(redis_url, settings.limits_redis_url)
    revocations = Revocations(limits_redis_url, settings.venue, is_source=False)
    tickets = Tickets(limits_redis_url, settings.venue)
    proxies = Proxies(parse_networks(settings.trusted_proxies))
    logins = logins_with(token_public_key(settings.home_path), revocations)
    server = FeedServer(
        hub,
        logins.verify,
        origins=settings.ws_origins,
        is_ready=lambda: relay.is_in_step,
        metrics=lambda: _metrics(feed, relay, upstream),
        redeem=_redeem_with(tickets, revocations),
        connections=_connection_count(proxies),
        proxies=proxies,
    )
    revocations.call(server.revoke)
    await revocations.start()
    await relay.start()
    await upstream.start()
    pulse = spawn(beat(cadence), "feed-cadence")
    try:
        await _listen(server, settings, number)
        _calm_the_collector()
        await stopped.wait()
        await server.close()
    finally:
        await stop(pulse)
        await upstream.close()
        await relay.close()
        await revocations.close()
        await tickets.close()
        await logins.close()
    _log.info("broadcaster_stopped", pid=os.getpid())


def _connection_count(proxies: Proxies) -> ConnectionCount:
    return ConnectionCount(
        connections_within(raise_descriptor_limit(), CONNECTIONS_MAX),
        # Many stand behind a proxy of ours; they are counted by their own addresses.
        is_free=lambda address: is_loopback(address) or proxies.is_proxy(address),
    )


def logins_with(public_key: Path, revocations: Revocations) -> Logins:
    """Return what checks tokens by a file of keys, and loads what that takes when it has to."""
    return Logins(functools.partial(_verify_with, public_key, revocations))


def _verify_with(public_key: Path, revocations: Revocations) -> Verify:
    # Here, where somebody logs in: see `broadcaster.sockets.logins`.
    from shared.tokens import TokenVerifier

    verifier = TokenVerifier(public_key)

    def verify(token: str) -> Claims:
        claims = verifier.verify(token, AUDIENCE)
        if revocations.is_revoked(claims.session_id):
            raise TokenError("SESSION_REVOKED")
        return claims

    return verify


def _redeem_with(tickets: Tickets, revocations: Revocations) -> Redeem:
    async def redeem(ticket: str) -> Claims | None:
        claims = await tickets.redeem(ticket)
        # Asked last: whatever is heard from now on ends the connection itself.
        is_over = claims is not None and revocations.is_revoked(claims.session_id)
        return None if is_over else claims

    return redeem


async def _listen(server: FeedServer, settings: Settings, number: int) -> None:
    own_ports = settings.ws_private_ports
    # Shared only where it must be: otherwise a port in use is refused.
    await _listen_at(server, settings.ws_host, settings.ws_port, "ws_port", len(own_ports) > 1)
    if own_ports:  # After the other: who answers here listens there.
        await _listen_at(server, LOOPBACK, own_ports[number - 1], "ws_private_port")
    _log.info("broadcaster_started", host=settings.ws_host, port=settings.ws_port, number=number)


async def _listen_at(
    server: FeedServer, host: str, port: int, setting: str, is_shared: bool = False
) -> None:
    try:
        await server.start(host, port, is_shared=is_shared)
    except OSError as error:
        reason = error.strerror or str(error)
        raise _StartError(
            f"The broadcaster cannot listen on {host}:{port} ({reason}): "
            f"stop what uses it, or choose another with RIALTO_{setting.upper()}."
        ) from error


def _calm_the_collector() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_THRESHOLDS)


def _redis_url(settings: Settings) -> str:
    url = settings.redis_url or read_run_redis_url(settings.home_path)
    if not url:
        raise _StartError(
            "There is no Redis to follow: set REDIS_URL, or start everything with `rialto up`."
        )
    return url


def _metrics(feed: Feed, relay: Relay, upstream: Upstream) -> dict[str, int]:
    sequence = 0 if feed.projection is None else feed.projection.sequence
    return {
        "sequence": sequence,
        "in_step": int(relay.is_in_step),
        "fills": relay.fill_count,
        "resyncs": feed.resync_count,
        **upstream.metrics(),
    }


if __name__ == "__main__":
    sys.exit(main())

"""`rialto up`: everything that is checked, chosen and written before the first service starts.

The rule of this file: whatever can be refused is refused here, in one sentence, with nothing
started.
"""

import asyncio
import contextlib
import os
from collections.abc import Mapping

import redis

from rialto.console import Voice
from rialto.embedded_redis import EmbeddedRedis, find_redis_binaries, make_embedded_redis
from rialto.errors import RialtoError
from rialto.home import Home, locked, open_home, prepare
from rialto.runs import end_leftovers, new_run, remove_run
from rialto.services import (
    aggregator_ports,
    check_doors,
    exchange_specs,
    history_ports,
    ports,
    private_ports,
    redis_spec,
    service_environ,
    urls,
    venues_ports,
    with_own_venues,
)
from rialto.supervisor import Supervisor
from rialto.versions import choose_binary, record_writer
from shared.redis_client import connect
from shared.settings import Settings
from shared.settings_fields import redact_url

PRIVATE_UMASK = 0o077


def up(settings: Settings, environ: Mapping[str, str], voice: Voice, *, verbose: bool) -> None:
    """Run the exchange until a signal ends it; raise RialtoError if it cannot run."""
    settings = with_own_venues(settings)
    os.umask(PRIVATE_UMASK)  # Whatever the services write, archive and data of Redis, is private.
    home = open_home(settings.home)
    with locked(home):
        record_writer(home, None)  # Refuses newer data; marks the folder as ours before all else.
        prepare(home)
        for name in end_leftovers(home):
            voice.tell(name, "was left behind by a run that was killed; ended", "yellow")
        check_doors(settings)
        embedded = None if settings.redis_url else _embedded(home, environ)
        if embedded is None:
            _check_foreign_redis(settings.redis_url)
        record = record_writer(home, embedded.binary if embedded else None)
        redis_url = embedded.url if embedded else settings.redis_url
        environ = service_environ(environ, settings, home, redis_url, record.home_id)
        needs = ("redis",) if embedded else ()
        supervisor_specs = [redis_spec(embedded)] if embedded else []
        supervisor_specs += exchange_specs(settings, environ, redis_url, needs)
        all_ports = ports(settings) | private_ports(settings) | aggregator_ports(settings)
        all_ports |= history_ports(settings) | venues_ports(settings)
        all_ports |= {"redis": embedded.port} if embedded else {}
        voice.say(f"Rialto starts in {home.folder}", "bold")
        with contextlib.ExitStack() as stack:
            stack.callback(remove_run, home)
            supervisor = Supervisor(
                supervisor_specs,
                home,
                new_run(redis_url, all_ports, urls(settings)),
                voice,
                verbose=verbose,
                on_all_ready=lambda: _say_where(voice, settings, home),
            )
            asyncio.run(supervisor.run())
        voice.say("Rialto has stopped; its data stays in " + str(home.folder))


def _embedded(home: Home, environ: Mapping[str, str]) -> EmbeddedRedis:
    return make_embedded_redis(home, choose_binary(home, find_redis_binaries(environ)))


def _check_foreign_redis(url: str) -> None:
    try:
        with contextlib.closing(connect(url)) as client:
            client.ping()
    except (redis.RedisError, OSError, ValueError) as error:
        raise RialtoError(
            f"Redis at {redact_url(url)} does not answer ({error}): "
            "start it, correct RIALTO_REDIS_URL, or leave that empty for an embedded one."
        ) from error


def _say_where(voice: Voice, settings: Settings, home: Home) -> None:
    door = urls(settings)
    voice.say("")
    voice.say("Rialto is up", "bold green")
    voice.tell("gateway", f"{door['api']}" + ("  (try /docs)" if settings.docs_enabled else ""))
    several = f"  ({settings.broadcasters} broadcasters)" if settings.broadcasters > 1 else ""
    voice.tell("stream", f"{door['ws']}{several}")
    voice.tell("admin", f"{door['admin']}  (this machine only)")
    if settings.aggregator_enabled:
        simulated = "  (simulated)" if settings.offline else ""
        voice.tell("outside", ", ".join(settings.feeds) + simulated)
    voice.tell("logs", str(home.logs_dir))
    voice.say(f"Next, in another terminal: curl {door['api']}/api/v1/markets")
    voice.say("Then the tour in README.md. Ctrl-C stops everything.")
    voice.say("")

"""`python -m rialto.healthcheck SERVICE`: whether a service does its work, for Docker to ask.

The rule of this file: it looks from outside, as a client does, and changes nothing. One sentence on
standard error says what is wrong; `docker inspect` shows it.
"""

import http
import http.client
import socket
import sys
from collections.abc import Callable

import redis

from rialto.services import LOOPBACK
from shared.channels import Keys
from shared.networks import reachable_host
from shared.redis_client import connect
from shared.settings import Settings, SettingsError, load_settings

DEADLINE_S = 2.0  # Everything is near; an answer that comes later is no good to a trader either.
ARCHIVE_BEHIND_MAX = 20_000  # Commands: several seconds of a busy venue, made up for in one.
ANSWER_BYTES_MAX = 1_024


class Unhealthy(Exception):
    """The sentence that says what is wrong."""


def main(arguments: list[str]) -> int:
    """Check the service named by the only argument; return 0 if it is healthy and 1 if not."""
    check = CHECKS.get(arguments[0]) if len(arguments) == 1 else None
    if check is None:
        sys.stderr.write(f"Name one service: {', '.join(CHECKS)}.\n")
        return 1
    try:
        check(load_settings())
    except (SettingsError, Unhealthy) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except (redis.RedisError, OSError, http.client.HTTPException) as error:
        sys.stderr.write(f"No answer: {error or type(error).__name__}.\n")
        return 1
    return 0


def check_engine(settings: Settings) -> None:
    """Raise Unhealthy unless this machine's engine is at work, or stands by and agrees.

    Which of the two does what changes with every takeover, so both are asked the same.
    """
    keys, owner = Keys(settings.venue), settings.engine_owner or socket.gethostname()
    with connect(settings.redis_url, timeout_s=DEADLINE_S) as client:
        holder, note = client.get(keys.lease), client.get(keys.standby)
        halt = client.hget(keys.meta, "halt")
    if holder == owner.encode():
        if isinstance(halt, bytes) and halt:
            raise Unhealthy(f"The venue is halted: {halt.decode(errors='replace')}.")
        return
    text = note.decode(errors="replace") if isinstance(note, bytes) else ""
    if f'"owner":"{owner}"' not in text:
        raise Unhealthy("This engine has no lease and does not stand by.")
    if '"state":"stopped"' in text:
        raise Unhealthy("The standby disagrees with the engine.")


def check_archive(settings: Settings) -> None:
    """Raise Unhealthy if the archive is so far behind the commits that its writer must be stuck."""
    keys = Keys(settings.venue)
    with connect(settings.redis_url, timeout_s=DEADLINE_S) as client:
        archived = _number(_first_word(client.get(keys.cursor("journal"))))
        committed = _number(client.hget(keys.meta, "position"))
    if committed - archived > ARCHIVE_BEHIND_MAX:
        raise Unhealthy(f"Entry {archived} of {committed} is the last one archived.")


def check_api(settings: Settings) -> None:
    """Raise Unhealthy unless the gateway would take an order now."""
    _check_door(settings.api_host, settings.api_port)


def check_broadcaster(settings: Settings) -> None:
    """Raise Unhealthy unless the broadcaster is in step with the engine; of several, each one."""
    if not settings.ws_private_ports:
        _check_door(settings.ws_host, settings.ws_port)
    for port in settings.ws_private_ports:
        _check_door(LOOPBACK, port)


def check_aggregator(settings: Settings) -> None:
    """Raise Unhealthy unless the aggregator publishes; how venues do, its channels tell."""
    for port in settings.aggregator_ports:
        _check_door(settings.aggregator_host, port)


def check_history(settings: Settings) -> None:
    """Raise Unhealthy unless the history records, and is not far behind."""
    _check_door(settings.history_host, settings.history_port)


def _check_door(host: str, port: int) -> None:
    door = http.client.HTTPConnection(reachable_host(host), port, timeout=DEADLINE_S)
    try:
        door.request("GET", "/ready")
        answer = door.getresponse()
        if answer.status != http.HTTPStatus.OK:
            text = answer.read(ANSWER_BYTES_MAX).decode("ascii", errors="replace")
            raise Unhealthy(f"{answer.status} {text}")
    finally:
        door.close()


def _first_word(value: object) -> bytes:
    return value.split()[0] if isinstance(value, bytes) and value.strip() else b"0"


def _number(value: object) -> int:
    return int(value) if isinstance(value, bytes) else 0


CHECKS: dict[str, Callable[[Settings], None]] = {
    "engine": check_engine,
    "standby": check_engine,
    "archive": check_archive,
    "api": check_api,
    "broadcaster": check_broadcaster,
    "aggregator": check_aggregator,
    "history": check_history,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The services of the real exchange, as the supervisor starts them, and their doors.

The rule of this file: it is the only place that knows which service needs what and who stops first.
"""

import errno
import functools
import hashlib
import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from rialto.embedded_redis import EmbeddedRedis
from rialto.errors import RialtoError
from rialto.home import Home
from rialto.probes import EngineProbe, alive, http_answers
from rialto.service import ServiceSpec
from shared.channels import Keys
from shared.networks import reachable_host
from shared.settings import CONFIG_VARIABLE, Settings

BROADCASTER = "broadcaster"
AGGREGATOR = "aggregator"
HISTORY = "history"
VENUES = "venues"
LOOPBACK = "127.0.0.1"
DOORS = ("api", "admin", "ws")  # Each has a setting <door>_host and <door>_port.
# The order of the end: nobody is let in any more, then the work is finished, then Redis goes.
STOP_DOORS, STOP_ENGINE, STOP_ARCHIVE, STOP_REDIS = range(4)
OWNER_VARIABLE = "RIALTO_ENGINE_OWNER"
ARENAS_VARIABLE = "MALLOC_ARENA_MAX"  # Of glibc; other libraries pass it over.


def service_environ(
    environ: Mapping[str, str], settings: Settings, home: Home, redis_url: str, home_id: str
) -> dict[str, str]:
    """Return the environment of every service: all settings spelled out and no settings file, so
    that none is read twice.
    """
    values = {name: getattr(settings, name) for name in settings.__struct_fields__}
    values |= {
        "home": str(home.folder),
        "redis_url": redis_url,
        "archive_dir": os.path.abspath(settings.archive_path) if settings.archive_dir else "",
        "snapshot_dir": os.path.abspath(settings.snapshot_path) if settings.snapshot_dir else "",
        "flights_dir": os.path.abspath(settings.flights_path) if settings.flights_dir else "",
        "parquet_dir": os.path.abspath(settings.parquet_path) if settings.parquet_dir else "",
        # A fixed name lets a restarted engine take its own lease back without waiting for its end.
        "engine_owner": settings.engine_owner or _owner(home, home_id),
    }
    ours = {f"RIALTO_{name.upper()}": _text(value) for name, value in values.items()}
    # The services are found where this package was found, installed or in a checkout.
    root = str(Path(__file__).resolve().parent.parent)
    search = os.pathsep.join(filter(None, (root, environ.get("PYTHONPATH", ""))))
    # A file that is being edited must not keep a service from its next start.
    ours |= {CONFIG_VARIABLE: os.devnull, "PYTHONPATH": search, "PYTHONUNBUFFERED": "1"}
    # Threads of Python allocate in turns anyway, and each would get a heap of its own: megabytes
    # of the feeds' processes, in which threads pack what was heard.
    ours |= {ARENAS_VARIABLE: environ.get(ARENAS_VARIABLE, "1")}
    return {**environ, **ours}


def _owner(home: Home, home_id: str) -> str:
    # The folder belongs to the name, or a copied home would share its lease with the original.
    digest = hashlib.blake2b(f"{home_id}:{home.folder}".encode(), digest_size=8).hexdigest()
    return f"home-{digest}"


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def redis_spec(redis: EmbeddedRedis) -> ServiceSpec:
    """The embedded Redis; its own log speaks of memory settings and the like, which is for its
    file.
    """
    return ServiceSpec(
        name="redis",
        argv=redis.argv,
        environ={"PATH": os.defpath, "LC_ALL": "C"},
        ready=redis.ready,
        stop_rank=STOP_REDIS,
        vital=True,
        address=f"{redis.binary} on 127.0.0.1:{redis.port}",
        notable=lambda line: None,
    )


def exchange_specs(
    settings: Settings, environ: Mapping[str, str], redis_url: str, needs: tuple[str, ...]
) -> list[ServiceSpec]:
    """The services of ours in the order of their start."""
    owner = environ.get(OWNER_VARIABLE, "")
    engine = EngineProbe(redis_url, Keys(settings.venue), owner)
    api = settings.api_host, settings.api_port
    service = functools.partial(ServiceSpec, environ=environ, needs=needs)
    standby = service(
        name="standby",
        argv=module_argv("engine"),
        environ={**environ, OWNER_VARIABLE: f"{owner}-standby"},
        ready=alive,
        stop_rank=STOP_ENGINE,  # After a takeover it is the engine that is at work.
    )
    return [
        service(
            name="engine",
            argv=module_argv("engine"),
            before_start=engine.before_start,
            ready=engine.ready,
            stop_rank=STOP_ENGINE,
        ),
        # After the engine, or it might be the first to take the lease.
        *([standby] if settings.standby else []),
        service(
            name="archive",
            argv=module_argv("engine", "archive"),
            ready=alive,
            stop_rank=STOP_ARCHIVE,
        ),
        service(
            name="api",
            argv=module_argv("api"),
            ready=http_answers(*api, "/health", status="200"),
            stop_rank=STOP_DOORS,
            address=urls(settings)["api"],
        ),
        *_histories(settings, service),
        *_broadcasters(settings, service),
        *([_venues(settings, environ)] if settings.offline else []),
        # Last: nobody waits for it, and it waits for nobody's internet to be ready.
        *_aggregators(settings, service),
    ]


def _histories(settings: Settings, service: Callable[..., ServiceSpec]) -> Iterator[ServiceSpec]:
    for name, port in history_ports(settings).items():
        yield service(
            name=name,
            argv=module_argv("history"),
            # It answers while it still reads what it has missed.
            ready=http_answers(settings.history_host, port, "/health", status="200"),
            stop_rank=STOP_ARCHIVE,
            address=f"http://{_joined(settings.history_host, port)}",
        )


def _broadcasters(settings: Settings, service: Callable[..., ServiceSpec]) -> Iterator[ServiceSpec]:
    broadcaster = functools.partial(service, stop_rank=STOP_DOORS)
    door = urls(settings)["ws"]
    own_ports = private_ports(settings)
    if not own_ports:
        yield broadcaster(
            name=BROADCASTER,
            argv=module_argv("broadcaster"),
            ready=http_answers(settings.ws_host, settings.ws_port, "/health"),
            address=door,
        )
    for number, (name, port) in enumerate(own_ports.items(), 1):
        yield broadcaster(
            name=name,
            argv=module_argv("broadcaster", str(number)),
            # At ws_port any of them might answer.
            ready=http_answers(LOOPBACK, port, "/health"),
            address=f"{door} and {_private_url(port)}",
        )


def _venues(settings: Settings, environ: Mapping[str, str]) -> ServiceSpec:
    # It needs nothing of the exchange, not even Redis.
    return ServiceSpec(
        name=VENUES,
        argv=module_argv("aggregator.offline", "--port", str(settings.venues_port)),
        environ=environ,
        ready=http_answers(LOOPBACK, settings.venues_port, "/health", status="200"),
        stop_rank=STOP_DOORS,
        address=_private_url(settings.venues_port),
    )


def _aggregators(settings: Settings, service: Callable[..., ServiceSpec]) -> Iterator[ServiceSpec]:
    for number, (name, port) in enumerate(aggregator_ports(settings).items(), 1):
        yield service(
            name=name,
            argv=module_argv("aggregator", str(number)),
            ready=http_answers(settings.aggregator_host, port, "/health", status="200"),
            stop_rank=STOP_DOORS,
            address=f"http://{_joined(settings.aggregator_host, port)}",
        )


def module_argv(*words: str) -> tuple[str, ...]:
    """Return how to run one of our modules as a program."""
    # -P: a folder named `api` where the person stands must not be taken for ours.
    return (sys.executable, "-P", "-m", *words)


def ports(settings: Settings) -> dict[str, int]:
    return {door: getattr(settings, f"{door}_port") for door in DOORS}


def private_ports(settings: Settings) -> dict[str, int]:
    """Return the loopback port of each of several broadcasters, by service."""
    return {
        f"{BROADCASTER}-{number}" if number > 1 else BROADCASTER: port
        for number, port in enumerate(settings.ws_private_ports, 1)
    }


def aggregator_ports(settings: Settings) -> dict[str, int]:
    """Return the port of each aggregator, by service."""
    return {
        f"{AGGREGATOR}-{number}" if number > 1 else AGGREGATOR: port
        for number, port in enumerate(settings.aggregator_ports, 1)
    }


def history_ports(settings: Settings) -> dict[str, int]:
    """Return the port of the history, if it runs."""
    return {HISTORY: settings.history_port} if settings.history_enabled else {}


def venues_ports(settings: Settings) -> dict[str, int]:
    """Return the port of the simulated venues, if they run."""
    return {VENUES: settings.venues_port} if settings.offline else {}


def with_own_venues(settings: Settings) -> Settings:
    """Return settings with which the aggregator follows the simulated venues, if they run."""
    if not settings.offline:
        return settings
    return msgspec.structs.replace(settings, venues_address=f"{LOOPBACK}:{settings.venues_port}")


def urls(settings: Settings) -> dict[str, str]:
    """Return what to type into a client on this machine, by door, then by broadcaster."""
    api, admin, ws = (_authority(settings, door) for door in DOORS)
    own = {name: _private_url(port) for name, port in private_ports(settings).items()}
    return {"api": f"http://{api}", "admin": f"http://{admin}", "ws": f"ws://{ws}/ws", **own}


def _private_url(port: int) -> str:
    return f"http://{LOOPBACK}:{port}"


def _authority(settings: Settings, door: str) -> str:
    return _joined(getattr(settings, f"{door}_host"), ports(settings)[door])


def _joined(listening_host: str, port: int) -> str:
    host = reachable_host(listening_host)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def check_doors(settings: Settings) -> None:
    """Refuse in one sentence if a door cannot be opened: its port, and the setting to change."""
    for door, port in ports(settings).items():
        _check_door(getattr(settings, f"{door}_host"), port, door)
    for port in settings.ws_private_ports:
        _check_door(LOOPBACK, port, "ws_private")
    for port in settings.aggregator_ports:
        _check_door(settings.aggregator_host, port, "aggregator")
    for port in history_ports(settings).values():
        _check_door(settings.history_host, port, HISTORY)
    for port in venues_ports(settings).values():
        _check_door(LOOPBACK, port, VENUES)


def _check_door(host: str, port: int, door: str) -> None:
    setting = f"RIALTO_{door.upper()}_"
    try:
        _try_to_listen(host, port)
    except socket.gaierror as error:
        raise RialtoError(f"{host} is no address of this machine: change {setting}HOST.") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            sentence = (
                f"Port {port} on {host} is in use by another program: "
                f"stop that one, or set {setting}PORT to a free port."
            )
        elif error.errno in (errno.EACCES, errno.EPERM):
            sentence = f"Port {port} needs more rights than you have: set {setting}PORT above 1023."
        else:
            sentence = (
                f"{host} port {port} cannot be opened ({error.strerror}): change {setting}HOST."
            )
        raise RialtoError(sentence) from error


def _try_to_listen(host: str, port: int) -> None:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = found[0]
    with socket.socket(family, kind, protocol) as door:
        # As the servers do, so that connections of the last run that are still closing do not
        # count.
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(address)
        door.listen(1)

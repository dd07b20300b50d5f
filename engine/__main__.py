"""The engine service: `python -m engine`, and the archiver: `python -m engine archive`.

The only place where their parts meet. Exit codes: 0 after a clean stop, 1 when the work cannot go
on and a new start may help, 78 (EX_CONFIG) with one sentence when it cannot.
"""

import contextlib
import gc
import os
import signal
import sys
import uuid
from collections.abc import Callable, Mapping

import redis

from engine import compiled
from engine.archiver import Archiver
from engine.audit import ForkedAudit
from engine.demo import seed
from engine.failpoints import failpoint
from engine.garbage import look_rarely
from engine.options import engine_options, program_of, standby_options
from engine.pulse import Pulse
from engine.redis_link import RedisLink
from engine.rows import OtherVersion
from engine.service import EngineService
from engine.standby import Standby
from engine.store import Fenced, Lease, Store
from engine.watch import Watch
from shared.archive import ArchiveError
from shared.channels import Keys
from shared.logs import configure_logs, get_logger
from shared.settings import Settings, SettingsError, load_settings

EXIT_FAILED = 1
EXIT_CONFIGURATION = 78
PRIVATE_UMASK = 0o077  # The archive has every order and all money: it is its owner's business.

_log = get_logger(__name__)


def main(arguments: list[str]) -> int:
    """Run the service named by the first argument; return the exit code."""
    os.umask(PRIVATE_UMASK)
    try:
        if compiled.fault():
            raise SettingsError(compiled.fault())
        settings = load_settings()
        if not settings.redis_url:
            raise SettingsError("The engine needs a Redis: set RIALTO_REDIS_URL, or use rialto up.")
        configure_logs(settings)
        run = _run_archiver if arguments[:1] == ["archive"] else _run_engine
        return run(settings, _stop_asked())
    except (SettingsError, OtherVersion, ArchiveError) as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_CONFIGURATION


def _stop_asked() -> Callable[[], bool]:
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: asked.append(received))
    return lambda: bool(asked)


def _at_step(environ: Mapping[str, str]) -> Callable[[str], None]:
    may_die = failpoint(environ)

    def at_step(name: str) -> None:
        if name == "loaded":
            gc.freeze()  # What was loaded stays: no look for garbage goes through all of it.
        may_die(name)

    return at_step


def _run_engine(settings: Settings, should_stop: Callable[[], bool]) -> int:
    look_rarely()
    link, keys = RedisLink(settings.redis_url), Keys(settings.venue)
    owner = settings.engine_owner or uuid.uuid4().hex
    lease = Lease(owner, settings.lease_ttl_ms, program_of(settings))
    pulse = Pulse(RedisLink(settings.redis_url), keys, lease)
    service = EngineService(
        Store(link, keys, lease),
        keys,
        engine_options(settings),
        should_stop=should_stop,
        at_step=_at_step(os.environ),
        standby=Standby(
            link,
            Watch(link, keys),
            standby_options(settings, owner),
            ForkedAudit(),
            should_stop=should_stop,
        ),
        pulse=pulse,
    )
    try:
        link.open()
        if settings.demo_markets:
            seed(link, keys)
        service.run()
    except Fenced as error:
        _log.error("fenced", reason=str(error))
    except (redis.RedisError, OSError) as error:
        _log.error("redis_failed", reason=str(error))
    except OtherVersion:
        raise
    except Exception:  # noqa: BLE001 - the outermost loop: whatever it was, the engine ends.
        _log.exception("engine_died", entry=service.applying_n)
        with contextlib.suppress(redis.RedisError, OSError, Fenced):
            service.count_death()
    else:
        return 0
    finally:
        pulse.close()
        link.close()
    return EXIT_FAILED


def _run_archiver(settings: Settings, should_stop: Callable[[], bool]) -> int:
    link = RedisLink(settings.redis_url)
    archiver = Archiver(link, Keys(settings.venue), settings.archive_path, should_stop=should_stop)
    try:
        link.open()
        archiver.run()
    except (redis.RedisError, OSError) as error:
        _log.error("archiver_failed", reason=str(error))
        return EXIT_FAILED
    finally:
        link.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

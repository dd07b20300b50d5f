"""The history: `python -m history`. The composition root of the program.

Exit codes: 0 after a clean stop, 1 when the work cannot go on and a new start may help, 78
(EX_CONFIG) with one sentence when it cannot be started as configured: the history is of another
venue, the port is taken, the database cannot be used.
"""

import asyncio
import gc
import os
import signal
import sys
from contextlib import AsyncExitStack

import uvloop

from history.follow.follower import Follower
from history.follow.links import OtherVenue
from history.parts import PortError, open_door, open_outlet, open_outside, open_upkeep
from history.service import Recorder
from history.sql.database import HistoryDatabase, history_url, open_history
from history.sql.failures import DatabaseAway, DatabaseError
from history.sql.writer import CursorMoved
from history.store import SqlStore
from shared.channels import Keys
from shared.home import read_run_redis_url
from shared.logs import configure_logs, get_logger
from shared.settings import Settings, SettingsError, load_settings
from shared.tasks import exit_code, stop

EXIT_FAILED = 1
EXIT_CONFIGURATION = 78
PRIVATE_UMASK = 0o077  # Every order and all money: it is its owner's business.
# Rows have no cycles, and go with their batch. A collection in the middle of one looks through all
# of them for nothing, which is two fifths of the work of making them: so it begins at twice as many
# as there are in the largest batch. What is loaded, the orders that rest, stays out of it.
COLLECT_THRESHOLDS = (250_000, 5, 10)
# Rows are made in a thread. Whoever asks meanwhile waits for so long, and not the usual 5 ms, each
# time that the loop wants its turn.
SWITCH_INTERVAL_S = 0.001

_log = get_logger(__name__)


class _StartError(Exception):
    """One sentence for the person who started the service."""


def main() -> int:
    """Record until told to stop; return the exit code."""
    os.umask(PRIVATE_UMASK)
    try:
        settings = load_settings()
        configure_logs(settings)
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        uvloop.run(_run(settings))
    except (SettingsError, OtherVenue, PortError, _StartError) as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_CONFIGURATION
    except (CursorMoved, DatabaseAway) as error:
        _log.error("history_stopped", reason=str(error))
        return EXIT_FAILED
    except Exception:  # noqa: BLE001 - the outermost loop: whatever it was, the recorder ends.
        _log.exception("history_died")
        return EXIT_FAILED
    return exit_code()


async def _run(settings: Settings) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopped.set)
    redis_url = _redis_url(settings)
    async with AsyncExitStack() as stack:
        database = await _database(settings)
        stack.push_async_callback(database.close)
        follower = Follower(redis_url, Keys(settings.venue), settings.archive_path)
        stack.push_async_callback(follower.close)
        outlet = await stack.enter_async_context(open_outlet(settings, redis_url, database))
        recorder = Recorder(SqlStore(database), follower, outlet)
        await recorder.load()
        outside = await stack.enter_async_context(open_outside(settings, redis_url, database))
        await stack.enter_async_context(open_upkeep())
        await stack.enter_async_context(
            open_door(settings, redis_url, recorder, database, outlet, outside=outside)
        )
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT_THRESHOLDS)
        _log.info("history_started", database=database.dialect)
        await _until_stopped(recorder, stopped)
    _log.info("history_stopped", pid=os.getpid())


async def _until_stopped(recorder: Recorder, stopped: asyncio.Event) -> None:
    recording = asyncio.create_task(recorder.run(), name="history-recorder")
    stopping = asyncio.create_task(stopped.wait(), name="history-stop")
    try:
        await asyncio.wait((recording, stopping), return_when=asyncio.FIRST_COMPLETED)
        if recording.done():
            recording.result()
    finally:
        await stop(recording, stopping)


async def _database(settings: Settings) -> HistoryDatabase:
    try:
        return await open_history(settings.home_path, history_url(settings))
    except DatabaseAway:
        raise
    except DatabaseError as error:
        raise _StartError(str(error)) from error


def _redis_url(settings: Settings) -> str:
    url = settings.redis_url or read_run_redis_url(settings.home_path)
    if not url:
        raise _StartError(
            "There is no Redis to follow: set REDIS_URL, or start everything with `rialto up`."
        )
    return url


if __name__ == "__main__":
    sys.exit(main())

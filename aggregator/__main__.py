"""The aggregator: `python -m aggregator [NUMBER]`. The composition root of the program.

NUMBER says which of several (the setting `aggregators`) this one is.

Exit codes: 0 after a clean stop, 1 when a background task has failed, 78 (EX_CONFIG) with one
sentence when it cannot be started as configured.
"""

import asyncio
import gc
import os
import signal
import sys

import uvloop

from aggregator.choosing import ChoiceError, make_desks, taker_fees
from aggregator.merge import MergeOptions
from aggregator.registry import load_connectors
from aggregator.service import Aggregator
from shared.home import read_run_redis_url
from shared.logs import configure_logs, get_logger
from shared.settings import Settings, SettingsError, load_settings
from shared.tasks import exit_code

EXIT_CONFIGURATION = 78
# A full collection stops the loop for longer than a frame may take; what is there at the start
# stays, and books are made of numbers and texts, which no collector has to look through.
COLLECT_THRESHOLDS = (5_000, 5, 50)
# Threads pack what was heard. While one of them runs, the loop waits for its turn after each look
# at the sockets for so long: with the usual 5 ms, frames would.
SWITCH_INTERVAL_S = 0.000_2

_log = get_logger(__name__)


class _StartError(Exception):
    """One sentence for the person who started the service."""


def main() -> int:
    """Aggregate until told to stop; return the exit code."""
    try:
        settings = load_settings()
        configure_logs(settings)
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        uvloop.run(_run(settings, _number(sys.argv[1:], settings.aggregators)))
    except (SettingsError, ChoiceError, _StartError) as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_CONFIGURATION
    return exit_code()


def _number(words: list[str], count: int) -> int:
    if not words:
        return 1
    if len(words) == 1 and words[0].isdecimal() and 1 <= int(words[0]) <= count:
        return int(words[0])
    raise _StartError(f"Of {count} (RIALTO_AGGREGATORS) there is no aggregator {words[0]!r}.")


async def _run(settings: Settings, number: int) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopped.set)
    _use_processors(settings.cpus_of(number))
    feeds = settings.feeds_of(number)
    connectors = load_connectors(wanted=settings.feeds)
    desks = make_desks(settings, feeds, connectors)
    merging = MergeOptions(settings.quotes, taker_fees(settings, connectors))
    aggregator = Aggregator(settings, number, _redis_url(settings), desks, merging=merging)
    await _start(aggregator, settings, number)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_THRESHOLDS)
    _log.info("aggregator_started", number=number, feeds=list(feeds))
    await stopped.wait()
    await aggregator.close()
    _log.info("aggregator_stopped", pid=os.getpid())


async def _start(aggregator: Aggregator, settings: Settings, number: int) -> None:
    try:
        await aggregator.start()
    except OSError as error:
        host, port = settings.aggregator_host, settings.aggregator_port + number - 1
        raise _StartError(
            f"The aggregator cannot listen on {host}:{port} ({error.strerror or error}): "
            "stop what uses it, or choose another with RIALTO_AGGREGATOR_PORT."
        ) from error


def _use_processors(cpus: tuple[int, ...]) -> None:
    if not cpus:
        return
    if not hasattr(os, "sched_setaffinity"):
        raise _StartError(
            "This system does not let a program choose: clear RIALTO_AGGREGATOR_CPUS."
        )
    try:
        os.sched_setaffinity(0, cpus)
    except OSError as error:
        listed = ", ".join(map(str, cpus))
        raise _StartError(f"There is no processor {listed}: see RIALTO_AGGREGATOR_CPUS.") from error


def _redis_url(settings: Settings) -> str:
    url = settings.redis_url or read_run_redis_url(settings.home_path)
    if not url:
        raise _StartError(
            "There is no Redis to publish on: set REDIS_URL, or start everything with `rialto up`."
        )
    return url


if __name__ == "__main__":
    sys.exit(main())

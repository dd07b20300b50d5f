"""Keeping days while the recorder runs: a child process, every hour.

The rule of this file: a round that fails is said and tried again in an hour; the recorder goes on.
"""

import asyncio
import contextlib
import sys
from collections.abc import Mapping

from shared.logs import get_logger

EVERY_S = 3_600.0  # A day is over once in 24 hours; an hour later is soon enough.
FIRST_AFTER_S = 60.0  # Not while everything starts.
# -P: a folder named `history` where the person stands must not be taken for ours.
ARGV = (sys.executable, "-P", "-m", "history.parquet", "write")

_log = get_logger(__name__)


async def keep_days(environ: Mapping[str, str], *, every_s: float = EVERY_S) -> None:
    """Start a round every so often, until cancelled; a round under way is ended then."""
    await asyncio.sleep(min(FIRST_AFTER_S, every_s))
    while True:
        try:
            await _round(environ)
        except OSError as error:  # No room for one more process, for example.
            _log.error("days_not_kept", said=str(error))
        await asyncio.sleep(every_s)


async def _round(environ: Mapping[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(
        *ARGV,
        env=dict(environ),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        said, faults = await process.communicate()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()  # It is made to be killed.
        await process.wait()
        raise
    lines = (said + faults).decode(errors="replace").strip().splitlines()[-1:]
    if process.returncode:
        _log.error("days_not_kept", code=process.returncode, said="".join(lines))
    elif lines:
        _log.info("days_kept", said="".join(lines))

"""Rounds come again whatever becomes of one, and none outlives who has started it."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from history.parquet import housekeeping
from history.parquet.housekeeping import keep_days
from shared.tasks import stop
from tests.support.deadlines import eventually_async

# A program that says in a file that it was there, and fails.
FAILING = "import sys; open(sys.argv[1], 'a').write('x'); sys.exit('a fault')"
SLEEPING = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"


def rounds_are(monkeypatch: pytest.MonkeyPatch, *argv: str) -> None:
    monkeypatch.setattr(housekeeping, "ARGV", argv)


async def test_a_round_that_fails_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen"
    rounds_are(monkeypatch, sys.executable, "-c", FAILING, str(seen))
    keeping = asyncio.create_task(keep_days({}, every_s=0.01))
    await eventually_async(lambda: seen.exists() and len(seen.read_text()) > 1)
    await stop(keeping)


async def test_a_round_that_cannot_even_begin_is_tried_again_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen"
    rounds_are(monkeypatch, str(tmp_path / "nothing"))
    keeping = asyncio.create_task(keep_days({}, every_s=0.01))
    await asyncio.wait((keeping,), timeout=0.1)
    assert not keeping.done()
    rounds_are(monkeypatch, sys.executable, "-c", FAILING, str(seen))
    await eventually_async(seen.exists)
    await stop(keeping)


async def test_a_round_under_way_ends_with_who_has_started_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen"
    rounds_are(monkeypatch, sys.executable, "-c", SLEEPING, str(seen))
    keeping = asyncio.create_task(keep_days({}, every_s=0.01))
    await eventually_async(lambda: seen.exists() and bool(seen.read_text()))
    await stop(keeping)
    with pytest.raises(ProcessLookupError):
        os.kill(int(seen.read_text()), 0)

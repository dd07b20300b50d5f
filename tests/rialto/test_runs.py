"""run.json: a dead run counts as none, what it left behind is ended, nobody else is touched."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rialto.home import Home, open_home
from rialto.runs import (
    ProcessMark,
    Run,
    end_leftovers,
    is_alive,
    mark_of,
    new_run,
    read_run,
    write_run,
)
from tests.rialto.harness import DEADLINE_S, SLEEPER


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", SLEEPER])
    yield process
    process.kill()
    process.wait(DEADLINE_S)


def note(pid: int, started_at_s: float, **services: ProcessMark) -> Run:
    return Run(
        pid=pid, started_at_s=started_at_s, redis_url="x", ports={}, urls={}, services=services
    )


def mark(process: subprocess.Popen[bytes]) -> ProcessMark:
    found = mark_of(process.pid)
    assert found is not None
    return found


def test_the_run_of_a_live_process_is_read_back(home: Home) -> None:
    run = new_run("redis://here", {"api": 8000}, {"api": "http://here"})
    write_run(home, run)
    assert read_run(home) == run


def test_a_note_whose_process_id_is_used_again_counts_as_none(
    home: Home, sleeper: subprocess.Popen[bytes]
) -> None:
    write_run(home, note(sleeper.pid, mark(sleeper).started_at_s - 60))
    assert read_run(home) is None


def test_a_note_that_cannot_be_read_counts_as_none(home: Home) -> None:
    assert read_run(home) is None
    home.run_file.write_text("{")
    assert read_run(home) is None


def test_what_a_dead_run_left_behind_is_ended(home: Home, sleeper: subprocess.Popen[bytes]) -> None:
    left = mark(sleeper)
    write_run(home, note(1 << 22, 0.0, engine=left))
    assert end_leftovers(home) == ["engine"]
    assert not is_alive(left)
    assert not home.run_file.exists()


def test_a_stranger_with_the_process_id_of_a_leftover_is_not_touched(
    home: Home, sleeper: subprocess.Popen[bytes]
) -> None:
    old = ProcessMark(sleeper.pid, mark(sleeper).started_at_s - 60)
    write_run(home, note(1 << 22, 0.0, engine=old))
    assert end_leftovers(home) == []
    assert sleeper.poll() is None

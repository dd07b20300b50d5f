"""Failpoints: a process dies at the named step, at the named time, and never by default."""

import signal
import subprocess
import sys

import pytest

from engine.failpoints import failpoint


def test_without_the_variable_nothing_happens() -> None:
    failpoint({})("committed")


def test_an_unknown_step_is_refused() -> None:
    with pytest.raises(AssertionError, match="names no step"):
        failpoint({"ENGINE_FAILPOINT": "lunch:1"})


def test_the_process_dies_when_the_step_is_done_for_the_given_time() -> None:
    program = (
        "from engine.failpoints import failpoint\n"
        "at_step = failpoint({'ENGINE_FAILPOINT': 'committed:2'})\n"
        "for step in ('committed', 'published', 'committed', 'published'):\n"
        "    at_step(step)\n"
        "    print(step, flush=True)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL
    assert ended.stdout.split() == ["committed", "published"]

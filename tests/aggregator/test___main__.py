"""The program itself: how it starts, how it ends, and what it says when it cannot start."""

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rialto.embedded_redis import choose_port
from tests.support.deadlines import eventually

ROOT = Path(__file__).resolve().parents[2]
END_S = 30.0
EX_CONFIG = 78


def environ(home: Path, **changes: str) -> dict[str, str]:
    """Return surroundings in which no venue is called, and nothing is measured at a feed."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("RIALTO_")}
    return {
        **{name: value for name, value in own.items() if name != "REDIS_URL"},
        "PYTHONPATH": str(ROOT),
        "RIALTO_HOME": str(home),
        "RIALTO_AGGREGATOR_PORT": str(choose_port()),
        "RIALTO_VENUES_ADDRESS": f"127.0.0.1:{choose_port()}",
        **changes,
    }


def run(*words: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "aggregator", *words]
    return subprocess.run(
        argv, env=env, cwd=env["RIALTO_HOME"], capture_output=True, text=True, timeout=END_S
    )


@contextmanager
def started(env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "aggregator"],
        env=env,
        cwd=env["RIALTO_HOME"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def status_of(env: dict[str, str], path: str) -> int:
    door = http.client.HTTPConnection("127.0.0.1", int(env["RIALTO_AGGREGATOR_PORT"]), timeout=5)
    try:
        door.request("GET", path)
        return door.getresponse().status
    except OSError:
        return 0
    finally:
        door.close()


@pytest.mark.parametrize(
    ("words", "changes", "sentence"),
    [
        ((), {}, "There is no Redis to publish on: set REDIS_URL,"),
        (("2",), {"REDIS_URL": "redis://127.0.0.1:1"}, "there is no aggregator '2'."),
        ((), {"RIALTO_VENUES": "kracken:spot"}, "did you mean kraken:spot."),
        ((), {"RIALTO_AGGREGATOR_CPUS": "1023"}, "There is no processor 1023:"),
        ((), {"RIALTO_VENUES": "?"}, "venues must list"),
    ],
)
def test_what_cannot_be_started_as_configured_says_so_in_one_sentence(
    tmp_path: Path, words: tuple[str, ...], changes: dict[str, str], sentence: str
) -> None:
    ended = run(*words, env=environ(tmp_path, **changes))
    assert ended.returncode == EX_CONFIG, ended.stderr
    assert sentence in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_it_runs_without_any_venue_and_ends_cleanly_when_told(
    tmp_path: Path, redis_url: str
) -> None:
    env = environ(tmp_path, REDIS_URL=redis_url)
    with started(env) as process:
        eventually(lambda: status_of(env, "/ready") == 200, END_S)
        # A second one is told that the door is taken.
        other = run(env=env)
        assert other.returncode == EX_CONFIG
        assert "choose another with RIALTO_AGGREGATOR_PORT" in other.stderr
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=END_S)
    assert process.returncode == 0, said
    assert "aggregator_stopped" in said

"""The fixtures themselves: a Redis that is real, fresh, of every version, and never left behind."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import redis

from rialto.versions import RedisBinary
from tests.conftest import redis_binaries
from tests.support.deadlines import eventually, eventually_async
from tests.support.redis_server import RedisServer

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("name", ["first", "second"])
def test_each_test_gets_a_redis_without_keys(redis_url: str, name: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set(name, "left behind")


def test_the_redis_is_of_the_version_that_was_asked_for_and_durable(
    each_redis_url: str, redis_binary: RedisBinary
) -> None:
    with redis.Redis.from_url(each_redis_url) as client:
        version = tuple(int(part) for part in client.info("server")["redis_version"].split("."))
        assert version == redis_binary.version
        assert client.config_get("append*")["appendonly"] == "yes"
        assert client.config_get("append*")["appendfsync"] == "always"


def test_every_version_of_redis_is_run_once() -> None:
    versions = [(binary.program, binary.version) for binary in redis_binaries()]
    assert versions
    assert len(set(versions)) == len(versions)


def test_a_killed_redis_comes_back_with_its_data(redis_server: RedisServer) -> None:
    with redis.Redis.from_url(redis_server.url) as client:
        client.set("kept", "yes")
    redis_server.kill()
    assert not redis_server.is_running()
    redis_server.start()
    with redis.Redis.from_url(redis_server.url) as client:
        assert client.get("kept") == b"yes"


def test_a_redis_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    program = (
        "import os, sys, time, pathlib\n"
        "from tests.conftest import redis_binaries\n"
        "from tests.support.redis_server import RedisServer\n"
        "server = RedisServer(redis_binaries()[0], pathlib.Path(sys.argv[1]))\n"
        "server.start()\n"
        "print(server.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as parent:
        assert parent.stdout is not None
        redis_pid = int(parent.stdout.readline())
        assert psutil.pid_exists(redis_pid)
        parent.kill()
    eventually(lambda: not psutil.pid_exists(redis_pid))


def test_the_recorded_data_holds_the_real_session(data_dir: Path) -> None:
    assert (data_dir / "order_flow" / "real_session" / "orders.csv.gz").is_file()


def test_a_wait_returns_what_came_true() -> None:
    values = iter([0, "", "found"])
    assert eventually(lambda: next(values)) == "found"


def test_a_wait_ends_at_its_deadline_with_the_last_reason() -> None:
    def too_small() -> bool:
        raise AssertionError("1 is not 2")

    with pytest.raises(AssertionError, match="1 is not 2"):
        eventually(too_small, deadline_s=0.05)
    with pytest.raises(AssertionError, match=r"never.* was still not true after 0\.05 s"):
        eventually(never, deadline_s=0.05)


def never() -> bool:
    return False


async def test_an_asynchronous_wait_takes_both_kinds_of_check() -> None:
    async def yes() -> str:
        return "yes"

    assert await eventually_async(yes) == "yes"
    assert await eventually_async(lambda: "no") == "no"
    with pytest.raises(AssertionError, match="never"):
        await eventually_async(never, deadline_s=0.05)

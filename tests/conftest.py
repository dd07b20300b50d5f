"""What every test may ask for: a real Redis, the recorded data, and a clean environment.

`redis_url` is a fresh Redis of the first program found; `each_redis_url` runs the test once for
every version found. Each test worker has servers of its own.
"""

import gc
import os
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from engine import compiled
from rialto.embedded_redis import find_redis_binaries
from rialto.versions import RedisBinary, version_text
from shared.settings import OTHER_VARIABLES
from shared.settings_fields import PREFIX
from tests.support.postgres import NoPostgresError, Postgres, running_postgres
from tests.support.redis_server import RedisServer, running_redis

ROOT = Path(__file__).resolve().parent.parent


@cache
def redis_binaries() -> tuple[RedisBinary, ...]:
    """Return one program for each version on this machine; raise with what to install if none."""
    by_version: dict[str, RedisBinary] = {}
    for binary in find_redis_binaries(os.environ):
        by_version.setdefault(f"{binary.program}-{version_text(binary.version)}", binary)
    return tuple(by_version.values())


def pytest_configure() -> None:
    """Refuse to test a compiled core that is not of the sources beside it."""
    if compiled.fault():
        raise pytest.UsageError(compiled.fault())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for `redis_binary` once with each version."""
    if "redis_binary" in metafunc.fixturenames:
        binaries = redis_binaries()
        names = [str(binary).replace(" ", "-") for binary in binaries]
        metafunc.parametrize("redis_binary", binaries, ids=names)


class RedisServers:
    """The servers of one test worker, each started when it is first asked for."""

    def __init__(self, folders: pytest.TempPathFactory, stack: ExitStack) -> None:
        self._folders = folders
        self._stack = stack
        self._servers: dict[Path, RedisServer] = {}

    def fresh(self, binary: RedisBinary) -> RedisServer:
        """Return the running server of this program, without a key in it."""
        server = self._servers.get(binary.path)
        if server is None:
            running = running_redis(binary, self._folders.mktemp("redis"))
            server = self._servers[binary.path] = self._stack.enter_context(running)
        server.flush()
        return server


@pytest.fixture(scope="session")
def redis_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServers]:
    with ExitStack() as stack:
        yield RedisServers(tmp_path_factory, stack)


@pytest.fixture
def redis_server(redis_servers: RedisServers) -> RedisServer:
    """A fresh server that the test may kill and start again."""
    return redis_servers.fresh(redis_binaries()[0])


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The URL of a fresh, real Redis."""
    return redis_server.url


@pytest.fixture
def each_redis_server(redis_servers: RedisServers, redis_binary: RedisBinary) -> RedisServer:
    """A fresh server of every version found, one after the other."""
    return redis_servers.fresh(redis_binary)


@pytest.fixture
def each_redis_url(each_redis_server: RedisServer) -> str:
    """The URL of a fresh, real Redis of every version found, one after the other."""
    return each_redis_server.url


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of recorded order flow and market data; the test is skipped where it is absent."""
    named = os.environ.get("RIALTO_TEST_DATA") or os.environ.get("RIALTO_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"No recorded data in {folder}: name its folder with RIALTO_TEST_DATA.")
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A cluster that all tests of a worker share; the test is skipped where there is none."""
    try:
        running = running_postgres()
        cluster = running.__enter__()
    except NoPostgresError as error:
        pytest.skip(str(error))
    try:
        yield cluster
    finally:
        running.__exit__(None, None, None)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The setting of an empty database: SQLite in the home, or PostgreSQL."""
    if request.param == "sqlite":
        return ""
    cluster: Postgres = request.getfixturevalue("postgres")
    return cluster.fresh()


@pytest.fixture(autouse=True, scope="module")
def short_collections() -> Iterator[None]:
    """Let no later test wait while all that earlier ones have left is looked through: a worker
    grows to a gigabyte, which takes seconds, and there are deadlines.
    """
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the settings of whoever runs the tests: they are about the defaults."""
    for variable in list(os.environ):
        is_setting = variable.startswith(PREFIX) and variable not in OTHER_VARIABLES
        if is_setting or variable == "REDIS_URL":
            monkeypatch.delenv(variable)

"""SQL that does not answer holds nobody up."""

import asyncio
import contextlib
import os
import signal
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError

from api.edge.errors import ApiError
from api.identity.users import Role, Users
from api.keys.store import KeyStore
from api.sql import guarded
from api.sql.database import open_database
from api.sql.guarded import GuardedEngine
from shared import breaker as breaker_module
from shared.breaker import State
from shared.home import users_database
from tests.support.deadlines import eventually_async
from tests.support.postgres import NoPostgresError, Postgres, running_postgres


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[GuardedEngine]:
    engine = await open_database(tmp_path, "")
    yield engine
    await engine.dispose()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Postgres]:
    """A PostgreSQL; without one on this machine the test is skipped."""
    with contextlib.ExitStack() as stack:
        try:
            cluster = stack.enter_context(running_postgres())
        except NoPostgresError as error:
            pytest.skip(str(error))
        yield cluster


async def test_a_postgresql_that_stands_still_is_not_asked_again_until_it_answers(
    cluster: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded, "SQL_TIMEOUT_S", 0.3)
    monkeypatch.setattr(breaker_module, "PROBE_AFTER_S", 0.5)
    engine = await open_database(tmp_path, cluster.fresh())
    users = Users(engine)
    await users.create("alice", "hash", Role.TRADER)
    # given a server whose process for us stands still
    async with engine.connect() as connection:
        pid = (await connection.execute(sa.text("SELECT pg_backend_pid()"))).scalar_one()
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(ApiError, match="USERS_UNAVAILABLE"):
            await users.find("alice")
        assert engine.breaker.state is State.OPEN
        # then nobody takes a connection for a request any more
        taken: list[object] = []
        sa.event.listen(engine.sync_engine, "checkout", lambda *given: taken.append(given))
        for _ in range(50):
            with pytest.raises(ApiError, match="USERS_UNAVAILABLE"):
                await users.find("alice")
        assert taken == []
        # and with a connection anew it goes on
        await eventually_async(lambda: engine.breaker.is_closed)
        assert await users.find("alice") is not None
    finally:
        os.kill(pid, signal.SIGCONT)
        await engine.dispose()


async def test_a_postgresql_that_lets_nobody_in_yet_is_asked_until_it_does(
    cluster: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker_module, "PROBE_AFTER_S", 0.01)
    url = cluster.fresh()
    name = url.partition("@/")[2].partition("?")[0]
    engine = await open_database(tmp_path, url)
    users = Users(engine)
    probes: list[object] = []
    sa.event.listen(engine.sync_engine, "do_connect", lambda *given: probes.append(given))
    # given a server that comes back after it hung, and says of itself that it takes nobody
    cluster.psql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    cluster.psql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname='{name}'")
    engine.breaker.trip("it hung")
    await eventually_async(lambda: len(probes) > 1)
    assert not engine.breaker.is_closed
    # then it is asked on, and used when it is there
    cluster.psql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    await eventually_async(lambda: engine.breaker.is_closed)
    assert await users.find("alice") is None
    await engine.dispose()


@contextlib.contextmanager
def locked(home: Path) -> Iterator[None]:
    """Hold the database as a writer that does not come back."""
    other = sqlite3.connect(users_database(home), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    yield
    other.execute("ROLLBACK")
    other.close()


async def test_a_write_that_waits_too_long_opens_the_breaker(
    engine: GuardedEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker_module, "PROBE_AFTER_S", 3_600.0)
    users = Users(engine)
    with locked(tmp_path):
        with pytest.raises(ApiError, match="USERS_UNAVAILABLE"):
            await users.create("alice", "hash", Role.TRADER)
        assert engine.breaker.state is State.OPEN
        # then nobody takes a connection any more: refused without asking
        taken: list[object] = []
        sa.event.listen(engine.sync_engine, "checkout", lambda *given: taken.append(given))
        for _ in range(50):
            with pytest.raises(ApiError, match="USERS_UNAVAILABLE"):
                await users.find("alice")
            with pytest.raises(ApiError, match="USERS_UNAVAILABLE"):
                await users.create("bobby", "hash", Role.TRADER)
        assert taken == []


async def test_a_look_for_a_key_opens_it_as_any_other_does(
    cluster: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker_module, "PROBE_AFTER_S", 3_600.0)
    engine = await open_database(tmp_path, cluster.fresh())
    async with engine.connect() as connection:
        pid = (await connection.execute(sa.text("SELECT pg_backend_pid()"))).scalar_one()
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(ApiError, match="USERS_UNAVAILABLE"):
            await KeyStore(engine).find("rk_1")
        assert engine.breaker.state is State.OPEN
    finally:
        os.kill(pid, signal.SIGCONT)
        await engine.dispose()


async def test_it_comes_back_by_itself(engine: GuardedEngine, tmp_path: Path) -> None:
    users = Users(engine)
    with locked(tmp_path), pytest.raises(ApiError, match="USERS_UNAVAILABLE"):
        await users.create("alice", "hash", Role.TRADER)
    await eventually_async(lambda: engine.breaker.is_closed)
    assert await users.find("alice") is None
    assert (await users.create("alice", "hash", Role.TRADER)).username == "alice"


async def test_what_takes_too_long_is_called_off(
    engine: GuardedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded, "SQL_TIMEOUT_S", 0.05)
    with pytest.raises(OperationalError):
        async with engine.connect():
            await asyncio.Event().wait()
    assert engine.breaker.opened == 1
    await eventually_async(lambda: engine.breaker.is_closed)


async def test_a_transaction_that_is_called_off_has_written_nothing(
    engine: GuardedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = Users(engine)
    await users.create("alice", "hash", Role.TRADER)
    monkeypatch.setattr(guarded, "SQL_TIMEOUT_S", 0.2)

    async def rename_and_wait() -> None:
        async with engine.begin() as connection:
            await connection.execute(sa.text("UPDATE users SET username = 'mallory'"))
            await asyncio.Event().wait()

    with pytest.raises(OperationalError):
        await rename_and_wait()
    await eventually_async(lambda: engine.breaker.is_closed)
    found = await users.find("alice")
    assert found is not None
    assert found[0].username == "alice"


async def test_a_wrong_statement_is_no_failure_of_the_database(engine: GuardedEngine) -> None:
    with pytest.raises(OperationalError):
        async with engine.connect() as connection:
            await connection.execute(sa.text("SELECT * FROM nowhere"))
    assert engine.breaker.opened == 0


async def test_a_name_taken_twice_is_no_failure_of_the_database(engine: GuardedEngine) -> None:
    for _ in range(2):
        with contextlib.suppress(IntegrityError):
            async with engine.begin() as connection:
                await connection.execute(
                    sa.text(
                        "INSERT INTO users (username, username_key, password_hash, role, "
                        "account_id, created_at_s) VALUES ('a', 'a', 'h', 'trader', 1, 1)"
                    )
                )
    assert engine.breaker.opened == 0

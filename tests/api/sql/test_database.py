"""Opening the users' database: brought to form once, whoever comes at the same time."""

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from api.edge.errors import ApiError
from api.identity.accounts import Accounts
from api.identity.users import Role, Users
from api.sql import database as database_module
from api.sql.database import DatabaseError, open_database
from api.sql.database import database_url as url_of
from tests.support.postgres import Postgres

MIGRATIONS = Path(database_module.__file__).parent / "migrations"


def _to(connection: sa.Connection, revision: str, *, down: bool = False) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    (command.downgrade if down else command.upgrade)(config, revision)


@pytest.fixture
async def old(tmp_path: Path, database_url: str) -> AsyncEngine:
    """A database of the first form, with two users."""
    (tmp_path / "home").mkdir()
    engine = create_async_engine(url_of(tmp_path / "home", database_url))
    async with engine.begin() as connection:
        await connection.run_sync(_to, "0001")
        for number, name in enumerate(("alice", "bob"), start=1):
            await connection.execute(
                sa.text(
                    "INSERT INTO users (username, username_key, password_hash, role, account_id, "
                    "created_at_s) VALUES (:name, :name, 'hash', 'trader', :account, 1700000000)"
                ),
                {"name": name, "account": 1_000 + number},
            )
    await engine.dispose()
    return engine


async def test_users_of_the_first_form_keep_their_account_as_the_main_one(
    old: AsyncEngine, tmp_path: Path, database_url: str
) -> None:
    engine = await open_database(tmp_path / "home", database_url)
    users, accounts = Users(engine), Accounts(engine)
    for name, account_id in (("alice", 1_001), ("bob", 1_002)):
        found = await users.find(name)
        assert found is not None
        user = found[0]
        assert (user.account_id, user.is_disabled, user.auth_version) == (account_id, False, 0)
        owner = await users.find_account(account_id)
        assert owner is not None
        assert owner.user_id == user.user_id
        (main,) = await accounts.own(user.user_id)
        assert (main.account_id, main.label, main.created_at_s) == (
            account_id,
            "main",
            1_700_000_000,
        )
    await engine.dispose()


async def test_a_migration_can_be_taken_back(
    old: AsyncEngine, tmp_path: Path, database_url: str
) -> None:
    engine = await open_database(tmp_path / "home", database_url)
    async with engine.begin() as connection:
        await connection.run_sync(lambda sync: _to(sync, "0001", down=True))
        names = await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names())
        rows = await connection.execute(sa.text("SELECT username FROM users ORDER BY user_id"))
        assert rows.scalars().all() == ["alice", "bob"]
    assert {"users", "deposits"} <= set(names)
    assert not {"sessions", "accounts", "totps", "reset_codes"} & set(names)
    await engine.dispose()


async def test_gateways_of_different_homes_migrate_one_server_one_at_a_time(
    postgres: Postgres, tmp_path: Path
) -> None:
    url = postgres.fresh()
    engines = await asyncio.gather(
        *(open_database(tmp_path / f"home-{number}", url) for number in range(6))
    )
    made = await Users(engines[0]).create("alice", "hash", Role.TRADER)
    for engine in engines:
        found = await Users(engine).find("alice")
        assert found is not None
        assert found[0] == made
        await engine.dispose()


async def test_a_server_that_was_started_anew_is_no_error(
    postgres: Postgres, tmp_path: Path
) -> None:
    engine = await open_database(tmp_path / "home", postgres.fresh())
    users = Users(engine)
    await users.check()
    postgres.psql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
        "AND datname LIKE 'test_%'"
    )
    await users.check()
    await engine.dispose()


async def test_a_server_that_is_away_is_users_unavailable(
    postgres: Postgres, tmp_path: Path
) -> None:
    engine = await open_database(tmp_path / "home", postgres.fresh())
    users = Users(engine)
    name = engine.url.database
    postgres.psql(f"DROP DATABASE {name} WITH (FORCE)")
    for work in (users.check(), users.find("alice"), users.create("alice", "h", Role.TRADER)):
        with pytest.raises(ApiError) as refused:
            await work
        assert refused.value.code == "USERS_UNAVAILABLE"
    await engine.dispose()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://rialto@/nothing?host=/no/such/folder",
        "postgresql://rialto@127.0.0.1:9/nothing",
    ],
)
async def test_a_server_that_cannot_be_reached_is_one_sentence(tmp_path: Path, url: str) -> None:
    with pytest.raises(DatabaseError) as refused:
        await open_database(tmp_path / "home", url)
    assert str(refused.value).startswith("The users' database cannot be opened")

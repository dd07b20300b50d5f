"""Users in real databases, brought to form by the real migrations."""

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from api.edge.errors import ApiError
from api.identity.users import Role, Users
from api.sql.database import DatabaseError, open_database
from api.sql.tables import metadata


async def test_each_user_has_an_account_of_its_own(engine: AsyncEngine) -> None:
    users = Users(engine)
    alice = await users.create("Alice", "hash-a", Role.TRADER)
    bob = await users.create("bob", "hash-b", Role.ADMIN)
    assert alice.account_id != bob.account_id
    assert alice.account_id > 0
    assert [user.username for user in await users.all()] == ["Alice", "bob"]


async def test_a_name_is_taken_in_any_case(engine: AsyncEngine) -> None:
    users = Users(engine)
    alice = await users.create("Alice", "hash", Role.TRADER)
    with pytest.raises(ApiError) as refused:
        await users.create("aLICE", "hash", Role.TRADER)
    assert refused.value.code == "USERNAME_TAKEN"
    assert await users.find("ALICE") == (alice, "hash")
    assert await users.find("alicia") is None


async def test_many_registering_at_once_get_different_accounts(engine: AsyncEngine) -> None:
    users = Users(engine)
    made = await asyncio.gather(
        *(users.create(f"user{number}", "hash", Role.TRADER) for number in range(20))
    )
    assert len({user.account_id for user in made}) == 20


async def test_an_account_that_is_taken_is_drawn_again(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter((6, 6, 6, 8))
    monkeypatch.setattr("api.identity.account_ids.secrets.randbelow", lambda _below: next(drawn))
    users = Users(engine)
    made = [await users.create(name, "hash", Role.TRADER) for name in ("alice", "bobby")]
    assert [user.account_id for user in made] == [7, 9]


async def test_a_new_database_does_not_give_old_accounts_to_new_users(tmp_path: Path) -> None:
    accounts = set()
    for home in ("lost", "new"):
        engine = await open_database(tmp_path / home, "")
        accounts.add((await Users(engine).create("alice", "hash", Role.TRADER)).account_id)
        await engine.dispose()
    assert len(accounts) == 2


async def test_of_two_with_one_name_at_once_one_gets_it(engine: AsyncEngine) -> None:
    users = Users(engine)
    results = await asyncio.gather(
        *(users.create("same", "hash", Role.TRADER) for _ in range(5)), return_exceptions=True
    )
    codes = [result.code for result in results if isinstance(result, ApiError)]
    assert codes == ["USERNAME_TAKEN"] * 4


async def test_users_are_found_again_and_migrations_run_once(tmp_path: Path) -> None:
    for round_number in range(2):
        engine = await open_database(tmp_path / "home", "")
        users = Users(engine)
        if round_number == 0:
            await users.create("alice", "hash", Role.TRADER)
        assert await users.find("alice") is not None
        await engine.dispose()


async def test_gateways_that_start_at_once_agree(tmp_path: Path) -> None:
    engines = await asyncio.gather(*(open_database(tmp_path / "home", "") for _ in range(4)))
    for engine in engines:
        assert await Users(engine).all() == []
        await engine.dispose()


async def test_the_migrations_arrive_at_the_tables_that_the_code_uses(engine: AsyncEngine) -> None:
    def columns(connection: sa.Connection) -> dict[str, set[str]]:
        inspector = sa.inspect(connection)
        return {
            name: {column["name"] for column in inspector.get_columns(name)}
            for name in metadata.tables
        }

    async with engine.connect() as connection:
        found = await connection.run_sync(columns)
    assert found == {name: set(table.c.keys()) for name, table in metadata.tables.items()}


async def test_a_database_that_cannot_be_opened_is_one_sentence(tmp_path: Path) -> None:
    for url in (f"sqlite+aiosqlite:///{tmp_path}/no/such/folder/users.db", "nonsense://"):
        with pytest.raises(DatabaseError) as refused:
            await open_database(tmp_path / "home", url)
        assert str(refused.value).startswith("The ")

"""Keys in SQL, in SQLite and PostgreSQL: counts that hold, and changes that none misses."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from api.edge.errors import ApiError
from api.identity.users import Role, Users
from api.keys.store import KEYS_MAX, KeyRow, KeyStore, change_keys_of
from api.sql.database import open_database
from api.sql.tables import users
from api.sql.work import writing

AT_ONCE = 30  # More than a user may have, and than there are connections.


@pytest.fixture
async def database(tmp_path: Path, database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = await open_database(tmp_path / "home", database_url)
    for name in ("alice", "bobby"):
        await Users(engine).create(name, "x", Role.TRADER)
    yield engine
    await engine.dispose()


@pytest.fixture
def store(database: AsyncEngine) -> KeyStore:
    return KeyStore(database)


def row_of(key_id: str, user_id: int = 1) -> KeyRow:
    return KeyRow(
        key_id=key_id,
        user_id=user_id,
        account_id=9,
        label="bot",
        kind="hmac_sha256",
        secret_sealed="sealed",
        public_key="",
        scopes="read",
        ip_allow="",
        created_at_s=1_000_000,
        expires_at_s=None,
    )


async def test_a_row_comes_back_as_it_went_in(store: KeyStore) -> None:
    row = row_of("rk_1")
    await store.add(row)
    assert await store.find("rk_1") == (row, "trader")
    assert await store.of_user(1) == [row]
    assert await store.of_user(2) == []
    assert await store.find("rk_2") is None


async def test_many_at_once_are_no_more_than_a_user_may_have(store: KeyStore) -> None:
    async def add(number: int) -> str:
        try:
            await store.add(row_of(f"rk_{number}"))
        except ApiError as error:
            return error.code
        return ""

    codes = await asyncio.gather(*(add(number) for number in range(AT_ONCE)))
    assert sorted(codes) == [""] * KEYS_MAX + ["TOO_MANY_KEYS"] * (AT_ONCE - KEYS_MAX)
    assert len(await store.of_user(1)) == KEYS_MAX


async def test_a_reader_misses_no_change_whatever_is_written_at_once(store: KeyStore) -> None:
    names = [f"rk_{number}" for number in range(KEYS_MAX)]
    for name in names:
        await store.add(row_of(name))
    seen = await store.last_change()
    last: dict[str, int] = {}

    async def write(name: str) -> None:
        for count in range(5):
            await store.change(1, name, {"label": f"label {count}"})

    writing_all = asyncio.gather(*(write(name) for name in names))
    is_last_look = False
    while not is_last_look:
        is_last_look = writing_all.done()
        for name, number in await store.changed_since(seen):
            assert number > seen, "the numbers come in their order"
            seen = last[name] = number
    await writing_all
    assert last == dict(await store.changed_since(0))
    assert seen == await store.last_change() == len(names) * 6


async def test_a_key_is_changed_by_its_owner_while_it_is_not_revoked(store: KeyStore) -> None:
    await store.add(row_of("rk_1"))
    with pytest.raises(ApiError) as refused:
        await store.change(2, "rk_1", {"label": "mine"})
    assert refused.value.code == "UNKNOWN_KEY"
    before = await store.last_change()
    assert (await store.change(1, "rk_1", {"revoked_at_s": 5})).revoked_at_s == 5
    assert await store.last_change() == before + 1
    for values in ({"revoked_at_s": None}, {"label": "again"}):
        with pytest.raises(ApiError):
            await store.change(1, "rk_1", values)
    assert await store.find("rk_1") is None
    assert await store.last_change() == before + 1, "a refused change is none"


async def test_who_is_disabled_has_no_keys_and_every_gateway_hears_of_it(
    store: KeyStore, database: AsyncEngine
) -> None:
    for name, user_id in (("rk_1", 1), ("rk_2", 1), ("rk_3", 2)):
        await store.add(row_of(name, user_id))
    seen = await store.last_change()
    async with writing(database) as connection:
        shut = sa.update(users).where(users.c.user_id == 1).values(is_disabled=True)
        await connection.execute(shut)
        await change_keys_of(connection, 1)
    assert {name for name, _ in await store.changed_since(seen)} == {"rk_1", "rk_2"}
    found = [await store.find(name) is not None for name in ("rk_1", "rk_2", "rk_3")]
    assert found == [False, False, True]


async def test_an_older_use_never_replaces_a_newer_one(store: KeyStore) -> None:
    await store.add(row_of("rk_1"))
    for used_at_s, expected in (({"rk_1": 50, "rk_9": 60}, 50), ({"rk_1": 40}, 50)):
        await store.note_uses(used_at_s)
        assert (await store.of_user(1))[0].last_used_at_s == expected


async def test_a_database_that_is_away_is_said_to_be(
    store: KeyStore, database: AsyncEngine
) -> None:
    async with database.begin() as connection:
        await connection.execute(sa.text("ALTER TABLE api_keys RENAME TO elsewhere"))
    for work in (
        store.find("rk_1"),
        store.add(row_of("rk_1")),
        store.changed_since(0),
        store.note_uses({"rk_1": 5}),
    ):
        with pytest.raises(ApiError) as refused:
            await work
        assert refused.value.code == "USERS_UNAVAILABLE"

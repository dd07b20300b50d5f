"""Hashing: right, bounded, and telling nothing."""

import asyncio
from pathlib import Path

import httpx
import pytest
from argon2 import PasswordHasher

from api.edge.errors import ApiError
from api.gateway import Gateway
from api.identity.passwords import (
    COMMONEST,
    HASHES_WAITING_MAX,
    LENGTH_MIN,
    PasswordPool,
    check_password,
    read_pepper,
)
from api.identity.secret_files import KeyFileError
from shared.home import password_pepper, secrets_dir
from tests.api.identity.people import newcomer, try_login

PASSWORD = "correct horse battery"


async def test_a_password_fits_its_own_hash_only() -> None:
    pool = PasswordPool()
    stored = await pool.hash(PASSWORD)
    assert stored.startswith("$argon2id$")
    assert PASSWORD not in stored
    assert await pool.verify(PASSWORD, stored)
    assert not await pool.verify(PASSWORD + "x", stored)
    assert not await pool.verify(PASSWORD, None)
    assert not await pool.verify(PASSWORD, "no hash at all")
    pool.close()


async def test_two_hashes_of_one_password_differ() -> None:
    pool = PasswordPool()
    assert await pool.hash(PASSWORD) != await pool.hash(PASSWORD)
    pool.close()


async def test_a_flood_is_told_to_come_back_and_the_first_are_served() -> None:
    pool = PasswordPool()
    work = [pool.hash(PASSWORD) for _ in range(HASHES_WAITING_MAX + 10)]
    results = await asyncio.gather(*work, return_exceptions=True)
    refused = [result for result in results if isinstance(result, ApiError)]
    assert [error.code for error in refused] == ["BUSY"] * 10
    assert all(isinstance(result, str) for result in results[:HASHES_WAITING_MAX])
    pool.close()


@pytest.mark.parametrize("password", ["", "1234567", "x" * 129])
def test_a_password_has_8_to_128_characters(password: str) -> None:
    with pytest.raises(ApiError) as refused:
        check_password(password)
    assert refused.value.code == "INVALID_PASSWORD"


@pytest.mark.parametrize(
    "password", ["password", "PASSWORD1", "12345678", "zzzzzzzzzz", "alice.smith", "Alice.Smith"]
)
def test_what_anybody_would_guess_first_is_refused(password: str) -> None:
    with pytest.raises(ApiError) as refused:
        check_password(password, "Alice.Smith")
    assert refused.value.code == "INVALID_PASSWORD"
    assert "guess" in refused.value.message


def test_the_list_of_the_commonest_has_none_that_its_length_refuses() -> None:
    assert all(len(password) >= LENGTH_MIN for password in COMMONEST)
    assert {password.lower() for password in COMMONEST} == COMMONEST


async def test_a_cheaper_hash_is_made_anew_at_the_next_login(
    client: httpx.AsyncClient, gateway: Gateway
) -> None:
    await newcomer(client, "alice")
    found = await gateway.users.find("alice")
    assert found is not None
    user, present = found
    cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
    await gateway.users.upgrade_hash(user, present, cheap)
    assert gateway.passwords.needs_rehash(cheap)
    assert (await try_login(client, "alice", password="wrong password"))[0] == 401
    after = await gateway.users.find("alice")
    assert after is not None
    assert after[1] == cheap, "a wrong password hashes nothing"
    assert (await try_login(client, "alice"))[0] == 200
    after = await gateway.users.find("alice")
    assert after is not None
    assert not gateway.passwords.needs_rehash(after[1])
    assert (await try_login(client, "alice"))[0] == 200


async def test_with_a_pepper_the_database_alone_cannot_be_tried() -> None:
    pools = [PasswordPool(b"p" * 32), PasswordPool(b"q" * 32), PasswordPool()]
    stored = await pools[0].hash(PASSWORD)
    fits = [await pool.verify(PASSWORD, stored) for pool in pools]
    assert fits == [True, False, False]
    assert not await pools[0].verify(PASSWORD + "x", stored)
    plain = stored.removeprefix("pepper:")
    assert not await pools[2].verify(PASSWORD, plain)
    for pool in pools:
        pool.close()


async def test_a_pepper_that_comes_later_is_used_from_the_next_login_on() -> None:
    before, after = PasswordPool(), PasswordPool(b"p" * 32)
    stored = await before.hash(PASSWORD)
    assert await after.verify(PASSWORD, stored)
    assert (before.needs_rehash(stored), after.needs_rehash(stored)) == (False, True)
    assert not after.needs_rehash(await after.hash(PASSWORD))
    for pool in (before, after):
        pool.close()


def test_a_pepper_is_a_file_of_the_operators(tmp_path: Path) -> None:
    assert read_pepper(tmp_path) == b""
    secrets_dir(tmp_path).mkdir()
    password_pepper(tmp_path).write_bytes(b"p" * 40 + b"\n")
    assert read_pepper(tmp_path) == b"p" * 40
    password_pepper(tmp_path).write_bytes(b"short\n")
    with pytest.raises(KeyFileError) as refused:
        read_pepper(tmp_path)
    assert "at least 32 bytes" in str(refused.value)

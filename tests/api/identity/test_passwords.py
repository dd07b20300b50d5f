"""Hashing: right, bounded, and telling nothing."""

import asyncio

import pytest

from api.edge.errors import ApiError
from api.identity.passwords import HASHES_WAITING_MAX, PasswordPool, check_password

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

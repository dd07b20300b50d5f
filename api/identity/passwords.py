"""Passwords: argon2id, in a bounded pool of threads.

The rule of this file: hashing is dear on purpose, so it never runs on the event loop, never more
than two at a time, and never behind a long queue. An unknown user costs as much as a wrong
password.
"""

import asyncio
import hashlib
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from api.edge.errors import ApiError

MEMORY_KIB = 19_456  # OWASP's minimum for argon2id with two passes: about 20 ms here.
PASSES = 2
LANES = 1
HASHES_AT_ONCE_MAX = 2  # More would only take the machine away from the orders.
HASHES_WAITING_MAX = 50  # About half a second of work; more are told to come back.
LENGTH_MIN = 8
LENGTH_MAX = 128  # A longer one adds nothing but work.


def check_password(password: str) -> None:
    """Raise ApiError unless `password` may be chosen."""
    if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
        raise ApiError("INVALID_PASSWORD", field="password")


class PasswordPool:
    """Hashes and verifies passwords in its own threads; use `close` after."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
        self._threads = ThreadPoolExecutor(HASHES_AT_ONCE_MAX, thread_name_prefix="password")
        self._waiting = 0
        self._dummy_hash = ""

    async def hash(self, password: str) -> str:
        """Return the hash to store; raises ApiError BUSY when too many are waiting."""
        return await self._run(password, None)

    async def verify(self, password: str, stored_hash: str | None) -> bool:
        """Return whether the password fits; without a hash, take as long and return False."""
        if not self._dummy_hash:
            self._dummy_hash = await self.hash(hashlib.sha256(b"nobody").hexdigest())
        fits = await self._run(password, stored_hash or self._dummy_hash)
        return bool(fits) and stored_hash is not None

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, password: str, stored_hash: str | None) -> str:
        if self._waiting >= HASHES_WAITING_MAX:
            raise ApiError("BUSY", "Too many people are logging in; try again.")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._work, password, stored_hash)
        finally:
            self._waiting -= 1

    def _work(self, password: str, stored_hash: str | None) -> str:
        if stored_hash is None:
            return self._hasher.hash(password)
        try:
            self._hasher.verify(stored_hash, password)
        except (VerifyMismatchError, InvalidHashError):
            return ""
        return stored_hash

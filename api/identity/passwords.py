"""Passwords: argon2id, in a bounded pool of threads.

The rule of this file: hashing is dear on purpose, so it never runs on the event loop, never more
than two at a time, and never behind a long queue. An unknown user costs as much as a wrong
password.
"""

import asyncio
import hashlib
import hmac
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from api.edge.errors import ApiError
from api.identity.secret_files import KeyFileError
from shared.home import password_pepper

MEMORY_KIB = 19_456  # OWASP's minimum for argon2id with two passes: about 20 ms here.
PASSES = 2
LANES = 1
HASHES_AT_ONCE_MAX = 2  # More would only take the machine away from the orders.
HASHES_WAITING_MAX = 50  # About half a second of work; more are told to come back.
LENGTH_MIN = 8
LENGTH_MAX = 128  # A longer one adds nothing but work.
PEPPER_SIZE_MIN = 32
PEPPERED = "pepper:"  # Before the hash of a password that was keyed with the pepper.

# What guessers try first, as far as the length lets it through.
_COMMONEST = (
    "password password1 password123 passw0rd p@ssw0rd 12345678 123456789 1234567890 87654321 "
    "123123123 12341234 1q2w3e4r 1qaz2wsx qwerty123 qwertyuiop qwerty12 abcd1234 abc12345 "
    "iloveyou sunshine princess football baseball superman trustno1 letmein1 welcome1 computer "
    "whatever starwars asdfghjk asdfghjkl changeme "
)
COMMONEST = frozenset(_COMMONEST.split())


def check_password(password: str, username: str = "", *, field: str = "password") -> None:
    """Raise ApiError unless the user of this name may choose `password`."""
    if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
        raise ApiError("INVALID_PASSWORD", field=field)
    plain = password.lower()
    if plain == username.lower() or plain in COMMONEST or len(set(plain)) == 1:
        sentence = "This password is among the first that anybody would guess."
        raise ApiError("INVALID_PASSWORD", sentence, field=field)


def read_pepper(home: Path) -> bytes:
    """Return the key that an operator keeps out of the database, or nothing when there is none.

    Raises KeyFileError when it is too short to be one.
    """
    path = password_pepper(home)
    try:
        pepper = path.read_bytes().strip()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise KeyFileError(f"The pepper {path} cannot be read: {error}") from error
    if len(pepper) < PEPPER_SIZE_MIN:
        raise KeyFileError(f"The pepper {path} needs at least {PEPPER_SIZE_MIN} bytes.")
    return pepper


class PasswordPool:
    """Hashes and verifies passwords in its own threads; use `close` after."""

    def __init__(self, pepper: bytes = b"") -> None:
        self._hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
        self._pepper = pepper
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

    def needs_rehash(self, stored_hash: str) -> bool:
        """Return whether a hash was made with other costs, or another pepper, than hold now."""
        is_peppered = stored_hash.startswith(PEPPERED)
        if is_peppered != bool(self._pepper):
            return True
        return self._hasher.check_needs_rehash(stored_hash.removeprefix(PEPPERED))

    @property
    def waiting(self) -> int:
        """How many passwords are being hashed or wait for it."""
        return self._waiting

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
            if not self._pepper:
                return self._hasher.hash(password)
            return PEPPERED + self._hasher.hash(self._keyed(password))
        if stored_hash.startswith(PEPPERED):
            if not self._pepper:
                return ""  # The operator has taken the key away.
            password, plain_hash = self._keyed(password), stored_hash.removeprefix(PEPPERED)
        else:
            plain_hash = stored_hash
        try:
            self._hasher.verify(plain_hash, password)
        except (VerificationError, InvalidHashError):
            return ""
        return stored_hash

    def _keyed(self, password: str) -> str:
        return hmac.digest(self._pepper, password.encode(), "sha256").hex()

"""Access tokens, from the side of those who only check them.

The rule of this file: it holds public keys only, so nobody who verifies can also sign. What a token
may look like is fixed here and never read from the token: algorithm, type, issuer, and the table of
keys.
"""

import base64
import hashlib
import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from shared.claims import LIFETIME_MAX_S, Claims, TokenError

ALGORITHM: Final = "EdDSA"
TOKEN_TYPE: Final = "at+jwt"
ISSUER: Final = "rialto"

LEEWAY_S = 5  # Clocks of two machines that are kept in time differ by less.
TOKEN_LENGTH_MAX = 2_048  # Ours have about 450 characters; more is not worth a hash.
CACHE_MAX = 10_000  # Verified tokens kept, so that a busy client costs one signature check: ~10 MB.
KEYS_MAX = 4  # The present key and previous ones until their last token has expired.

_HEADER = frozenset({"alg", "typ", "kid"})
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")  # No padding, no spaces.
_REQUIRED = ("exp", "nbf", "iat", "iss", "aud", "sub", "jti", "acc", "role", "sid")
_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)


def key_id(key: Ed25519PublicKey) -> str:
    """Return the `kid` of a key, derived from the key itself, so that no two files can disagree."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()[:16]


def parse_public_keys(pem: bytes) -> dict[str, Ed25519PublicKey]:
    """Return the keys of a file of one or several PEM blocks, by key id.

    Others than Ed25519 are left out.
    """
    keys = [load_pem_public_key(block) for block in _PEM.findall(pem)[:KEYS_MAX]]
    return {key_id(key): key for key in keys if isinstance(key, Ed25519PublicKey)}


def _refuse_repetition(part: str) -> None:
    """Raise ValueError for an object that says something twice: no two readers agree on it."""
    data = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    json.loads(data, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name is given twice")
    return value


class TokenVerifier:
    """Verifies tokens with the public keys of a file; reads it again when it changes."""

    def __init__(self, public_key_path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._path = public_key_path
        self._path_text = str(public_key_path)
        self._clock = clock
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._file_version: tuple[int, int] | None = None
        self._cache: dict[tuple[str, str], Claims] = {}

    def verify(self, token: str, audience: str) -> Claims:
        """Return what `token` says to `audience`; raises TokenError."""
        self._read_keys()
        claims = self._cache.get((audience, token))
        if claims is None:
            claims = self._verify(token, audience)
            if len(self._cache) >= CACHE_MAX:
                del self._cache[next(iter(self._cache))]
            self._cache[(audience, token)] = claims
        if self._clock() >= claims.expires_at_s + LEEWAY_S:
            self._cache.pop((audience, token), None)
            raise TokenError("TOKEN_EXPIRED")
        return claims

    def _read_keys(self) -> None:
        try:
            status = os.stat(self._path_text)  # Once a request: half the time of Path's own.
            version = (status.st_mtime_ns, status.st_ino)
            if version != self._file_version:
                self._keys = parse_public_keys(self._path.read_bytes())
                self._cache.clear()
                self._file_version = version
        except (OSError, ValueError):
            self._keys, self._file_version = {}, None
            self._cache.clear()

    def _verify(self, token: str, audience: str) -> Claims:
        if len(token) > TOKEN_LENGTH_MAX or not _TOKEN.fullmatch(token):
            raise TokenError("INVALID_TOKEN")
        try:
            for part in token.split(".")[:2]:
                _refuse_repetition(part)
            payload = jwt.decode(
                token,
                self._key_of(token),
                algorithms=[ALGORITHM],
                audience=audience,
                issuer=ISSUER,
                options={
                    "require": list(_REQUIRED),
                    "strict_aud": True,
                    # The times are checked below, against the clock that was given.
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise TokenError("INVALID_TOKEN") from error
        return self._claims(payload)

    def _key_of(self, token: str) -> Ed25519PublicKey:
        header = jwt.get_unverified_header(token)
        kid = header.get("kid")
        key = self._keys.get(kid) if isinstance(kid, str) else None
        if key is None or set(header) != _HEADER or header["typ"] != TOKEN_TYPE:
            raise TokenError("INVALID_TOKEN")
        return key

    def _claims(self, payload: dict[str, object]) -> Claims:
        issued_at_s, starts_at_s, expires_at_s, account_id = (
            payload[name] for name in ("iat", "nbf", "exp", "acc")
        )
        if not (
            type(issued_at_s) is int
            and type(starts_at_s) is int
            and type(expires_at_s) is int
            and type(account_id) is int
            and account_id > 0
            and 0 < expires_at_s - issued_at_s <= LIFETIME_MAX_S
            and max(issued_at_s, starts_at_s) <= self._clock() + LEEWAY_S
        ):
            raise TokenError("INVALID_TOKEN")
        names = (payload["sub"], payload["role"], payload["jti"], payload["sid"])
        if not all(isinstance(name, str) and name for name in names):
            raise TokenError("INVALID_TOKEN")
        user_id, role, token_id, session_id = map(str, names)
        return Claims(user_id, account_id, role, token_id, issued_at_s, expires_at_s, session_id)

"""Access tokens, from the side of the only one who signs them.

The rule of this file: the private key never leaves RIALTO_HOME/secrets, and every token belongs to
a session, so that there is something to revoke.
"""

import time
import uuid
from collections.abc import Callable
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from api.identity.secret_files import KeyFileError, read_or_create, replace_whole
from shared.claims import LIFETIME_MAX_S
from shared.home import token_private_key, token_public_key
from shared.tokens import ALGORITHM, ISSUER, TOKEN_TYPE, key_id

__all__ = ["KeyFileError", "TokenIssuer", "load_or_create_signing_key"]

PUBLIC_MODE = 0o644  # The folder around it still keeps others out.


def load_or_create_signing_key(home: Path) -> Ed25519PrivateKey:
    """Return the signing key of `home`, made now if there is none, and write its public half beside
    it.

    Raises KeyFileError.
    """
    path = token_private_key(home)
    try:
        pem = read_or_create(home, path, lambda: _private_pem(Ed25519PrivateKey.generate()))
        key = load_pem_private_key(pem, password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyFileError(f"{path} holds another kind of key than Ed25519.")
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        _publish(token_public_key(home), public)
    except (OSError, ValueError) as error:
        raise KeyFileError(f"The signing key {path} cannot be used: {error}") from error
    return key


def _private_pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _publish(path: Path, pem: bytes) -> None:
    """Replace the file whole, unless the key is in it already.

    An operator may keep an old one there.
    """
    if not path.exists() or pem not in path.read_bytes():
        replace_whole(path, pem, PUBLIC_MODE)


class TokenIssuer:
    """Signs access tokens."""

    def __init__(
        self,
        key: Ed25519PrivateKey,
        *,
        lifetime_s: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        assert 0 < lifetime_s <= LIFETIME_MAX_S, "the settings bound the lifetime of a token"
        self.lifetime_s = lifetime_s
        self._key = key
        self._headers = {"typ": TOKEN_TYPE, "kid": key_id(key.public_key())}
        self._clock = clock

    def issue(
        self, *, user_id: int, account_id: int, role: str, audience: str, session_id: str
    ) -> str:
        """Return a token that is good until it expires, or until its session is revoked."""
        now_s = int(self._clock())
        claims = {
            "iss": ISSUER,
            "aud": audience,
            "sub": str(user_id),
            "acc": account_id,
            "role": role,
            "iat": now_s,
            "nbf": now_s,
            "exp": now_s + self.lifetime_s,
            "jti": uuid.uuid4().hex,
            "sid": session_id,
        }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM, headers=self._headers)

"""What a refresh token is made of.

The rule of this file: pure, and nothing of a token that is stored can be turned back into it.

A token is 48 random bytes as 64 characters: 16 name the family, which is one session from login to
end, and 32 (256 bits) are new at every refresh. Stored are hashes. A token of a known family which
is neither the present one nor the one just before was used before, however long ago.

The answer to a refresh can be lost. So the successor is stored as well, sealed with the token that
it succeeds and that we do not keep: only who presents the very same token again can be given the
very same successor again.
"""

import base64
import binascii
import hashlib
import secrets

from msgspec import Struct

FAMILY_SIZE = 16
SECRET_SIZE = 32
TEXT_LENGTH = 64


class RefreshToken(Struct, frozen=True):
    """The two parts."""

    family: bytes
    secret: bytes

    @property
    def text(self) -> str:
        """What the client holds."""
        return base64.urlsafe_b64encode(self.family + self.secret).decode()

    @property
    def family_hash(self) -> str:
        return _hash(b"family", self.family)

    @property
    def token_hash(self) -> str:
        return _hash(b"token", self.secret)


def new_token() -> RefreshToken:
    """Return the first token of a new family."""
    return RefreshToken(secrets.token_bytes(FAMILY_SIZE), secrets.token_bytes(SECRET_SIZE))


def successor_of(token: RefreshToken) -> RefreshToken:
    """Return a new token of the same family."""
    return RefreshToken(token.family, secrets.token_bytes(SECRET_SIZE))


def parse(text: str) -> RefreshToken | None:
    """Return the token that `text` is, or None when it cannot be one of ours."""
    if len(text) != TEXT_LENGTH or not text.isascii():
        return None
    try:
        data = base64.b64decode(text, altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    if len(data) != FAMILY_SIZE + SECRET_SIZE:
        return None  # Padded: shorter than it looks.
    return RefreshToken(data[:FAMILY_SIZE], data[FAMILY_SIZE:])


def seal_successor(token: RefreshToken, successor: RefreshToken) -> str:
    """Return what to store so that `open_successor` finds the successor again."""
    return _mask(token, successor.secret).hex()


def open_successor(token: RefreshToken, sealed: str) -> RefreshToken:
    """Return the successor that was sealed with this very token."""
    return RefreshToken(token.family, _mask(token, bytes.fromhex(sealed)))


def _mask(token: RefreshToken, secret: bytes) -> bytes:
    # A one-time pad: made of 256 random bits, used for one successor, and kept nowhere.
    pad = hashlib.sha256(b"rialto refresh successor" + token.secret).digest()
    return bytes(left ^ right for left, right in zip(pad, secret, strict=True))


def _hash(what: bytes, part: bytes) -> str:
    return hashlib.sha256(b"rialto refresh " + what + part).hexdigest()

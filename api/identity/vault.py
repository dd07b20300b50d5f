"""The vault: secrets that must be read again, sealed before they go into the database.

The rule of this file: whoever has the database alone has nothing, for the key is in a file of
RIALTO_HOME/secrets. What is sealed for one purpose opens for no other, so nobody can move a sealed
secret from the row of one user to that of another.
"""

from collections.abc import Sequence
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from api.identity.secret_files import KeyFileError, read_or_create
from shared.home import vault_key

KEYS_MAX = 8  # The present key and earlier ones, whose secrets are not sealed anew yet.


class VaultError(Exception):
    """A sealed secret that does not open: another key, another purpose, or changed."""


class Vault:
    """Seals with the first of its keys, and opens with any."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        assert 0 < len(keys) <= KEYS_MAX, "the file holds one key or a few"
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def seal(self, secret: bytes, *, purpose: str) -> str:
        """Return text to store; `purpose` names what it is and whose, like `totp:7`."""
        return self._fernet.encrypt(_prefix(purpose) + secret).decode()

    def open(self, sealed: str, *, purpose: str) -> bytes:
        """Return the secret that was sealed for `purpose`; raises VaultError."""
        prefix = _prefix(purpose)
        try:
            opened = self._fernet.decrypt(sealed.encode())
        except InvalidToken as error:
            raise VaultError("A sealed secret does not open with the keys of this home.") from error
        if not opened.startswith(prefix):
            raise VaultError("A sealed secret was sealed for another purpose.")
        return opened[len(prefix) :]


def load_or_create_vault(home: Path) -> Vault:
    """Return the vault of `home`; its key is made now if there is none. Raises KeyFileError.

    The file has a key on each line. A new one is put first, and the old ones stay below it for as
    long as something is sealed with them.
    """
    path = vault_key(home)
    try:
        keys = read_or_create(home, path, lambda: Fernet.generate_key() + b"\n").split()
        if not 0 < len(keys) <= KEYS_MAX:
            raise KeyFileError(
                f"The vault's key file {path} holds no key, or more than {KEYS_MAX}."
            )
        return Vault(keys)
    except (OSError, ValueError) as error:
        raise KeyFileError(f"The vault's key {path} cannot be used: {error}") from error


def _prefix(purpose: str) -> bytes:
    # The length in front: no purpose is the beginning of another one and its secret.
    return f"{len(purpose.encode())}:{purpose}:".encode()

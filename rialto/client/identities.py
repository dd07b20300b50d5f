"""Who a client is: nobody, somebody who has logged in, or the holder of an API key. No I/O.

The rule of this file: secrets stay in here; nothing prints them.
"""

import time
from collections.abc import Callable, Mapping
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.rest.identity import LoggedIn
from shared.signing import (
    KEY_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    WINDOW_HEADER,
    hmac_signature,
    signed_text,
)


class Identity(Protocol):
    """Who is speaking."""

    @property
    def refresh_token(self) -> str:
        """Return what gets the next tokens, "" where there is nothing to renew."""

    @property
    def account_id(self) -> int | None:
        """Return the account that the tokens speak for, None where it is not known."""

    def headers(self, method: str, target: str, content: bytes, key: str) -> Mapping[str, str]:
        """Return the headers that prove it."""

    @property
    def has_sessions(self) -> bool:
        """Return whether it logs in, refreshes and logs out."""

    def take(self, logged_in: LoggedIn) -> None:
        """Speak with these tokens from now on."""

    def forget(self) -> None:
        """Speak as nobody from now on."""


class Tokens:
    """An access token, and a refresh token that gets the next one."""

    has_sessions = True

    def __init__(self, access_token: str = "", refresh_token: str = "") -> None:
        self._access_token = access_token
        self._refresh_token = refresh_token
        self._account_id: int | None = None

    @property
    def refresh_token(self) -> str:
        return self._refresh_token

    @property
    def account_id(self) -> int | None:
        return self._account_id

    def headers(self, _method: str, _target: str, _content: bytes, _key: str) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._access_token}"} if self._access_token else {}

    def take(self, logged_in: LoggedIn) -> None:
        self._access_token = logged_in.access_token
        self._refresh_token = logged_in.refresh_token
        self._account_id = logged_in.account_id

    def forget(self) -> None:
        self._access_token = self._refresh_token = ""
        self._account_id = None


class SignedBy:
    """An API key: `sign` returns the signature of a text, as the gateway expects it.

    A request is good for `window_ms` after it was signed; without it, for what the gateway says.
    """

    has_sessions = False
    refresh_token = ""
    account_id = None

    def __init__(
        self,
        key_id: str,
        sign: Callable[[bytes], str],
        *,
        window_ms: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._key_id = key_id
        self._sign = sign
        self._window = "" if window_ms is None else str(window_ms)
        self._clock = clock

    @classmethod
    def hmac_sha256(cls, key_id: str, secret: str, *, window_ms: int | None = None) -> "SignedBy":
        return cls(key_id, lambda text: hmac_signature(secret, text), window_ms=window_ms)

    @classmethod
    def ed25519(
        cls, key_id: str, private_key: Ed25519PrivateKey, *, window_ms: int | None = None
    ) -> "SignedBy":
        return cls(key_id, lambda text: private_key.sign(text).hex(), window_ms=window_ms)

    def headers(self, method: str, target: str, content: bytes, key: str) -> Mapping[str, str]:
        timestamp = str(int(self._clock() * 1_000))
        text = signed_text(
            timestamp.encode(),
            method.encode(),
            target.encode(),
            content,
            window=self._window.encode() or None,
            idempotency_key=key.encode() or None,
        )
        headers = {
            KEY_HEADER: self._key_id,
            TIMESTAMP_HEADER: timestamp,
            SIGNATURE_HEADER: self._sign(text),
        }
        return headers | {WINDOW_HEADER: self._window} if self._window else headers

    def take(self, _logged_in: LoggedIn) -> None:
        raise AssertionError("a key is no session")

    def forget(self) -> None:
        raise AssertionError("a key is no session")

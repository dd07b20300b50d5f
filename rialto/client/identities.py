"""Who a client is: nobody, somebody who has logged in, or the holder of an API key. No I/O.

The rule of this file: secrets stay in here; nothing prints them.
"""

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rialto.client.conversation import Send
from shared.rest.identity import LoggedIn

REFRESH_PATH = "/api/v1/auth/refresh"


class Tokens:
    """An access token, and a refresh token that gets the next one."""

    def __init__(self, access_token: str = "", refresh_token: str = "") -> None:
        self._access_token = access_token
        self._refresh_token = refresh_token

    def take(self, logged_in: LoggedIn) -> None:
        self._access_token = logged_in.access_token
        self._refresh_token = getattr(logged_in, "refresh_token", "")

    def headers(self, _method: str, _target: str, _content: bytes, _key: str) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._access_token}"} if self._access_token else {}

    def renewal(self) -> Send | None:
        if not self._refresh_token:
            return None
        content = msgspec.json.encode({"refresh_token": self._refresh_token})
        return Send("POST", REFRESH_PATH, {"Content-Type": "application/json"}, content)

    def renewed(self, content: bytes) -> None:
        self.take(msgspec.json.decode(content, type=LoggedIn))


class SignedBy:
    """An API key: `sign` returns the signature of a text, as the gateway expects it."""

    def __init__(
        self,
        key_id: str,
        sign: Callable[[bytes], str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._key_id = key_id
        self._sign = sign
        self._clock = clock

    @classmethod
    def hmac_sha256(cls, key_id: str, secret: str) -> "SignedBy":
        key = secret.encode()
        return cls(key_id, lambda text: hmac.new(key, text, hashlib.sha256).hexdigest())

    @classmethod
    def ed25519(cls, key_id: str, private_key: Ed25519PrivateKey) -> "SignedBy":
        return cls(key_id, lambda text: private_key.sign(text).hex())

    def headers(self, method: str, target: str, content: bytes, key: str) -> Mapping[str, str]:
        timestamp = str(int(self._clock() * 1_000))
        lines = [timestamp, method, target, hashlib.sha256(content).hexdigest()]
        text = "\n".join([*lines, key] if key else lines).encode()
        return {
            "X-Api-Key": self._key_id,
            "X-Timestamp": timestamp,
            "X-Signature": self._sign(text),
        }

    def renewal(self) -> Send | None:
        return None

    def renewed(self, _content: bytes) -> None:
        raise AssertionError("a key is never renewed")

"""Requests that a key has signed: what is checked, in which order.

The rule of this file: what costs nothing first, and nothing is said of a key before its signature
fits: unknown, revoked, expired and wrongly signed are one answer. A signed request has its
idempotency key from what was signed, so that a replay is answered with the first answer.
"""

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidSignature
from fastapi import Request
from msgspec import Struct

from api.edge.address import address_of
from api.edge.errors import ApiError
from api.edge.params import DERIVED_KEY
from api.identity.caller import Caller
from api.keys.fields import is_allowed
from api.keys.ring import KeyRing, OpenKey
from shared.signing import (
    AHEAD_MAX_MS,
    KEY_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    WINDOW_DEFAULT_MS,
    WINDOW_HEADER,
    WINDOW_MAX_MS,
    signed_text,
)

DERIVED_KEY_PREFIX = "signed-"
ED25519_SIGNATURE_SIZE = 64

_KEY_ID = re.compile(r"[A-Za-z0-9_]{1,32}")
_MILLISECONDS = re.compile(rb"[1-9][0-9]{0,14}")
_HEX = re.compile(rb"[0-9A-Fa-f]{64}(?:[0-9A-Fa-f]{64})?")
_IDEMPOTENCY: Final = "Idempotency-Key"
_NAMES: Final = {  # As they are in a scope, and as they are written.
    b"x-api-key": KEY_HEADER,
    b"x-timestamp": TIMESTAMP_HEADER,
    b"x-signature": SIGNATURE_HEADER,
    b"x-recv-window": WINDOW_HEADER,
    b"idempotency-key": _IDEMPOTENCY,
}
_REQUIRED: Final = (KEY_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER)


class Signed(Struct, frozen=True):
    """What a request says of its signature, each part once, and nothing of it proven."""

    key_id: str
    timestamp: bytes
    signature: bytes
    window: bytes | None
    idempotency_key: bytes | None


class SignedCallers:
    """Tells whose key signed a request."""

    def __init__(self, ring: KeyRing, *, clock: Callable[[], float] = time.time) -> None:
        self._ring = ring
        self._clock = clock

    async def caller(self, request: Request) -> Caller:
        """Return whose key signed it; raises ApiError."""
        signed = read_headers(request.scope["headers"])
        now_ms = int(self._clock() * 1_000)
        check_time(signed, now_ms)
        address = address_of(request)
        key = await self._ring.find(signed.key_id, address)
        text = signed_text(
            signed.timestamp,
            request.method.encode(),
            target_of(request),
            await request.body(),
            window=signed.window,
            idempotency_key=signed.idempotency_key,
        )
        if key is None or not fits(key, signed.signature, text):
            raise ApiError("INVALID_KEY")
        if key.expires_at_s is not None and now_ms >= key.expires_at_s * 1_000:
            raise ApiError("INVALID_KEY")
        if not is_allowed(address, key.networks):
            raise ApiError("ADDRESS_NOT_ALLOWED")
        self._ring.note_use(signed.key_id, now_ms // 1_000)
        request.scope[DERIVED_KEY] = derived_key(signed.key_id, text)
        return key.caller


def read_headers(headers: list[tuple[bytes, bytes]]) -> Signed:
    """Return what the headers say; raises ApiError for one that is missing or given twice."""
    found: dict[str, bytes] = {}
    for name, value in headers:
        if name == b"authorization":
            raise ApiError("TWO_CREDENTIALS")
        known = _NAMES.get(name)
        if known is None:
            continue
        if known in found:
            code = "INVALID_IDEMPOTENCY_KEY" if known == _IDEMPOTENCY else "SIGNATURE_MISSING"
            raise ApiError(code, f"Give {known} once.", field=known)
        found[known] = value
    for known in _REQUIRED:
        if known not in found:
            raise ApiError("SIGNATURE_MISSING", field=known)
    key_id = found[KEY_HEADER].decode("latin-1")
    if not _KEY_ID.fullmatch(key_id):
        raise ApiError("INVALID_KEY")
    return Signed(
        key_id,
        found[TIMESTAMP_HEADER],
        found[SIGNATURE_HEADER],
        found.get(WINDOW_HEADER),
        found.get(_IDEMPOTENCY),
    )


def check_time(signed: Signed, now_ms: int) -> None:
    """Raise ApiError unless the request is of now."""
    window_ms = WINDOW_DEFAULT_MS
    if signed.window is not None:
        window_ms = _milliseconds(signed.window)
        if not 0 < window_ms <= WINDOW_MAX_MS:
            sentence = f"{WINDOW_HEADER} is milliseconds from 1 to {WINDOW_MAX_MS}."
            raise ApiError("INVALID_PARAMETER", sentence, field=WINDOW_HEADER)
    age_ms = now_ms - _milliseconds(signed.timestamp)
    if not -AHEAD_MAX_MS <= age_ms <= window_ms:
        details = {"server_time_ms": now_ms}
        raise ApiError("TIMESTAMP_OUT_OF_WINDOW", field=TIMESTAMP_HEADER, details=details)


def _milliseconds(text: bytes) -> int:
    return int(text) if _MILLISECONDS.fullmatch(text) else 0


def target_of(request: Request) -> bytes:
    """Return path and query as they were sent, not as the door and the frameworks read them."""
    path: bytes = request.scope["raw_path"]
    query: bytes = request.scope["query_string"]
    return path + b"?" + query if query else path


def fits(key: OpenKey, signature: bytes, text: bytes) -> bool:
    """Return whether the signature is this key's, of exactly this text."""
    given = _signature_bytes(signature)
    if key.public_key is None:
        return hmac.compare_digest(given, hmac.digest(key.secret, text, "sha256"))
    try:
        key.public_key.verify(given, text)
    except InvalidSignature:
        return False
    return True


def _signature_bytes(text: bytes) -> bytes:
    if _HEX.fullmatch(text):
        return bytes.fromhex(text.decode())
    try:
        given = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return b""
    return given if len(given) == ED25519_SIGNATURE_SIZE else b""


def derived_key(key_id: str, text: bytes) -> str:
    """Return the idempotency key of a signed request that brings none.

    Of the text and not of the signature: an Ed25519 key could sign one text in several ways.
    """
    digest = hashlib.sha256(key_id.encode() + b"\n" + text).hexdigest()
    return DERIVED_KEY_PREFIX + digest[:48]

"""Signed requests: the text that is signed, the same on both sides of the door.

The rule of this file: pure, and byte for byte what is sent: path and query are not decoded, put in
order, or made shorter before they are signed. Nothing that changes what a request does, or for how
long it is good, is left out of the text.
"""

import hashlib
import hmac
from typing import Final

KEY_HEADER: Final = "X-Api-Key"
TIMESTAMP_HEADER: Final = "X-Timestamp"
WINDOW_HEADER: Final = "X-Recv-Window"
SIGNATURE_HEADER: Final = "X-Signature"

WINDOW_DEFAULT_MS = 5_000  # A request that took longer is not what its sender wants any more.
WINDOW_MAX_MS = 60_000  # The idempotency window is far longer, so that a replay has no effect.
AHEAD_MAX_MS = 1_000  # Clocks that are kept in time differ by less.


def signed_text(
    timestamp: bytes,
    method: bytes,
    target: bytes,
    body: bytes,
    *,
    window: bytes | None = None,
    idempotency_key: bytes | None = None,
) -> bytes:
    """Return what is signed; `target` is the path and, after a `?`, the query unless it is empty.

    None of its parts can hold an end of line, and the lines differ in kind, so that no two requests
    have the same text.
    """
    first = timestamp if window is None else timestamp + b"," + window
    lines = [first, method, target, hashlib.sha256(body).hexdigest().encode()]
    if idempotency_key is not None:
        lines.append(idempotency_key)
    return b"\n".join(lines)


def hmac_signature(secret: str, text: bytes) -> str:
    """Return the X-Signature of an hmac_sha256 key: the secret's characters are the key."""
    return hmac.digest(secret.encode(), text, "sha256").hex()

"""What is asked of a key, checked. Pure.

The rule of this file: text in, values out, exactly, or an ApiError that names the field; what is
stored of them is text that reads back as the same values.
"""

import base64
import binascii
import ipaddress
from collections.abc import Iterable

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from api.edge.errors import ApiError
from api.identity.caller import Scope
from api.orders.fields import choice
from shared.rest.keys import KeyKind, KeyScope

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def checked_label(label: str) -> str:
    if not label.isprintable():
        raise ApiError("INVALID_FIELD", "A label is printable text.", field="label")
    return label


def checked_kind(text: str) -> KeyKind:
    return choice(KeyKind, text, "kind")


def checked_scopes(texts: Iterable[str]) -> str:
    """Return the scopes as they are stored: each once, in the order of the list of them all."""
    wanted = {choice(KeyScope, text, "scopes") for text in texts}
    return ",".join(scope for scope in KeyScope if scope in wanted)


def scopes_of(stored: str) -> frozenset[Scope]:
    return frozenset(Scope(word) for word in stored.split(","))


def checked_networks(texts: Iterable[str]) -> str:
    """Return networks as they are stored; one with bits beyond its length is refused."""
    try:
        return ",".join(str(ipaddress.ip_network(text)) for text in texts)
    except ValueError:
        sentence = "Give addresses like 203.0.113.7, or networks like 203.0.113.0/24."
        raise ApiError("INVALID_FIELD", sentence, field="ip_allow") from None


def networks_of(stored: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in stored.split(",") if text)


def is_allowed(address: str, networks: tuple[Network, ...]) -> bool:
    """Return whether a request may come from there; without networks, from anywhere."""
    if not networks:
        return True
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False  # A socket without an address is in no network.
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped  # What a socket for both families calls an IPv4 address.
    return any(parsed in network for network in networks)


def checked_public_key(kind: KeyKind, text: str | None) -> str:
    """Return the public key as it is stored: base64 of its bytes, or "" of an hmac_sha256 key."""
    if kind is KeyKind.HMAC_SHA256:
        if text is not None:
            sentence = "An hmac_sha256 key has no public_key; its secret is made here."
            raise ApiError("INVALID_PUBLIC_KEY", sentence, field="public_key")
        return ""
    if text is None:
        raise ApiError("MISSING_FIELD", "An ed25519 key needs a public_key.", field="public_key")
    key = _public_key(text.strip())
    return base64.b64encode(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def public_key_of(stored: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(stored))


def _public_key(text: str) -> Ed25519PublicKey:
    try:
        if text.startswith("-----BEGIN"):
            key = load_pem_public_key(text.encode())
        else:
            key = Ed25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        raise ApiError("INVALID_PUBLIC_KEY", field="public_key") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ApiError("INVALID_PUBLIC_KEY", field="public_key")
    return key

"""API keys: what is sent to make and to change one, and what is shown of it.

The rule of this file: shapes only; a secret is in `MadeKey`, once, and nowhere else.
"""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from shared.rest.identity import TotpCode

LABEL_LENGTH_MAX = 64
ADDRESSES_MAX = 20  # Of one key: a few machines, or their networks.
SCOPES_MAX = 3
PUBLIC_KEY_LENGTH_MAX = 1_024  # A PEM has about 120.
LIFETIME_MIN_S = 1
LIFETIME_MAX_S = 315_360_000  # Ten years.


class KeyKind(StrEnum):
    """How requests are signed: with a secret that both sides have, or with one only you have."""

    HMAC_SHA256 = "hmac_sha256"
    ED25519 = "ed25519"


class KeyScope(StrEnum):
    """What a key may do; one does not include another."""

    READ = "read"
    TRADE = "trade"
    WITHDRAW = "withdraw"


Label = Annotated[
    str, Meta(min_length=1, max_length=LABEL_LENGTH_MAX, description="Your own name for it.")
]
Scopes = Annotated[
    tuple[str, ...],
    Meta(
        min_length=1,
        max_length=SCOPES_MAX,
        description="Of read, trade, withdraw.",
        examples=[["read", "trade"]],
    ),
]
Addresses = Annotated[
    tuple[Annotated[str, Meta(max_length=64)], ...],
    Meta(
        max_length=ADDRESSES_MAX,
        description="Addresses and networks that may use it; empty: any.",
        examples=[["203.0.113.7", "2001:db8::/48"]],
    ),
]
Lifetime = Annotated[
    int, Meta(ge=LIFETIME_MIN_S, le=LIFETIME_MAX_S, description="Without it, until revoked.")
]


class MakeKeyBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A new key. An ed25519 key needs its public half: PEM, or the 32 bytes in base64.

    Who has a second factor shows a code of it, so that a stolen token alone makes nothing that
    outlives it.
    """

    label: Label
    kind: Annotated[str, Meta(description="hmac_sha256 or ed25519")] = KeyKind.HMAC_SHA256
    scopes: Scopes = (KeyScope.READ,)
    account_id: (
        Annotated[int, Meta(description="An account of yours; else that of the token.")] | None
    ) = None
    public_key: Annotated[str, Meta(max_length=PUBLIC_KEY_LENGTH_MAX)] | None = None
    ip_allow: Addresses = ()
    expires_in_s: Lifetime | None = None
    totp_code: TotpCode | None = None


class ChangeKeyBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be another; what is left out stays. The second factor counts as for a new one."""

    label: Label | None = None
    scopes: Scopes | None = None
    ip_allow: Addresses | None = None
    totp_code: TotpCode | None = None


class KeyView(Struct, frozen=True):
    """A key, without its secret. Times are Unix seconds; `last_used_at_s` is to the minute."""

    key_id: str
    label: str
    kind: KeyKind
    account_id: int
    scopes: tuple[KeyScope, ...]
    ip_allow: tuple[str, ...]
    public_key: str | None
    created_at_s: int
    expires_at_s: int | None
    last_used_at_s: int | None


class MadeKey(KeyView, frozen=True, kw_only=True):
    """A new key. `secret` is shown this once, and is null for an ed25519 key."""

    secret: str | None


class Keys(Struct, frozen=True):
    """The keys that are not revoked, oldest first; those that have expired are among them."""

    keys: tuple[KeyView, ...]

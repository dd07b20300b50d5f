"""Calls about API keys, for who has logged in. The rule of this file: one for each route."""

from collections.abc import Sequence

from rialto.client.call import Call, part
from shared.rest.keys import ChangeKeyBody, KeyKind, Keys, KeyScope, KeyView, MadeKey, MakeKeyBody

_KEYS = "/api/v1/keys"


def keys() -> Call[Keys]:
    """Return the keys that are not revoked, oldest first, without their secrets."""
    return Call("GET", _KEYS, Keys)


def make_key(
    label: str,
    *,
    kind: str = KeyKind.HMAC_SHA256,
    scopes: Sequence[str] = (KeyScope.READ,),
    account_id: int | None = None,
    public_key: str | None = None,
    ip_allow: Sequence[str] = (),
    expires_in_s: int | None = None,
    totp_code: str | None = None,
) -> Call[MadeKey]:
    """Make a key; the secret of an hmac_sha256 key is in the answer, this once."""
    body = MakeKeyBody(
        label=label,
        kind=kind,
        scopes=tuple(scopes),
        account_id=account_id,
        public_key=public_key,
        ip_allow=tuple(ip_allow),
        expires_in_s=expires_in_s,
        totp_code=totp_code,
    )
    return Call("POST", _KEYS, MadeKey, body)


def change_key(
    key_id: str,
    *,
    label: str | None = None,
    scopes: Sequence[str] | None = None,
    ip_allow: Sequence[str] | None = None,
    totp_code: str | None = None,
) -> Call[KeyView]:
    """Change what is given, and leave the rest."""
    body = ChangeKeyBody(
        label=label,
        scopes=None if scopes is None else tuple(scopes),
        ip_allow=None if ip_allow is None else tuple(ip_allow),
        totp_code=totp_code,
    )
    return Call("PATCH", f"{_KEYS}/{part('key_id', key_id)}", KeyView, body)


def revoke_key(key_id: str) -> Call[KeyView]:
    """End a key for ever."""
    return Call("DELETE", f"{_KEYS}/{part('key_id', key_id)}", KeyView)

"""Making, listing, changing and revoking keys.

The rule of this file: only who has logged in manages keys, and only their own; the secret of a key
is in the answer that made it and in no other, and in no log.
"""

import secrets
import time
from collections.abc import Sequence

import msgspec
from fastapi import APIRouter, Request, Response

from api.edge.answers import answer
from api.edge.body import read_body
from api.edge.docs import describe
from api.edge.errors import ApiError
from api.edge.params import query_of
from api.gateway import Gateway
from api.identity.caller import Caller, Scope
from api.keys import fields
from api.keys.ring import sealing_purpose
from api.keys.store import KeyRow
from api.paths import PREFIX
from shared.logs import get_logger
from shared.rest.keys import ChangeKeyBody, KeyKind, Keys, KeyScope, KeyView, MadeKey, MakeKeyBody

KEY_ID_BYTES = 12  # Public, and drawn at random: nobody meets another's, and nothing is counted.
SECRET_BYTES = 32

_log = get_logger(__name__)


class KeyRoutes:
    """The handlers."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def make(self, request: Request) -> Response:
        """Make a key. The answer has its secret, this once."""
        caller = await self._gateway.callers.trader(request, Scope.MANAGE)
        query_of(request)
        body = await read_body(request, MakeKeyBody)
        kind = fields.checked_kind(body.kind)
        secret = secrets.token_hex(SECRET_BYTES) if kind is KeyKind.HMAC_SHA256 else None
        account_id = await self._own_account(caller, body.account_id)
        self._check_scopes(caller, body.scopes)
        row = self._row(body, kind, caller.user_id, account_id, secret)
        await self._gateway.identity.totps.require(caller.user_id, body.totp_code)
        await self._gateway.key_ring.store.add(row)
        _log.info("key_made", user_id=row.user_id, key_id=row.key_id, kind=kind, scopes=row.scopes)
        shown = msgspec.structs.asdict(key_view(row))
        return answer(MadeKey(secret=secret, **shown), 201)

    async def list(self, request: Request) -> Response:
        """List the keys that are not revoked."""
        caller = await self._gateway.callers.trader(request, Scope.MANAGE)
        query_of(request)
        rows = await self._gateway.key_ring.store.of_user(caller.user_id)
        return answer(Keys(tuple(map(key_view, rows))))

    async def change(self, request: Request, key_id: str) -> Response:
        """Give a key another label, other scopes or other addresses."""
        caller = await self._gateway.callers.trader(request, Scope.MANAGE)
        query_of(request)
        body = await read_body(request, ChangeKeyBody)
        values = _changes(body)
        if not values:
            sentence = "Say what is to be changed: label, scopes or ip_allow."
            raise ApiError("MISSING_FIELD", sentence, field="label")
        self._check_scopes(caller, body.scopes or ())
        await self._gateway.identity.totps.require(caller.user_id, body.totp_code)
        row = await self._gateway.key_ring.store.change(caller.user_id, key_id, values)
        self._gateway.key_ring.drop(key_id)
        _log.info("key_changed", user_id=row.user_id, key_id=row.key_id, scopes=row.scopes)
        return answer(key_view(row))

    async def revoke(self, request: Request, key_id: str) -> Response:
        """Revoke a key, for ever; requests that it signed are refused from now on."""
        caller = await self._gateway.callers.trader(request, Scope.MANAGE)
        query_of(request)
        values = {"revoked_at_s": int(time.time())}
        row = await self._gateway.key_ring.store.change(caller.user_id, key_id, values)
        self._gateway.key_ring.drop(key_id)
        _log.info("key_revoked", user_id=row.user_id, key_id=row.key_id)
        return answer(key_view(row))

    def _check_scopes(self, caller: Caller, wanted: Sequence[str]) -> None:
        """An auditor's key must not become a trader's with the role."""
        for scope in fields.checked_scopes(wanted).split(",") if wanted else ():
            if scope not in caller.scopes:
                raise ApiError("FORBIDDEN", field="scopes")

    async def _own_account(self, caller: Caller, account_id: int | None) -> int:
        if account_id is None or account_id == caller.account_id:
            return caller.account_id
        await self._gateway.identity.accounts.require_own(caller.user_id, account_id)
        return account_id

    def _row(
        self,
        body: MakeKeyBody,
        kind: KeyKind,
        user_id: int,
        account_id: int,
        secret: str | None,
    ) -> KeyRow:
        key_id = f"rk_{secrets.token_hex(KEY_ID_BYTES)}"
        purpose = sealing_purpose(key_id)
        sealed = self._gateway.vault.seal(secret.encode(), purpose=purpose) if secret else ""
        now_s = int(time.time())
        return KeyRow(
            key_id=key_id,
            user_id=user_id,
            account_id=account_id,
            label=fields.checked_label(body.label),
            kind=kind.value,
            secret_sealed=sealed,
            public_key=fields.checked_public_key(kind, body.public_key),
            scopes=fields.checked_scopes(body.scopes),
            ip_allow=fields.checked_networks(body.ip_allow),
            created_at_s=now_s,
            expires_at_s=None if body.expires_in_s is None else now_s + body.expires_in_s,
        )


def _changes(body: ChangeKeyBody) -> dict[str, object]:
    values: dict[str, object] = {}
    if body.label is not None:
        values["label"] = fields.checked_label(body.label)
    if body.scopes is not None:
        values["scopes"] = fields.checked_scopes(body.scopes)
    if body.ip_allow is not None:
        values["ip_allow"] = fields.checked_networks(body.ip_allow)
    return values


def key_view(row: KeyRow) -> KeyView:
    return KeyView(
        key_id=row.key_id,
        label=row.label,
        kind=KeyKind(row.kind),
        account_id=row.account_id,
        scopes=tuple(map(KeyScope, row.scopes.split(","))),
        ip_allow=tuple(word for word in row.ip_allow.split(",") if word),
        public_key=row.public_key or None,
        created_at_s=row.created_at_s,
        expires_at_s=row.expires_at_s,
        last_used_at_s=row.last_used_at_s,
    )


def key_routes(gateway: Gateway) -> APIRouter:
    """Return the routes under /keys."""
    keys = KeyRoutes(gateway)
    router = APIRouter(prefix=f"{PREFIX}/keys", tags=["keys"])
    always = ("FORBIDDEN", "USERS_UNAVAILABLE")
    of_code = ("TOTP_REQUIRED", "INVALID_TOTP_CODE", "TOO_MANY_ATTEMPTS")
    made = ("UNKNOWN_ACCOUNT", "TOO_MANY_KEYS", "INVALID_PUBLIC_KEY", *of_code, *always)
    changed = ("UNKNOWN_KEY", *of_code, *always)
    for path, handler, method, extra in (
        ("", keys.make, "POST", describe(answers={201: MadeKey}, body=MakeKeyBody, errors=made)),
        ("", keys.list, "GET", describe(answers={200: Keys}, errors=always)),
        (
            "/{key_id}",
            keys.change,
            "PATCH",
            describe(answers={200: KeyView}, body=ChangeKeyBody, errors=changed),
        ),
        (
            "/{key_id}",
            keys.revoke,
            "DELETE",
            describe(answers={200: KeyView}, errors=("UNKNOWN_KEY", *always)),
        ),
    ):
        router.add_api_route(path, handler, methods=[method], openapi_extra=extra)
    return router

"""The keys in memory: what makes a signed request cost no SQL.

The rule of this file: a key that is kept is dropped before its change is answered here, and within
POLL_S and a moment in the other gateways, which ask for changes. Who cannot ask any more forgets
all of them after CONTACT_MAX_S. Secrets are open in this memory and nowhere else.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

from api.edge.errors import ApiError
from api.identity.attempts import AttemptLimiter
from api.identity.caller import ALL_SCOPES, AUDITOR_SCOPES, Caller
from api.identity.users import Role
from api.identity.vault import Vault, VaultError
from api.keys.fields import Network, networks_of, public_key_of, scopes_of
from api.keys.store import CHANGES_AT_ONCE_MAX, KeyRow, KeyStore
from shared.addresses import counted_as
from shared.logs import get_logger
from shared.tasks import spawn, stop

KEPT_MAX = 10_000  # The least recently used are forgotten: about 15 MB.
LIFE_S = 60.0  # Then it is read again, for what changes beside it: the owner's role, the vault.
POLL_S = 0.5  # With the time of a query, a revoked key is refused everywhere within a second.
CONTACT_MAX_S = 10.0  # A restart of the database is over by then.
LOADS_AT_ONCE_MAX = 2  # Half of the connections: logging in must go on beside made-up keys.
LOADS_WAITING_MAX = 200  # About half a second of work; more are told to come back.
LOADS_BURST = 300  # Per address: every key of a house after a restart.
LOADS_PER_MINUTE = 300
USES_NOTED_EVERY_S = 60
FLUSH_S = 5.0

_log = get_logger(__name__)


class OpenKey(Struct, frozen=True, kw_only=True):
    """A key that can verify: it has a secret, or a public key."""

    caller: Caller
    secret: bytes
    public_key: Ed25519PublicKey | None
    networks: tuple[Network, ...]
    expires_at_s: int | None


def sealing_purpose(key_id: str) -> str:
    """Return what the vault is told of the secret of a key, so that it opens for no other."""
    return f"api_key:{key_id}"


class KeyRing:
    """Finds keys; start it, and close it after."""

    def __init__(
        self, store: KeyStore, vault: Vault, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.store = store
        self._vault = vault
        self._clock = clock
        self._kept: OrderedDict[str, tuple[OpenKey, float]] = OrderedDict()  # And until when.
        self._drops = 0
        self._seen: int | None = None
        self._contact_at_s = float("-inf")
        self._loads = asyncio.Semaphore(LOADS_AT_ONCE_MAX)
        self._waiting = 0
        self._limiter = AttemptLimiter(burst=LOADS_BURST, per_minute=LOADS_PER_MINUTE)
        self._used_at_s: dict[str, int] = {}  # Bounded by the keys that are kept.
        self._noted_at_s: dict[str, int] = {}
        self._flushed_at_s = clock()
        self._watcher: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to follow the changes; until the first answer nothing that is kept counts."""
        self._watcher = spawn(self._watch(), "key-ring")

    async def close(self) -> None:
        await stop(self._watcher)
        await self._flush()

    async def find(self, key_id: str, address: str) -> OpenKey | None:
        """Return a key that is not revoked, or None; `address` bounds who may make it look.

        Raises ApiError USERS_UNAVAILABLE, BUSY, TOO_MANY_ATTEMPTS.
        """
        key = self._find_kept(key_id)
        return key if key is not None else await self._load(key_id, address)

    def drop(self, key_id: str) -> None:
        """Forget a key that was just changed; what is being read meanwhile is not kept either."""
        self._drops += 1
        self._forget(key_id)

    def note_use(self, key_id: str, at_s: int) -> None:
        """Remember that the key was used; it is written down later, at most once a minute."""
        if at_s - self._noted_at_s.get(key_id, 0) >= USES_NOTED_EVERY_S and key_id in self._kept:
            self._noted_at_s[key_id] = self._used_at_s[key_id] = at_s

    async def follow(self) -> None:
        """Drop what was changed anywhere since the last time; raises ApiError."""
        asked_at_s = self._clock()
        if self._seen is None:
            self._seen = await self.store.last_change()
            self._drops += 1
            self._kept.clear()
        is_more = True
        while is_more:
            changed = await self.store.changed_since(self._seen)
            for key_id, number in changed:
                self.drop(key_id)
                self._seen = number
            is_more = len(changed) == CHANGES_AT_ONCE_MAX
        self._contact_at_s = asked_at_s

    def _find_kept(self, key_id: str) -> OpenKey | None:
        kept = self._kept.get(key_id)
        now_s = self._clock()
        if kept is None or now_s >= kept[1] or now_s - self._contact_at_s > CONTACT_MAX_S:
            return None
        self._kept.move_to_end(key_id)
        return kept[0]

    async def _load(self, key_id: str, address: str) -> OpenKey | None:
        if self._waiting >= LOADS_WAITING_MAX:
            raise ApiError("BUSY")
        self._waiting += 1
        try:
            async with self._loads:
                key = self._find_kept(key_id)  # Loaded while this one waited.
                return key if key is not None else await self._read(key_id, address)
        finally:
            self._waiting -= 1

    async def _read(self, key_id: str, address: str) -> OpenKey | None:
        self._limiter.take(counted_as(address))
        drops = self._drops
        found = await self.store.find(key_id)
        key = self._opened(*found) if found is not None else None
        if key is None:
            self._forget(key_id)
        elif drops == self._drops:
            self._kept[key_id] = (key, self._clock() + LIFE_S)
            if len(self._kept) > KEPT_MAX:
                self._forget(next(iter(self._kept)))
        return key

    def _opened(self, row: KeyRow, role: str) -> OpenKey | None:
        secret = b""
        if row.secret_sealed:
            try:
                secret = self._vault.open(row.secret_sealed, purpose=sealing_purpose(row.key_id))
            except VaultError as error:
                _log.error("key_does_not_open", key_id=row.key_id, reason=str(error))
                return None
        allowed = AUDITOR_SCOPES if role == Role.AUDITOR else ALL_SCOPES
        scopes = scopes_of(row.scopes) & allowed
        return OpenKey(
            caller=Caller(row.user_id, row.account_id, role, scopes, key_id=row.key_id),
            secret=secret,
            public_key=public_key_of(row.public_key) if row.public_key else None,
            networks=networks_of(row.ip_allow),
            expires_at_s=row.expires_at_s,
        )

    def _forget(self, key_id: str) -> None:
        self._kept.pop(key_id, None)
        self._noted_at_s.pop(key_id, None)

    async def _watch(self) -> None:
        is_away = False
        while True:
            try:
                await self.follow()
                is_away = False
            except ApiError as error:
                if not is_away:
                    _log.warning("key_changes_not_read", code=error.code)
                is_away = True
            if self._clock() - self._flushed_at_s >= FLUSH_S:
                await self._flush()
            await asyncio.sleep(POLL_S)

    async def _flush(self) -> None:
        self._flushed_at_s = self._clock()
        used_at_s, self._used_at_s = self._used_at_s, {}
        if not used_at_s:
            return
        try:
            await self.store.note_uses(used_at_s)
        except ApiError as error:  # It is a courtesy: the next minute's use is written down.
            _log.warning("key_uses_not_noted", keys=len(used_at_s), code=error.code)

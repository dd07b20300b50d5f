"""Keys in memory: no SQL for a key that is known, and no long memory of one that was revoked."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from sqlalchemy.ext.asyncio import AsyncEngine

from api.edge.errors import ApiError
from api.identity.users import Role, Users
from api.identity.vault import Vault
from api.keys import ring as ring_module
from api.keys.ring import CONTACT_MAX_S, LIFE_S, LOADS_BURST, KeyRing, OpenKey, sealing_purpose
from api.keys.store import KeyRow, KeyStore
from api.sql.database import open_database
from api.sql.tables import api_keys
from tests.support.deadlines import eventually_async

ADDRESS = "127.0.0.1"


class CountingStore(KeyStore):
    """The real store, which counts how often it is asked, and can be cut off."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine)
        self.finds = 0
        self.is_away = False
        self.found = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def find(self, key_id: str) -> tuple[KeyRow, str] | None:
        self.finds += 1
        self._check()
        found = await super().find(key_id)
        self.found.set()
        await self.go_on.wait()
        return found

    async def changed_since(self, number: int) -> list[tuple[str, int]]:
        self._check()
        return await super().changed_since(number)

    def _check(self) -> None:
        if self.is_away:
            raise ApiError("USERS_UNAVAILABLE")


class House:
    """One database, and gateways' rings of its keys, on a clock that the test moves."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.store = CountingStore(engine)
        self.vault = Vault([Fernet.generate_key()])
        self.now_s = 1_000.0
        self.made = 0

    def ring(self) -> KeyRing:
        return KeyRing(self.store, self.vault, clock=lambda: self.now_s)

    async def make(self, **changes: object) -> str:
        self.made += 1
        key_id = f"rk_{self.made}"
        row = {
            "key_id": key_id,
            "user_id": 1,
            "account_id": 9,
            "label": "bot",
            "kind": "hmac_sha256",
            "secret_sealed": self.vault.seal(b"s" * 64, purpose=sealing_purpose(key_id)),
            "public_key": "",
            "scopes": "read,trade",
            "ip_allow": "",
            "created_at_s": 10_000 + self.made,
            "expires_at_s": None,
            **changes,
        }
        await self.store.add(KeyRow(**row))  # type: ignore[arg-type]
        return key_id

    async def revoke(self, key_id: str) -> None:
        await self.store.change(1, key_id, {"revoked_at_s": 20_000})


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    engine = await open_database(tmp_path / "home", "")
    await Users(engine).create("alice", "x", Role.TRADER)
    yield House(engine)
    await engine.dispose()


@pytest.fixture
async def ring(house: House) -> KeyRing:
    ring = house.ring()
    await ring.follow()
    return ring


async def found(ring: KeyRing, key_id: str) -> OpenKey | None:
    return await ring.find(key_id, ADDRESS)


async def test_a_known_key_costs_no_sql(house: House, ring: KeyRing) -> None:
    key_id = await house.make()
    for _ in range(100):
        key = await found(ring, key_id)
        assert key is not None
        assert (key.caller.account_id, key.caller.key_id, key.secret) == (9, key_id, b"s" * 64)
    assert house.store.finds == 1


async def test_many_who_want_one_key_ask_for_it_once(house: House, ring: KeyRing) -> None:
    key_id = await house.make()
    keys = await asyncio.gather(*(found(ring, key_id) for _ in range(50)))
    assert all(key is not None for key in keys)
    assert house.store.finds <= ring_module.LOADS_AT_ONCE_MAX


async def test_more_than_may_wait_are_told_to_come_back(house: House, ring: KeyRing) -> None:
    house.store.go_on.clear()
    waiting = [
        asyncio.ensure_future(found(ring, f"rk_x{number}"))
        for number in range(ring_module.LOADS_WAITING_MAX)
    ]
    await house.store.found.wait()
    with pytest.raises(ApiError) as refused:
        await found(ring, "rk_one_more")
    assert refused.value.code == "BUSY"
    house.store.go_on.set()
    assert set(await asyncio.gather(*waiting)) == {None}


async def test_made_up_keys_of_one_address_are_slowed_down(house: House, ring: KeyRing) -> None:
    key_id = await house.make()
    assert await found(ring, key_id) is not None
    codes = set()
    for number in range(LOADS_BURST + 5):
        try:
            assert await ring.find(f"rk_y{number}", "203.0.113.9") is None
        except ApiError as error:
            codes.add(error.code)
    assert codes == {"TOO_MANY_ATTEMPTS"}
    assert await ring.find(key_id, "203.0.113.9") is not None, "a known key is not slowed down"
    assert await ring.find("rk_other", "203.0.113.10") is None


async def test_a_key_revoked_by_another_gateway_is_dropped_at_the_next_look(
    house: House, ring: KeyRing
) -> None:
    kept, revoked = await house.make(), await house.make()
    await ring.follow()
    for key_id in (kept, revoked):
        assert await found(ring, key_id) is not None
    await house.revoke(revoked)
    assert await found(ring, revoked) is not None, "else this test shows nothing"
    await ring.follow()
    assert await found(ring, revoked) is None
    finds = house.store.finds
    assert await found(ring, kept) is not None
    assert house.store.finds == finds, "others stay"


async def test_another_gateway_follows_by_itself(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ring_module, "POLL_S", 0.01)
    ring = house.ring()
    key_id = await house.make()
    await ring.start()
    try:
        assert await found(ring, key_id) is not None
        await house.store.change(1, key_id, {"scopes": "read"})

        async def knows() -> bool:
            key = await found(ring, key_id)
            return key is not None and len(key.caller.scopes) == 1

        await eventually_async(knows)
    finally:
        await ring.close()


async def test_more_changes_than_one_answer_holds_are_all_seen(
    house: House, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ring_module, "CHANGES_AT_ONCE_MAX", 2)
    monkeypatch.setattr("api.keys.store.CHANGES_AT_ONCE_MAX", 2)
    keys = [await house.make() for _ in range(7)]
    for key_id in keys:
        assert await found(ring, key_id) is not None
        await house.revoke(key_id)
    await ring.follow()
    assert [await found(ring, key_id) for key_id in keys] == [None] * 7


async def test_a_key_that_is_dropped_while_it_is_read_is_not_kept(
    house: House, ring: KeyRing
) -> None:
    key_id = await house.make()
    house.store.go_on.clear()
    reading = asyncio.ensure_future(found(ring, key_id))
    await house.store.found.wait()  # It has the row of before, and the revocation comes.
    await house.revoke(key_id)
    ring.drop(key_id)
    house.store.go_on.set()
    await reading
    assert await found(ring, key_id) is None


async def test_without_its_database_a_gateway_forgets_after_a_while(
    house: House, ring: KeyRing
) -> None:
    key_id = await house.make()
    assert await found(ring, key_id) is not None
    house.store.is_away = True
    with pytest.raises(ApiError):
        await ring.follow()
    house.now_s += CONTACT_MAX_S
    assert await found(ring, key_id) is not None
    house.now_s += 0.1
    with pytest.raises(ApiError) as refused:
        await found(ring, key_id)
    assert refused.value.code == "USERS_UNAVAILABLE"
    house.store.is_away = False
    assert await found(ring, key_id) is not None


async def test_a_key_is_read_again_after_its_time(house: House, ring: KeyRing) -> None:
    key_id = await house.make()
    assert await found(ring, key_id) is not None
    house.now_s += LIFE_S
    await ring.follow()
    assert await found(ring, key_id) is not None
    assert house.store.finds == 2


async def test_so_many_keys_are_kept_and_no_more(
    house: House, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ring_module, "KEPT_MAX", 3)
    keys = [await house.make() for _ in range(5)]
    for key_id in keys:
        assert await found(ring, key_id) is not None
    finds = house.store.finds
    assert await found(ring, keys[-1]) is not None
    assert house.store.finds == finds
    assert await found(ring, keys[0]) is not None
    assert house.store.finds == finds + 1
    assert len(ring._kept) == 3


async def test_the_last_use_is_written_down_once_a_minute(house: House, ring: KeyRing) -> None:
    key_id = await house.make()
    await found(ring, key_id)

    async def noted() -> int | None:
        async with house.engine.connect() as connection:
            used = sa.select(api_keys.c.last_used_at_s)
            at_s: int | None = (await connection.execute(used)).scalar_one()
            return at_s

    for at_s, expected in ((5_000, 5_000), (5_059, 5_000), (5_060, 5_060), (4_000, 5_060)):
        ring.note_use(key_id, at_s)
        await ring.close()
        assert await noted() == expected


async def test_a_use_that_cannot_be_noted_harms_nobody(house: House, ring: KeyRing) -> None:
    key_id = await house.make()
    await found(ring, key_id)
    ring.note_use(key_id, 5_000)
    await house.engine.dispose()
    async with house.engine.begin() as connection:
        await connection.execute(sa.text("ALTER TABLE api_keys RENAME TO elsewhere"))
    await ring.close()
    assert await found(ring, key_id) is not None

"""Making, listing, changing and revoking keys: who may, and what is shown."""

from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from api.gateway import Gateway
from api.identity.users import Role
from api.keys.store import KEPT_MAX, KEYS_MAX
from api.sql.tables import api_keys
from tests.api.exchange import token_for
from tests.api.signer import KEYS, Signer, hmac_of, make_key

RAW_KEY = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
PEM_KEY = (
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
    "-----END PUBLIC KEY-----\n"
)
EC_KEY = (
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYD54V/vp+54P9DXarYqx4MPcm+HK\n"
    "RIQzNasYSoRQHQ/6S6Ps8tpMcT+KvIIC8W/e9k0W7Cm72M1P9jU7SLf/vg==\n"
    "-----END PUBLIC KEY-----\n"
)


@pytest.fixture
async def token(client: httpx.AsyncClient) -> dict[str, str]:
    return await token_for(client, "alice")


async def test_a_new_key_reads_and_shows_its_secret_once(
    client: httpx.AsyncClient, token: dict[str, str]
) -> None:
    _, made = await make_key(client, token)
    secret = str(made["secret"])
    assert len(bytes.fromhex(secret)) == 32
    assert made["scopes"] == ["read"]
    assert (made["kind"], made["ip_allow"], made["expires_at_s"]) == ("hmac_sha256", [], None)
    listed = await client.get(KEYS, headers=token)
    assert listed.json()["keys"] == [
        {name: value for name, value in made.items() if name != "secret"}
    ]
    assert secret not in listed.text


async def test_a_secret_is_nowhere_in_the_home_or_the_log(
    client: httpx.AsyncClient,
    token: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    signer, made = await make_key(client, token)
    assert (await signer.ask(client, "GET", "/balances")).status_code != 401
    files = [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert str(made["secret"]).encode() not in path.read_bytes(), path
    assert str(made["secret"]) not in "".join(capsys.readouterr())


@pytest.mark.parametrize("public_key", [RAW_KEY, PEM_KEY])
async def test_an_ed25519_key_brings_its_public_half(
    client: httpx.AsyncClient, token: dict[str, str], public_key: str
) -> None:
    body = {"label": "cold", "kind": "ed25519", "public_key": public_key, "scopes": ["trade"]}
    made = await client.post(KEYS, json=body, headers=token)
    assert made.status_code == 201, made.text
    assert made.json()["secret"] is None
    assert made.json()["public_key"] == RAW_KEY


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"label": ""}, "INVALID_FIELD", "label"),
        ({"label": "x" * 65}, "INVALID_FIELD", "label"),
        ({"label": "two\nlines"}, "INVALID_FIELD", "label"),
        ({"label": None}, "INVALID_FIELD", "label"),
        ({"kind": "rsa"}, "INVALID_FIELD", "kind"),
        ({"scopes": []}, "INVALID_FIELD", "scopes"),
        ({"scopes": ["manage"]}, "INVALID_FIELD", "scopes"),
        ({"scopes": ["read", "admin"]}, "INVALID_FIELD", "scopes"),
        ({"scopes": "read"}, "INVALID_FIELD", "scopes"),
        ({"ip_allow": ["10.0.0.1/8"]}, "INVALID_FIELD", "ip_allow"),
        ({"ip_allow": ["localhost"]}, "INVALID_FIELD", "ip_allow"),
        ({"ip_allow": ["1.2.3.4, 0.0.0.0/0"]}, "INVALID_FIELD", "ip_allow"),
        ({"ip_allow": ["1.2.3.4"] * 21}, "INVALID_FIELD", "ip_allow"),
        ({"expires_in_s": 0}, "INVALID_FIELD", "expires_in_s"),
        ({"expires_in_s": 315_360_001}, "INVALID_FIELD", "expires_in_s"),
        ({"public_key": RAW_KEY}, "INVALID_PUBLIC_KEY", "public_key"),
        ({"kind": "ed25519"}, "MISSING_FIELD", "public_key"),
        ({"kind": "ed25519", "public_key": RAW_KEY[:-4]}, "INVALID_PUBLIC_KEY", "public_key"),
        ({"kind": "ed25519", "public_key": "?" * 44}, "INVALID_PUBLIC_KEY", "public_key"),
        ({"kind": "ed25519", "public_key": EC_KEY}, "INVALID_PUBLIC_KEY", "public_key"),
        ({"kind": "ed25519", "public_key": "x" * 1_025}, "INVALID_FIELD", "public_key"),
        ({"key_id": "rk_mine"}, "UNKNOWN_FIELD", "key_id"),
        ({"secret": "mine"}, "UNKNOWN_FIELD", "secret"),
        ({"user_id": 1}, "USER_ID_NOT_ALLOWED", "user_id"),
    ],
)
async def test_a_key_that_is_not_exactly_right_is_not_made(
    client: httpx.AsyncClient,
    token: dict[str, str],
    changes: dict[str, object],
    code: str,
    field: str,
) -> None:
    response = await client.post(KEYS, json={"label": "bot", **changes}, headers=token)
    reply = response.json()
    assert (response.status_code, reply["code"]) == (422, code), reply
    assert reply["field"].startswith(field)
    assert (await client.get(KEYS, headers=token)).json() == {"keys": []}


@pytest.mark.parametrize("account_id", [0, -1, 2**53, 2**63, "of bob"])
async def test_a_key_for_an_account_of_somebody_else_is_as_for_none(
    client: httpx.AsyncClient, token: dict[str, str], gateway: Gateway, account_id: int | str
) -> None:
    if account_id == "of bob":
        await token_for(client, "bob")
        found = await gateway.users.find("bob")
        assert found is not None
        account_id = found[0].account_id
    body = {"label": "bot", "account_id": account_id}
    response = await client.post(KEYS, json=body, headers=token)
    assert (response.status_code, response.json()["code"]) == (404, "UNKNOWN_ACCOUNT")


async def test_scopes_and_addresses_are_kept_in_one_form(
    client: httpx.AsyncClient, token: dict[str, str]
) -> None:
    _, made = await make_key(
        client,
        token,
        scopes=["WITHDRAW", "trade", "trade"],
        ip_allow=["203.0.113.7", "10.0.0.0/8", "2001:DB8::/32"],
        kind="HMAC_SHA256",
        expires_in_s=60,
    )
    assert made["scopes"] == ["trade", "withdraw"]
    assert made["ip_allow"] == ["203.0.113.7/32", "10.0.0.0/8", "2001:db8::/32"]
    assert made["expires_at_s"] == int(str(made["created_at_s"])) + 60


async def test_a_key_is_changed_by_what_is_named(
    client: httpx.AsyncClient, token: dict[str, str]
) -> None:
    signer, made = await make_key(client, token, scopes=["read", "trade"])
    path = f"{KEYS}/{signer.key_id}"
    nothing = await client.patch(path, json={}, headers=token)
    assert (nothing.status_code, nothing.json()["code"]) == (422, "MISSING_FIELD")
    body = {"label": "grid", "scopes": ["trade"], "ip_allow": ["203.0.113.0/24"]}
    changed = await client.patch(path, json=body, headers=token)
    assert changed.status_code == 200
    expected = {**made, **body}
    del expected["secret"]
    assert changed.json() == expected
    refused = await signer.ask(client, "GET", "/order/open")
    assert (refused.status_code, refused.json()["code"]) == (403, "ADDRESS_NOT_ALLOWED")


async def test_a_revoked_key_opens_nothing_and_is_gone(
    client: httpx.AsyncClient, token: dict[str, str]
) -> None:
    signer, _ = await make_key(client, token)
    assert (await signer.ask(client, "GET", "/balances")).status_code != 401
    path = f"{KEYS}/{signer.key_id}"
    assert (await client.delete(path, headers=token)).status_code == 200
    refused = await signer.ask(client, "GET", "/balances")
    assert (refused.status_code, refused.json()["code"]) == (401, "INVALID_KEY")
    assert (await client.get(KEYS, headers=token)).json() == {"keys": []}
    again = await client.delete(path, headers=token)
    assert (again.status_code, again.json()["code"]) == (404, "UNKNOWN_KEY")


async def test_the_key_of_somebody_else_is_like_none(
    client: httpx.AsyncClient, token: dict[str, str]
) -> None:
    bob = await token_for(client, "bob")
    signer, _ = await make_key(client, bob)
    same_id = {"X-Request-Id": "the-same-one"}
    for method, body in (("DELETE", None), ("PATCH", {"label": "mine"})):
        answers = [
            await client.request(
                method, f"{KEYS}/{key_id}", json=body, headers={**token, **same_id}
            )
            for key_id in (signer.key_id, "rk_000000000000000000000000", "%2e%2e", "x" * 500)
        ]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.content for answer in answers}) == 1
    assert (await client.get(KEYS, headers=bob)).json()["keys"][0]["label"] == "bot"


async def test_a_key_never_manages_keys(client: httpx.AsyncClient, token: dict[str, str]) -> None:
    signer, _ = await make_key(client, token, scopes=["read", "trade", "withdraw"])
    for method, target, content in (
        ("GET", KEYS, b""),
        ("POST", KEYS, b'{"label":"more"}'),
        ("PATCH", f"{KEYS}/{signer.key_id}", b'{"label":"more"}'),
        ("DELETE", f"{KEYS}/{signer.key_id}", b""),
    ):
        response = await signer.ask(client, method, target, content)
        assert (response.status_code, response.json()["code"]) == (403, "FORBIDDEN")


async def test_a_user_has_so_many_keys_and_no_more(
    client: httpx.AsyncClient, token: dict[str, str]
) -> None:
    made = [(await make_key(client, token))[0] for _ in range(KEYS_MAX)]
    refused = await client.post(KEYS, json={"label": "one more"}, headers=token)
    assert (refused.status_code, refused.json()["code"]) == (409, "TOO_MANY_KEYS")
    await client.delete(f"{KEYS}/{made[0].key_id}", headers=token)
    await make_key(client, token)
    assert len((await client.get(KEYS, headers=token)).json()["keys"]) == KEYS_MAX


async def test_making_and_revoking_over_and_over_fills_nothing(
    client: httpx.AsyncClient, token: dict[str, str], gateway: Gateway
) -> None:
    for _ in range(KEPT_MAX):
        signer, _ = await make_key(client, token)
        await client.delete(f"{KEYS}/{signer.key_id}", headers=token)
    refused = await client.post(KEYS, json={"label": "one more"}, headers=token)
    assert (refused.status_code, refused.json()["code"]) == (409, "TOO_MANY_KEYS")
    engine: Any = gateway.key_ring.store._engine
    async with engine.begin() as connection:
        await connection.execute(sa.update(api_keys).values(revoked_at_s=1))
    await make_key(client, token)
    async with engine.connect() as connection:
        left = (await connection.execute(sa.select(sa.func.count()).select_from(api_keys))).scalar()
    assert left == 1


async def test_a_key_of_another_home_opens_nothing(
    client: httpx.AsyncClient, token: dict[str, str], gateway: Gateway
) -> None:
    first, made = await make_key(client, token)
    second, _ = await make_key(client, token)
    engine: Any = gateway.key_ring.store._engine
    sealed = sa.select(api_keys.c.secret_sealed).where(api_keys.c.key_id == first.key_id)
    async with engine.begin() as connection:
        moved = (await connection.execute(sealed)).scalar_one()
        await connection.execute(
            sa.update(api_keys)
            .where(api_keys.c.key_id == second.key_id)
            .values(secret_sealed=moved)
        )
    # Given the sealed secret of the first, the second still does not open with it.
    forged = Signer(second.key_id, hmac_of(str(made["secret"])))
    refused = await forged.ask(client, "GET", "/balances")
    assert (refused.status_code, refused.json()["code"]) == (401, "INVALID_KEY")


async def test_a_key_may_be_for_another_account_of_ones_own(
    client: httpx.AsyncClient, token: dict[str, str]
) -> None:
    made = await client.post("/api/v1/accounts", json={"label": "grid"}, headers=token)
    account_id = made.json()["account_id"]
    _, key = await make_key(client, token, account_id=account_id)
    assert key["account_id"] == account_id


async def test_who_is_disabled_or_only_looks_on_has_keys_that_do_no_more(
    client: httpx.AsyncClient, token: dict[str, str], gateway: Gateway
) -> None:
    signer, _ = await make_key(client, token, scopes=["read", "trade"])
    found = await gateway.users.find("alice")
    assert found is not None
    change = gateway.identity.standing.change

    async def code_of(method: str) -> str:
        await gateway.key_ring.follow()  # As it does by itself, twice a second.
        return str((await signer.ask(client, method, "/order/1")).json()["code"])

    assert "FORBIDDEN" not in (await code_of("GET"), await code_of("DELETE"))
    await change(found[0].user_id, role=Role.AUDITOR, is_disabled=None)
    assert await code_of("GET") != "FORBIDDEN"
    assert await code_of("DELETE") == "FORBIDDEN"
    await change(found[0].user_id, role=None, is_disabled=True)
    assert await code_of("GET") == "INVALID_KEY"
    await change(found[0].user_id, role=Role.TRADER, is_disabled=False)
    assert "FORBIDDEN" not in (await code_of("GET"), await code_of("DELETE"))

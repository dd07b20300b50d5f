"""Signed requests at the public door: what passes, and everything that nearly does."""

import base64
import json
from collections.abc import Callable

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from api.gateway import Gateway
from shared.signing import AHEAD_MAX_MS, WINDOW_DEFAULT_MS, WINDOW_MAX_MS
from tests.api.exchange import token_for
from tests.api.signer import KEYS, Signer, hmac_of, key_of, make_key, now_ms

ORDER = b'{"market":"TATA_INR","side":"buy","price":"90","quantity":"1"}'
TARGET = "/api/v1/order"


@pytest.fixture
async def signer(client: httpx.AsyncClient) -> Signer:
    """A key that may only read."""
    return await key_of(client, "alice")


def code_of(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


# What is let in.


@pytest.mark.parametrize("form", ["hex", "base64"])
async def test_an_ed25519_key_signs_in_hex_or_base64(client: httpx.AsyncClient, form: str) -> None:
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    body = {"label": "e", "kind": "ed25519", "public_key": base64.b64encode(public).decode()}
    made = await client.post(KEYS, json=body, headers=await token_for(client, "alice"))

    def sign(text: bytes) -> str:
        raw = private.sign(text)
        return raw.hex() if form == "hex" else base64.b64encode(raw).decode()

    signer = Signer(made.json()["key_id"], sign)
    assert (await signer.ask(client, "GET", "/balances")).status_code != 401
    for wrong in ("", "00" * 64, "AA==", "A" * 87 + "="):
        forged = Signer(signer.key_id, lambda _text, wrong=wrong: wrong)  # type: ignore[misc]
        assert code_of(await forged.ask(client, "GET", "/balances")) == (401, "INVALID_KEY")


@pytest.mark.parametrize("age_ms", [WINDOW_DEFAULT_MS - 1_000, -AHEAD_MAX_MS + 300])
async def test_a_request_of_now_passes(
    client: httpx.AsyncClient, signer: Signer, age_ms: int
) -> None:
    timestamp = str(now_ms() - age_ms)
    response = await signer.ask(client, "GET", "/balances", timestamp=timestamp)
    assert response.status_code != 401, response.text


# What is not.

TIMES: dict[str, Callable[[], str]] = {
    "too old": lambda: str(now_ms() - WINDOW_DEFAULT_MS - 1),
    "too far ahead": lambda: str(now_ms() + AHEAD_MAX_MS + 1_000),
    "seconds": lambda: str(now_ms() // 1_000),
    "microseconds": lambda: str(now_ms() * 1_000),
    "nanoseconds": lambda: str(now_ms() * 1_000_000),
    "a fraction": lambda: f"{now_ms()}.5",
    "signed": lambda: f"+{now_ms()}",
    "negative": lambda: f"-{now_ms()}",
    "with a zero before": lambda: f"0{now_ms()}",
    "with an underscore": lambda: f"{now_ms() // 1_000}_000",
    "hexadecimal": lambda: hex(now_ms()),
    "empty": lambda: "",
    "a word": lambda: "now",
    "endless": lambda: "9" * 5_000,
    "with the window in it": lambda: f"{now_ms()},60000",
}


@pytest.mark.parametrize("time", TIMES)
async def test_a_request_of_another_time_is_refused_and_told_the_time(
    client: httpx.AsyncClient, signer: Signer, time: str
) -> None:
    response = await signer.ask(client, "GET", "/balances", timestamp=TIMES[time]())
    assert code_of(response) == (401, "TIMESTAMP_OUT_OF_WINDOW")
    assert abs(response.json()["server_time_ms"] - now_ms()) < 10_000


async def test_the_window_is_the_clients_to_choose_within_a_minute(
    client: httpx.AsyncClient, signer: Signer
) -> None:
    old = str(now_ms() - 30_000)
    wide = await signer.ask(client, "GET", "/balances", timestamp=old, window="60000")
    assert wide.status_code != 401, wide.text
    narrow = await signer.ask(
        client, "GET", "/balances", timestamp=str(now_ms() - 1_500), window="1000"
    )
    assert code_of(narrow) == (401, "TIMESTAMP_OUT_OF_WINDOW")
    for window in ("0", "-1", str(WINDOW_MAX_MS + 1), "1e3", "", "5000.0"):
        wrong = await signer.ask(client, "GET", "/balances", window=window)
        assert code_of(wrong) == (422, "INVALID_PARAMETER"), window
        assert wrong.json()["field"] == "X-Recv-Window"


async def test_the_window_cannot_be_widened_by_somebody_else(
    client: httpx.AsyncClient, signer: Signer
) -> None:
    headers = signer.headers("GET", "/balances", timestamp=str(now_ms() - 20_000))
    for window in ("60000", "5000"):
        changed = await client.get("/balances", headers={**headers, "X-Recv-Window": window})
        assert changed.status_code == 401, window
    chosen = signer.headers("GET", "/balances", window="4000")
    del chosen["X-Recv-Window"]
    assert code_of(await client.get("/balances", headers=chosen)) == (401, "INVALID_KEY")


@pytest.mark.parametrize("name", ["X-Timestamp", "X-Signature"])
async def test_a_part_of_a_signature_is_none(
    client: httpx.AsyncClient, signer: Signer, name: str
) -> None:
    headers = signer.headers("GET", "/balances")
    del headers[name]
    response = await client.get("/balances", headers=headers)
    assert code_of(response) == (401, "SIGNATURE_MISSING")
    assert response.json()["field"] == name


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("X-Api-Key", "SIGNATURE_MISSING"),
        ("X-Timestamp", "SIGNATURE_MISSING"),
        ("X-Signature", "SIGNATURE_MISSING"),
        ("X-Recv-Window", "SIGNATURE_MISSING"),
        ("Idempotency-Key", "INVALID_IDEMPOTENCY_KEY"),
    ],
)
@pytest.mark.parametrize("is_same", [True, False])
async def test_each_part_is_given_once(
    client: httpx.AsyncClient, signer: Signer, name: str, code: str, is_same: bool
) -> None:
    headers = signer.headers("GET", "/balances", window="5000", key="once-1")
    twice = [*headers.items(), (name.lower(), headers[name] if is_same else "1")]
    for order in (twice, twice[::-1]):
        response = await client.get("/balances", headers=order)
        assert response.json()["code"] == code
        assert response.status_code in (401, 422)


async def test_a_token_and_a_key_in_one_request_are_refused(
    client: httpx.AsyncClient, admin_client: httpx.AsyncClient
) -> None:
    token = await token_for(client, "alice")
    signer, _ = await make_key(client, token)
    headers = signer.headers("GET", "/balances")
    for more in (token, {"Authorization": ""}, {"authorization": "Basic YTpi"}):
        both = await client.get("/balances", headers={**headers, **more})
        assert code_of(both) == (401, "TWO_CREDENTIALS")
    deposits = "/api/v1/admin/deposits"
    admin = await admin_client.post(deposits, json={}, headers={**headers, **token})
    assert admin.status_code == 401


async def test_what_is_wrong_with_a_key_is_never_said(
    client: httpx.AsyncClient, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await token_for(client, "alice")
    expiring, made = await make_key(client, token, expires_in_s=60)
    revoked, _ = await make_key(client, token)
    walled, _ = await make_key(client, token, ip_allow=["203.0.113.7"])
    await client.delete(f"{KEYS}/{revoked.key_id}", headers=token)
    wrong = hmac_of("0" * 64)
    attempts = [
        await Signer("rk_000000000000000000000000", wrong).ask(client, "GET", "/balances"),
        await Signer("../../etc/passwd", wrong).ask(client, "GET", "/balances"),
        await Signer("x" * 5_000, wrong).ask(client, "GET", "/balances"),
        await Signer("", wrong).ask(client, "GET", "/balances"),
        await Signer(expiring.key_id, wrong).ask(client, "GET", "/balances"),
        await Signer(expiring.key_id, hmac_of("")).ask(client, "GET", "/balances"),
        await Signer(walled.key_id, wrong).ask(client, "GET", "/balances"),
        await revoked.ask(client, "GET", "/balances"),
    ]
    late_s = int(str(made["expires_at_s"]))
    monkeypatch.setattr(gateway.callers._signatures, "_clock", lambda: late_s)
    attempts.append(await expiring.ask(client, "GET", "/balances", timestamp=str(late_s * 1_000)))
    bodies = [{**attempt.json(), "request_id": ""} for attempt in attempts]
    assert all(body == bodies[0] for body in bodies), bodies
    assert {attempt.status_code for attempt in attempts} == {401}
    assert bodies[0]["code"] == "INVALID_KEY"


@pytest.mark.parametrize(
    ("networks", "is_allowed"),
    [
        (["127.0.0.1"], True),
        (["10.0.0.0/8", "127.0.0.0/8"], True),
        (["0.0.0.0/0"], True),
        (["::ffff:7f00:1"], False),
        (["::/0"], False),
        (["10.0.0.0/8"], False),
        (["127.0.0.2"], False),
    ],
)
async def test_a_key_is_good_from_its_addresses_only(
    client: httpx.AsyncClient, networks: list[str], is_allowed: bool
) -> None:
    signer = await key_of(client, "alice", ip_allow=networks)
    forged = {"X-Forwarded-For": "10.0.0.1", "Forwarded": "for=10.0.0.1", "X-Real-IP": "10.0.0.1"}
    headers = {**signer.headers("GET", "/balances"), **forged}
    response = await client.get("/balances", headers=headers)
    if is_allowed:
        assert response.status_code not in (401, 403)
    else:
        assert code_of(response) == (403, "ADDRESS_NOT_ALLOWED")


# A signature is of one request.


Signed = tuple[str, str, bytes, dict[str, str]]


def _signed(signer: Signer, **more: str) -> Signed:
    return "POST", TARGET, ORDER, signer.headers("POST", TARGET, ORDER, **more)


Change = Callable[[Signed], Signed]


def _header(name: str, value: Callable[[str], str]) -> Change:
    return lambda sent: (*sent[:3], {**sent[3], name: value(sent[3].get(name, ""))})


CHANGES: dict[str, Change] = {
    "another body": lambda s: (s[0], s[1], s[2].replace(b'"1"', b'"2"'), s[3]),
    "a space more": lambda s: (s[0], s[1], s[2] + b" ", s[3]),
    "no body": lambda s: (s[0], s[1], b"", s[3]),
    "another method": lambda s: ("PATCH", *s[1:]),
    "a query": lambda s: (s[0], s[1] + "?a=b", *s[2:]),
    "a slash": lambda s: (s[0], s[1] + "/", *s[2:]),
    "the short form": lambda s: (s[0], "/order", *s[2:]),
    "an encoded letter": lambda s: (s[0], "/api/v1/%6Frder", *s[2:]),
    "another address": lambda s: (s[0], "/api/v1/keys", *s[2:]),
    "another millisecond": _header("X-Timestamp", lambda text: str(int(text) + 1)),
    "an idempotency key": _header("Idempotency-Key", lambda _text: "mine"),
    "an empty idempotency key": _header("Idempotency-Key", lambda _text: ""),
    "a window": _header("X-Recv-Window", lambda _text: "5000"),
    "the first letter changed": _header("X-Signature", lambda t: "0f"[t[0] == "0"] + t[1:]),
    "the last letter changed": _header("X-Signature", lambda t: t[:-1] + "0f"[t[-1] == "0"]),
    "a letter less": _header("X-Signature", lambda text: text[:-1]),
    "half of it": _header("X-Signature", lambda text: text[:32]),
    "twice": _header("X-Signature", lambda text: text + text),
    "a space in it": _header("X-Signature", lambda text: text[:32] + " " + text[32:]),
    "a prefix": _header("X-Signature", lambda text: "0x" + text),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_signature_fits_no_other_request(client: httpx.AsyncClient, change: str) -> None:
    signer = await key_of(client, "alice", scopes=["read", "trade"])
    method, target, content, headers = CHANGES[change](_signed(signer))
    response = await client.request(method, target, content=content, headers=headers)
    assert code_of(response) == (401, "INVALID_KEY")


async def test_a_signature_fits_no_other_key(client: httpx.AsyncClient) -> None:
    alice = await key_of(client, "alice", scopes=["trade"])
    bob = await key_of(client, "bobby", scopes=["trade"])
    method, target, content, headers = _signed(alice)
    headers["X-Api-Key"] = bob.key_id
    response = await client.request(method, target, content=content, headers=headers)
    assert code_of(response) == (401, "INVALID_KEY")


@pytest.mark.parametrize("other", ["", "another-1", "60000"])
async def test_an_idempotency_key_is_signed_too(client: httpx.AsyncClient, other: str) -> None:
    signer = await key_of(client, "alice", scopes=["trade"])
    method, target, content, headers = _signed(signer, key="mine-1")
    del headers["Idempotency-Key"]
    if other:
        headers["Idempotency-Key"] = other
    response = await client.request(method, target, content=content, headers=headers)
    assert code_of(response) == (401, "INVALID_KEY")


async def test_a_window_does_not_pass_for_an_idempotency_key(client: httpx.AsyncClient) -> None:
    signer = await key_of(client, "alice", scopes=["trade"])
    method, target, content, headers = _signed(signer, window="6000")
    headers["Idempotency-Key"] = headers.pop("X-Recv-Window")
    response = await client.request(method, target, content=content, headers=headers)
    assert code_of(response) == (401, "INVALID_KEY")


# What a scope opens.


@pytest.mark.parametrize(
    ("scopes", "reads", "trades"),
    [
        (["read"], True, False),
        (["trade"], False, True),
        (["withdraw"], False, False),
        (["read", "trade"], True, True),
    ],
)
async def test_a_scope_opens_what_it_says_and_includes_no_other(
    client: httpx.AsyncClient, scopes: list[str], reads: bool, trades: bool
) -> None:
    signer = await key_of(client, "alice", scopes=scopes)
    for method, target, passes in (("GET", "/order/1", reads), ("DELETE", "/order/1", trades)):
        response = await signer.ask(client, method, target)
        is_refused = code_of(response) == (403, "FORBIDDEN")
        assert is_refused is not passes, response.text


async def test_a_refusal_for_a_scope_names_it(client: httpx.AsyncClient, signer: Signer) -> None:
    response = await signer.ask(client, "POST", TARGET, json.dumps({}).encode())
    assert code_of(response) == (403, "FORBIDDEN")
    assert response.json()["field"] == "trade"

"""Tokens: what RFC 8725 warns of, one by one; each must open nothing."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.claims import ADMIN_AUDIENCE, AUDIENCE, TokenError
from shared.tokens import ISSUER, LEEWAY_S, TOKEN_LENGTH_MAX, TOKEN_TYPE, TokenVerifier, key_id

KEY = Ed25519PrivateKey.generate()
OTHER_KEY = Ed25519PrivateKey.generate()
NOW_S = 1_900_000_000


def pem_of(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "token_public.pem"
    path.write_bytes(pem_of(KEY))
    return path


@pytest.fixture
def verifier(path: Path) -> TokenVerifier:
    return TokenVerifier(path, clock=lambda: NOW_S)


def claims(**changes: object) -> dict[str, object]:
    good: dict[str, object] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "7",
        "acc": 9,
        "role": "trader",
        "iat": NOW_S,
        "nbf": NOW_S,
        "exp": NOW_S + 900,
        "jti": "one",
        "sid": "session",
    }
    merged = {**good, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def headers(**changes: object) -> dict[str, Any]:
    merged = {"typ": TOKEN_TYPE, "kid": key_id(KEY.public_key()), **changes}
    return {name: value for name, value in merged.items() if value is not None}


def signed(
    payload: dict[str, object] | None = None,
    header: dict[str, Any] | None = None,
    key: Ed25519PrivateKey = KEY,
) -> str:
    return jwt.encode(payload or claims(), key, algorithm="EdDSA", headers=header or headers())


def _b64(value: object) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed_as_it_is(header: bytes, payload: bytes) -> str:
    """Sign with the true key what no library of JSON would write."""
    text = f"{_b64(header)}.{_b64(payload)}"
    return f"{text}.{_b64(KEY.sign(text.encode()))}"


def twice(value: dict[str, Any], name: str, other: object) -> bytes:
    return (
        json.dumps(value)
        .encode()
        .replace(b"{", b'{"%s":%s,' % (name.encode(), json.dumps(other).encode()), 1)
    )


def good_header() -> bytes:
    return json.dumps({"alg": "EdDSA", **headers()}).encode()


def unsigned(alg: str) -> str:
    return f"{_b64({**headers(), 'alg': alg})}.{_b64(claims())}."


def signed_with_the_public_key() -> str:
    # Algorithm confusion: the public key, which everybody has, as an HMAC secret.
    import hashlib
    import hmac

    head = f"{_b64({**headers(), 'alg': 'HS256'})}.{_b64(claims())}"
    return f"{head}.{_b64(hmac.digest(pem_of(KEY), head.encode(), hashlib.sha256))}"


def test_a_good_token_says_who_asks(verifier: TokenVerifier) -> None:
    verified = verifier.verify(signed(), AUDIENCE)
    assert (verified.user_id, verified.account_id, verified.role) == ("7", 9, "trader")
    assert verified.expires_at_s == NOW_S + 900


ATTACKS: dict[str, Callable[[], str]] = {
    "alg none": lambda: unsigned("none"),
    "alg NONE": lambda: unsigned("NONE"),
    "the public key as HMAC secret": signed_with_the_public_key,
    "another key": lambda: signed(key=OTHER_KEY),
    "another key under its own kid": lambda: signed(
        header=headers(kid=key_id(OTHER_KEY.public_key())), key=OTHER_KEY
    ),
    "no kid": lambda: signed(header=headers(kid=None)),
    "a path as kid": lambda: signed(header=headers(kid="../../dev/null")),
    "another type": lambda: signed(header=headers(typ="JWT")),
    "a key inside the header": lambda: signed(header=headers(jwk={"kty": "OKP"})),
    "a key by URL": lambda: signed(header=headers(jku="https://example.org/keys")),
    "a certificate by URL": lambda: signed(header=headers(x5u="https://example.org/cert")),
    "a critical extension": lambda: signed(header=headers(crit=["exp"])),
    "another audience": lambda: signed(claims(aud=ADMIN_AUDIENCE)),
    "a list of audiences": lambda: signed(claims(aud=[AUDIENCE, ADMIN_AUDIENCE])),
    "another issuer": lambda: signed(claims(iss="somebody")),
    "not valid yet": lambda: signed(claims(nbf=NOW_S + LEEWAY_S + 1)),
    "issued in the future": lambda: signed(claims(iat=NOW_S + LEEWAY_S + 1, exp=NOW_S + 99)),
    "living too long": lambda: signed(claims(exp=NOW_S + 86_401)),
    "an expiry that is text": lambda: signed(claims(exp=str(NOW_S + 900))),
    "an expiry that is a fraction": lambda: signed(claims(exp=NOW_S + 0.5)),
    "an account that is text": lambda: signed(claims(acc="9")),
    "an account that is true": lambda: signed(claims(acc=True)),
    "the venue's own account": lambda: signed(claims(acc=0)),
    "a negative account": lambda: signed(claims(acc=-9)),
    "a role that is a list": lambda: signed(claims(role=["admin"])),
    "an account said twice": lambda: signed_as_it_is(good_header(), twice(claims(), "acc", 8)),
    "an audience said twice": lambda: signed_as_it_is(
        good_header(), twice(claims(), "aud", ADMIN_AUDIENCE)
    ),
    "an algorithm said twice": lambda: signed_as_it_is(
        twice({"alg": "EdDSA", **headers()}, "alg", "none"), json.dumps(claims()).encode()
    ),
    "a compressed payload": lambda: signed(header=headers(zip="DEF")),
    "a payload beside it": lambda: signed(header=headers(b64=False)),
    "a certificate inside the header": lambda: signed(header=headers(x5c=["MIIB"])),
    "a list as type": lambda: signed_as_it_is(
        json.dumps({"alg": "EdDSA", **headers(), "typ": [TOKEN_TYPE]}).encode(),
        json.dumps(claims()).encode(),
    ),
    "a list as kid": lambda: signed_as_it_is(
        json.dumps({"alg": "EdDSA", **headers(), "kid": [key_id(KEY.public_key())]}).encode(),
        json.dumps(claims()).encode(),
    ),
    "a sign that is no letter after it": lambda: signed() + "!",
    "padding after it": lambda: signed() + "==",
    "a line's end after it": lambda: signed() + "\n",
    "a space within the signature": lambda: signed()[:-5] + " " + signed()[-5:],
    "no signature": lambda: signed().rpartition(".")[0] + ".",
    "a dot more": lambda: signed() + ".",
    "an empty token": lambda: "",
    "one part": lambda: "abc",
    "five parts": lambda: "a.b.c.d.e",
    "text that is not ASCII": lambda: signed() + "\u0661",
    "100 kB": lambda: "a" * 100_000,
    "just too long": lambda: signed(claims(jti="x" * TOKEN_LENGTH_MAX)),
    "half of it": lambda: signed()[: len(signed()) // 2],
    "a payload that is no object": lambda: jwt.api_jws.encode(
        b"[1]", KEY, algorithm="EdDSA", headers=headers()
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_forged_token_opens_nothing(verifier: TokenVerifier, attack: str) -> None:
    with pytest.raises(TokenError) as refused:
        verifier.verify(ATTACKS[attack](), AUDIENCE)
    assert refused.value.code == "INVALID_TOKEN"


@pytest.mark.parametrize(
    "name", ["exp", "nbf", "iat", "iss", "aud", "sub", "jti", "acc", "role", "sid"]
)
def test_every_claim_is_required(verifier: TokenVerifier, name: str) -> None:
    with pytest.raises(TokenError):
        verifier.verify(signed(claims(**{name: None})), AUDIENCE)


def test_each_changed_character_is_noticed(verifier: TokenVerifier) -> None:
    token = signed()
    verifier.verify(token, AUDIENCE)
    for at, letter in enumerate(token):
        # Each bit of each character, of the last one too, whose last four are of no byte.
        for changed in {chr(ord(letter) ^ 1 << bit) for bit in range(7)}:
            with pytest.raises(TokenError):
                verifier.verify(token[:at] + changed + token[at + 1 :], AUDIENCE)


def test_an_expired_token_is_told_so_even_when_it_was_good_before(path: Path) -> None:
    now_s = [float(NOW_S)]
    verifier = TokenVerifier(path, clock=lambda: now_s[0])
    token = signed()
    verifier.verify(token, AUDIENCE)
    now_s[0] = NOW_S + 900 + LEEWAY_S
    for _ in range(2):
        with pytest.raises(TokenError) as refused:
            verifier.verify(token, AUDIENCE)
        assert refused.value.code == "TOKEN_EXPIRED"


def test_a_token_of_one_door_does_not_open_the_other(verifier: TokenVerifier) -> None:
    token = signed()
    verifier.verify(token, AUDIENCE)
    with pytest.raises(TokenError):
        verifier.verify(token, ADMIN_AUDIENCE)


def test_a_replaced_key_opens_nothing_any_more(path: Path, verifier: TokenVerifier) -> None:
    token = signed()
    verifier.verify(token, AUDIENCE)
    new_path = path.with_suffix(".new")
    new_path.write_bytes(pem_of(OTHER_KEY))
    new_path.replace(path)
    with pytest.raises(TokenError):
        verifier.verify(token, AUDIENCE)
    new = signed(header=headers(kid=key_id(OTHER_KEY.public_key())), key=OTHER_KEY)
    assert verifier.verify(new, AUDIENCE).account_id == 9


def test_an_old_key_kept_in_the_file_still_counts(path: Path) -> None:
    path.write_bytes(pem_of(OTHER_KEY) + pem_of(KEY))
    verifier = TokenVerifier(path, clock=lambda: NOW_S)
    assert verifier.verify(signed(), AUDIENCE).account_id == 9


def test_without_a_key_file_every_token_is_invalid_until_it_appears(tmp_path: Path) -> None:
    path = tmp_path / "later.pem"
    verifier = TokenVerifier(path, clock=lambda: NOW_S)
    with pytest.raises(TokenError):
        verifier.verify(signed(), AUDIENCE)
    path.write_bytes(pem_of(KEY))
    assert verifier.verify(signed(), AUDIENCE).account_id == 9

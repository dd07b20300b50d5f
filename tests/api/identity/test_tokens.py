"""The signing key and the tokens made with it."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from api.identity.tokens import KeyFileError, TokenIssuer, load_or_create_signing_key
from shared.claims import AUDIENCE
from shared.home import secrets_dir, token_private_key, token_public_key
from shared.tokens import TokenVerifier, key_id


def test_a_token_made_here_is_verified_with_the_file_beside_the_key(tmp_path: Path) -> None:
    issuer = TokenIssuer(load_or_create_signing_key(tmp_path), lifetime_s=900)
    token = issuer.issue(user_id=3, account_id=9, role="trader", audience=AUDIENCE, session_id="s")
    claims = TokenVerifier(token_public_key(tmp_path)).verify(token, AUDIENCE)
    assert (claims.user_id, claims.account_id, claims.role) == ("3", 9, "trader")
    assert claims.expires_at_s - claims.issued_at_s == 900


def test_each_token_has_an_id_of_its_own(tmp_path: Path) -> None:
    issuer = TokenIssuer(load_or_create_signing_key(tmp_path), lifetime_s=900)
    tokens = {
        issuer.issue(user_id=3, account_id=9, role="trader", audience=AUDIENCE, session_id="s")
        for _ in range(5)
    }
    assert len(tokens) == 5


def test_the_key_is_found_again_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    first = load_or_create_signing_key(tmp_path)
    second = load_or_create_signing_key(tmp_path)
    assert key_id(first.public_key()) == key_id(second.public_key())
    assert stat.S_IMODE(token_private_key(tmp_path).stat().st_mode) == 0o600
    assert stat.S_IMODE(secrets_dir(tmp_path).stat().st_mode) == 0o700


def test_gateways_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        keys = list(threads.map(lambda _: load_or_create_signing_key(tmp_path), range(16)))
    assert len({key_id(key.public_key()) for key in keys}) == 1
    names = {path.name for path in secrets_dir(tmp_path).iterdir()}
    assert names == {"token_private.pem", "token_public.pem"}


@pytest.mark.parametrize("content", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\n"])
def test_a_key_file_that_is_none_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    secrets_dir(tmp_path).mkdir()
    token_private_key(tmp_path).write_bytes(content)
    with pytest.raises(KeyFileError) as refused:
        load_or_create_signing_key(tmp_path)
    assert "token_private.pem" in str(refused.value)

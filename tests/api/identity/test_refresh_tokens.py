"""What a refresh token is made of."""

import pytest

from api.identity.refresh_tokens import (
    TEXT_LENGTH,
    RefreshToken,
    new_token,
    open_successor,
    parse,
    seal_successor,
    successor_of,
)


def test_a_token_is_read_back_from_its_text() -> None:
    token = new_token()
    assert len(token.text) == TEXT_LENGTH
    assert parse(token.text) == token


@pytest.mark.parametrize(
    "text", ["", "x", "!" * 64, "A" * 63, "A" * 65, "A" * 62 + "==", "\u0661" * 64, "A" * 10_000]
)
def test_what_cannot_be_a_token_is_none(text: str) -> None:
    assert parse(text) is None


def test_the_secret_has_256_bits_and_every_token_is_new() -> None:
    tokens = [new_token() for _ in range(100)]
    assert all(len(token.secret) == 32 for token in tokens)
    assert len({token.text for token in tokens}) == 100
    assert len({token.family for token in tokens}) == 100


def test_the_successor_stays_in_the_family_and_nothing_else() -> None:
    token = new_token()
    after = successor_of(token)
    assert after.family_hash == token.family_hash
    assert after.token_hash != token.token_hash


def test_a_hash_tells_nothing_that_opens() -> None:
    token = new_token()
    stored = (token.family_hash, token.token_hash)
    assert token.text not in stored
    assert all(part.hex() not in stored for part in (token.family, token.secret))
    assert RefreshToken(token.secret[:16], token.secret).family_hash != token.family_hash


def test_only_the_very_token_opens_its_successor() -> None:
    token = new_token()
    after = successor_of(token)
    sealed = seal_successor(token, after)
    assert after.secret.hex() not in sealed
    assert open_successor(token, sealed) == after
    other = RefreshToken(token.family, new_token().secret)
    assert open_successor(other, sealed) != after

"""The vault: what it seals opens here, for its purpose, and nowhere else."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from api.identity.secret_files import KeyFileError
from api.identity.vault import Vault, VaultError, load_or_create_vault
from shared.home import secrets_dir, vault_key


def test_a_sealed_secret_opens_again_after_a_restart(tmp_path: Path) -> None:
    sealed = load_or_create_vault(tmp_path).seal(b"\x00secret", purpose="totp:7")
    assert "secret" not in sealed
    assert load_or_create_vault(tmp_path).open(sealed, purpose="totp:7") == b"\x00secret"


@pytest.mark.parametrize("purpose", ["totp:8", "totp:", "", "totp:7:s", "totp:77"])
def test_for_another_purpose_it_does_not_open(tmp_path: Path, purpose: str) -> None:
    vault = load_or_create_vault(tmp_path)
    sealed = vault.seal(b"secret", purpose="totp:7")
    with pytest.raises(VaultError):
        vault.open(sealed, purpose=purpose)


def test_with_another_key_or_changed_it_does_not_open(tmp_path: Path) -> None:
    vault = load_or_create_vault(tmp_path / "one")
    sealed = vault.seal(b"secret", purpose="totp:7")
    with pytest.raises(VaultError):
        load_or_create_vault(tmp_path / "two").open(sealed, purpose="totp:7")
    for changed in ("", "x", sealed[:-8], sealed[:40] + "AAAA" + sealed[44:]):
        with pytest.raises(VaultError):
            vault.open(changed, purpose="totp:7")


def test_a_new_key_seals_and_the_old_one_still_opens(tmp_path: Path) -> None:
    old = load_or_create_vault(tmp_path).seal(b"secret", purpose="totp:7")
    path = vault_key(tmp_path)
    new_key = Fernet.generate_key()
    path.write_bytes(new_key + b"\n" + path.read_bytes())
    vault = load_or_create_vault(tmp_path)
    assert vault.open(old, purpose="totp:7") == b"secret"
    sealed = vault.seal(b"secret", purpose="totp:7")
    assert Vault([new_key]).open(sealed, purpose="totp:7") == b"secret"


def test_the_key_is_the_owners_alone(tmp_path: Path) -> None:
    load_or_create_vault(tmp_path / "home")
    assert stat.S_IMODE(vault_key(tmp_path / "home").stat().st_mode) == 0o600
    assert stat.S_IMODE(secrets_dir(tmp_path / "home").stat().st_mode) == 0o700


def test_many_that_start_at_once_have_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        vaults = list(threads.map(lambda _: load_or_create_vault(tmp_path), range(16)))
    sealed = vaults[0].seal(b"secret", purpose="totp:7")
    assert {vault.open(sealed, purpose="totp:7") for vault in vaults} == {b"secret"}


@pytest.mark.parametrize("content", [b"", b"\n", b"short\n", b"x" * 44, b"\xff\n"])
def test_a_key_file_that_cannot_be_used_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    secrets_dir(tmp_path).mkdir(parents=True)
    vault_key(tmp_path).write_bytes(content)
    with pytest.raises(KeyFileError) as refused:
        load_or_create_vault(tmp_path)
    assert str(refused.value).startswith("The vault's key")

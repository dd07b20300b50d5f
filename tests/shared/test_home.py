"""The folder of a home: names that hold, and a note of the run that may say anything."""

from pathlib import Path

import pytest

from shared import home
from shared.home import read_run_redis_url, run_file

URL = "redis://127.0.0.1:6379/0"


def test_every_name_is_inside_the_home(tmp_path: Path) -> None:
    places = [
        home.secrets_dir(tmp_path),
        home.token_private_key(tmp_path),
        home.token_public_key(tmp_path),
        home.users_database(tmp_path),
        home.run_file(tmp_path),
    ]
    assert len(set(places)) == len(places)
    assert all(place.is_relative_to(tmp_path) for place in places)
    assert not list(tmp_path.iterdir()), "asking for a name creates nothing"


def test_both_keys_are_among_the_secrets(tmp_path: Path) -> None:
    for key in (home.token_private_key(tmp_path), home.token_public_key(tmp_path)):
        assert key.parent == home.secrets_dir(tmp_path)


def test_the_redis_of_the_living_run_is_read_from_its_note(tmp_path: Path) -> None:
    run_file(tmp_path).write_text(f'{{"pid": 1, "redis_url": "{URL}"}}')
    assert read_run_redis_url(tmp_path) == URL


@pytest.mark.parametrize(
    "note",
    [
        b"", b"{", b"null", b"[]", b'"text"', b"7", b"{}", b'{"redis_url": null}', b"\xff\xfe\x00",
        b'{"pid": 1, "redis_url": 7}', b'{"pid": 1, "redis_url": ""}',
        b'{"pid": 1, "redis_url": ["redis://"]}', b"[" * 100_000,
    ],
    ids=lambda note: ascii(note)[:20],
)  # fmt: skip
def test_a_note_that_says_nothing_useful_names_no_redis(note: bytes, tmp_path: Path) -> None:
    run_file(tmp_path).write_bytes(note)
    assert read_run_redis_url(tmp_path) is None


@pytest.mark.parametrize("pid", ["null", "0", "-1", "true", '"1"', "1.0", "4194304", "9" * 30])
def test_the_note_of_a_run_that_is_gone_names_no_redis(pid: str, tmp_path: Path) -> None:
    run_file(tmp_path).write_text(f'{{"pid": {pid}, "redis_url": "{URL}"}}')
    assert read_run_redis_url(tmp_path) is None


def test_a_home_without_a_note_names_no_redis(tmp_path: Path) -> None:
    assert read_run_redis_url(tmp_path) is None
    assert read_run_redis_url(tmp_path / "absent") is None


def test_a_note_that_is_a_folder_names_no_redis(tmp_path: Path) -> None:
    run_file(tmp_path).mkdir()
    assert read_run_redis_url(tmp_path) is None

"""Scripts: the hash that is sent is the one that the server computes, and the text is the file."""

from importlib import resources

import pytest
import redis

from shared.scripts import load_script

ENGINE_SCRIPTS = sorted(
    path.name.removesuffix(".lua")
    for path in resources.files("engine").joinpath("lua").iterdir()
    if path.name.endswith(".lua")
)
ALL = [("shared", "enqueue"), *(("engine", name) for name in ENGINE_SCRIPTS)]


@pytest.mark.parametrize(("package", "name"), ALL)
def test_every_script_is_known_to_the_server_by_our_hash(
    package: str, name: str, redis_url: str
) -> None:
    script = load_script(package, name)
    with redis.Redis.from_url(redis_url) as client:
        assert client.script_load(script.text.decode()) == script.sha
        assert client.script_exists(script.sha) == [True]


def test_every_script_says_at_its_head_what_it_takes_and_returns() -> None:
    for package, name in ALL:
        head = load_script(package, name).text.decode().partition("\nlocal")[0]
        assert head.startswith("-- "), name
        assert "KEYS:" in head, name


def test_flags_stand_before_the_text_and_change_the_hash() -> None:
    plain, flagged = (
        load_script("engine", "commit"),
        load_script("engine", "commit", flags="allow-oom"),
    )
    assert flagged.text == b"#!lua flags=allow-oom\n" + plain.text
    assert flagged.sha != plain.sha


def test_a_script_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        load_script("shared", "absent")

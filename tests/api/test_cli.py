"""`rialto admin`, as an operator types it."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.cli import admin_app

PASSWORD = "correct horse battery"


def run(*words: str, home: Path, typed: str = "") -> Result:
    return CliRunner().invoke(admin_app, [*words, "--home", str(home)], input=typed)


def make_admin(name: str, home: Path) -> Result:
    return run("create", name, "--password-stdin", home=home, typed=f"{PASSWORD}\n")


def test_the_first_admin_is_made_without_a_terminal(tmp_path: Path) -> None:
    result = make_admin("root", tmp_path)
    assert result.exit_code == 0
    assert re.fullmatch(r"root is an admin now, with account [0-9]+\.\n", result.output)
    listed = run("users", home=tmp_path)
    assert "root" in listed.output
    assert "admin" in listed.output


@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("ro", PASSWORD, "username"),
        ("root", "short", "8 to 128"),
        ("root", "", "8 to 128"),
    ],
)
def test_a_bad_admin_is_one_sentence(tmp_path: Path, name: str, typed: str, sentence: str) -> None:
    result = run("create", name, "--password-stdin", home=tmp_path, typed=typed)
    assert result.exit_code == 1
    assert sentence in result.output
    assert "Traceback" not in result.output


def test_without_a_terminal_and_without_the_flag_it_says_so(tmp_path: Path) -> None:
    result = run("create", "root", home=tmp_path, typed=PASSWORD)
    assert result.exit_code == 1
    assert "--password-stdin" in result.output


def test_a_name_is_taken_once(tmp_path: Path) -> None:
    make_admin("root", tmp_path)
    result = make_admin("ROOT", tmp_path)
    assert (result.exit_code, "taken" in result.output) == (1, True)


def test_without_an_exchange_it_says_what_to_start(tmp_path: Path) -> None:
    result = run("credit", "root", "INR", "5", home=tmp_path)
    assert result.exit_code == 1
    assert "rialto up" in result.output


def test_an_engine_that_is_down_is_one_sentence(
    tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIALTO_REDIS_URL", redis_url)
    monkeypatch.setattr("api.cli.READY_TIMEOUT_S", 0.2)
    make_admin("root", tmp_path)
    result = run("credit", "root", "INR", "5", home=tmp_path)
    assert result.exit_code == 1
    assert "engine is not running" in result.output

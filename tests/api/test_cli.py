"""`rialto admin`, as an operator types it."""

import asyncio
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.admin.audit import AuditLog
from api.cli import AT_THE_MACHINE, admin_app
from api.sql.database import open_database
from shared.rest.audit import AdminAction

PASSWORD = "correct horse battery"


async def audited(home: Path) -> list[AdminAction]:
    database = await open_database(home, "")
    try:
        return await AuditLog(database).page(limit=10)
    finally:
        await database.dispose()


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


@pytest.mark.parametrize(
    ("role", "said"), [("auditor", "an auditor"), ("trader", "a trader"), ("admin", "an admin")]
)
def test_somebody_of_another_role_is_made_too(tmp_path: Path, role: str, said: str) -> None:
    made = run("create", "eve", "--role", role, "--password-stdin", home=tmp_path, typed=PASSWORD)
    assert made.exit_code == 0
    assert f"eve is {said} now" in made.output
    assert role in run("users", home=tmp_path).output


def test_a_role_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    made = run("create", "eve", "--role", "king", "--password-stdin", home=tmp_path, typed=PASSWORD)
    assert made.exit_code != 0
    assert "eve" not in run("users", home=tmp_path).output


def test_what_the_command_line_does_is_in_the_audit_log(tmp_path: Path) -> None:
    make_admin("root", tmp_path)
    run("create", "root", "--password-stdin", "--reason", "again", home=tmp_path, typed=PASSWORD)
    again, first = asyncio.run(audited(tmp_path))
    assert (first.username, first.action, first.target) == ("cli", "user.create", "user:root")
    assert (first.outcome, again.outcome) == ("done", "USERNAME_TAKEN")
    assert (first.reason, again.reason) == (AT_THE_MACHINE, "again")
    assert b"hash" not in bytes(first.after)


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

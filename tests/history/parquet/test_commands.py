"""`rialto history parquet`: what people see, and what it leaves behind."""

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from history.parquet.commands import app
from history.parquet.days import name_of
from history.parquet.lock import alone
from history.sql.database import open_history
from tests.history.parquet.rows import BEGIN_DAY, Making

Ask = Callable[..., tuple[int, str]]


@pytest.fixture
def ask() -> Iterator[Ask]:
    """The command with words: its exit code and what it said."""
    before = os.umask(0o022)

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, words)
        return done.exit_code, done.output

    yield run
    os.umask(before)


@pytest.fixture
def home(tmp_path: Path, seed: int) -> Path:
    """A home with a history of three days, the last of which is not over."""

    async def fill() -> None:
        making = Making(seed)
        for day in range(BEGIN_DAY, BEGIN_DAY + 3):
            making.day(day)
        database = await open_history(tmp_path / "home", "")
        await making.insert(database)
        await database.close()

    asyncio.run(fill())
    return tmp_path / "home"


def test_days_are_written_once_proven_and_read_without_the_database(
    home: Path, tmp_path: Path, ask: Ask
) -> None:
    code, said = ask("write", "--home", str(home))
    assert (code, name_of(BEGIN_DAY) in said) == (0, True), said
    again = "Every day that is over is written.\n"
    assert ask("write", "--home", str(home)) == (0, again)
    code, said = ask("prove", "--home", str(home))
    assert (code, said.count("are in its files")) == (0, 2), said
    assert ask("prove", "2001-01-01", "--home", str(home)) == (1, "2001-01-01 is not written.\n")
    (home / "history.db").unlink()
    code, said = ask("read", "--into", str(tmp_path / "new"), "--home", str(home))
    assert (code, "rows are read and equal." in said) == (0, True), said
    assert not (home / "history.db").exists()
    assert (tmp_path / "new" / "history.db").stat().st_mode & 0o077 == 0


def test_what_is_written_is_its_owners_alone(home: Path, ask: Ask) -> None:
    assert ask("write", "--home", str(home))[0] == 0
    made = list((home / "parquet").rglob("*"))
    assert made
    assert [path for path in made if path.stat().st_mode & 0o077] == []


@pytest.mark.parametrize("words", [("write",), ("prove",)])
def test_a_history_that_is_not_there_is_told_and_never_made(
    tmp_path: Path, ask: Ask, words: tuple[str, ...]
) -> None:
    code, said = ask(*words, "--home", str(tmp_path / "home"))
    assert (code, "There is no history in" in said) == (1, True), said
    assert not (tmp_path / "home").exists()


def test_days_that_are_not_there_are_told(home: Path, tmp_path: Path, ask: Ask) -> None:
    code, said = ask("prove", "--home", str(home))
    assert (code, said[:46]) == (1, "0 days, nothing was compared: there are no day"), said
    code, said = ask("read", "--into", str(tmp_path / "new"), "--home", str(home))
    assert (code, "There are no days in" in said) == (1, True), said
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("days", [0, 1])
def test_where_no_day_is_over_this_is_said(tmp_path: Path, seed: int, ask: Ask, days: int) -> None:
    async def fill() -> None:
        making = Making(seed)
        for day in range(BEGIN_DAY, BEGIN_DAY + days):
            making.day(day)
        database = await open_history(tmp_path / "home", "")
        if days:
            await making.insert(database)
        await database.close()

    asyncio.run(fill())
    code, said = ask("write", "--home", str(tmp_path / "home"))
    assert (code, said) == (
        0,
        "No day is over yet: the first is written after it ends, at 00:00 UTC.\n",
    )


def test_of_two_at_once_the_second_does_nothing(home: Path, ask: Ask) -> None:
    with alone(home / "parquet"):
        code, said = ask("write", "--home", str(home))
        assert (code, "just now" in said) == (1, True), said
        assert [path.name for path in (home / "parquet").iterdir()] == [".lock"]
    assert ask("write", "--home", str(home))[0] == 0

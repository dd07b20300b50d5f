"""`rialto report` as people call it: codes, sentences, files, and what it leaves alone."""

import asyncio
import contextlib
import csv
import io
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
import typer
from msgspec import json
from typer.testing import CliRunner, Result

from history.reports.catalogue import REPORTS
from history.reports.commands import report_command
from history.sql.database import open_history
from history.sql.tables import deposits
from shared.home import history_database
from tests.history.reports.days import RecordedDay, store
from tests.support.postgres import Postgres

DONE, NOT_DONE, NOT_UNDERSTOOD = 0, 1, 2
Call = Callable[..., Result]

APP = """
import typer
from history.reports.commands import report_command
app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
app.command("report")(report_command)
app()
"""


@pytest.fixture
def home(
    tmp_path: Path, day: RecordedDay, history_url: str, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The home of an exchange with the history of a day."""
    folder = tmp_path / "home"

    async def record() -> None:
        database = await open_history(folder, history_url)
        try:
            await store(database, day.rows, day.cursor)
        finally:
            await database.close()

    asyncio.run(record())
    monkeypatch.setenv("RIALTO_HOME", str(folder))
    monkeypatch.setenv("RIALTO_HISTORY_DATABASE_URL", history_url)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def call() -> Call:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command("report")(report_command)

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, words)

    return run


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a home, if there is one; those that SQLite keeps for readers are not meant."""
    if not folder.is_dir():
        return {}
    return {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    }


def test_every_report_is_made_and_the_home_stays_as_it_is(
    home: Path, day: RecordedDay, call: Call
) -> None:
    before = contents(home)
    for name in REPORTS:
        words = ["--order", str(day.rows.fills[0].order_id)] if name == "order" else []
        found = call(name, *words)
        assert found.exit_code == DONE, found.output
        assert REPORTS[name].title in found.stdout
        assert f"event {day.exchange.sequence}" in found.stdout
    assert contents(home) == before


def test_files_of_every_form_are_whole_and_alone(home: Path, call: Call, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    for suffix in ("csv", "json", "parquet", "html", "txt"):
        out = folder / f"balances.{suffix}"
        found = call("balances", "--out", str(out))
        assert found.exit_code == DONE, found.output
        assert found.stdout == ""
    assert sorted(path.suffix for path in folder.iterdir()) == [
        *(".csv", ".html", ".json", ".parquet", ".txt")
    ]
    rows = csv.DictReader(io.StringIO((folder / "balances.csv").read_text(), newline=""))
    assert json.decode((folder / "balances.json").read_bytes())["rows"][0]["account"] == 1
    assert pq.read_table(folder / "balances.parquet").num_rows == len(list(rows)) > 0
    assert "Balances" in (folder / "balances.txt").read_text()


def test_csv_goes_to_standard_output_and_what_holds_to_standard_error(
    home: Path, call: Call
) -> None:
    found = call("balances", "--format", "csv", "--account", "2")
    rows = list(csv.DictReader(io.StringIO(found.stdout, newline="")))
    assert {row["account"] for row in rows} == {"2"}
    assert "add up" in found.stderr
    assert "add up" not in found.stdout


@pytest.mark.parametrize("history_url", [""])
def test_a_difference_is_written_and_is_1(home: Path, call: Call, tmp_path: Path) -> None:
    async def disturb() -> None:
        database = await open_history(home, "")
        async with database.writing() as connection:
            await connection.execute(sa.delete(deposits))
        await database.close()

    asyncio.run(disturb())
    out = tmp_path / "balances.html"
    found = call("balances", "--out", str(out))
    assert found.exit_code == NOT_DONE
    assert "NOT SO" in found.stderr
    assert "NOT reconciled" in out.read_text()


REFUSED = [
    ("volums", NOT_DONE, "did you mean volumes?"),
    ("quite-other", NOT_DONE, "there is volumes, fees"),
    ("volumes --account 1", NOT_DONE, "--account means nothing here"),
    ("volumes --market NO_USD", NOT_DONE, "There is no market NO_USD"),
    ("fees --market NO_USD", NOT_DONE, "There is no market NO_USD"),
    ("positions --market NO_USD", NOT_DONE, "There is no market NO_USD"),
    ("order", NOT_DONE, "--order NUMBER"),
    ("order --order 999999", NOT_DONE, "There is no order 999999"),
    ("fees --from 2026-03-02 --to 2026-03-01", NOT_DONE, "ends before it begins"),
    ("balances --to 2026-03-02 --at 2026-03-01T00:00:00Z", NOT_DONE, "not both"),
    ("fees --out nowhere/fees.csv", NOT_DONE, "cannot be written"),
    ("large-trades --threshold much", NOT_DONE, "is no amount"),
    ("wash-trades --owners absent.csv", NOT_DONE, "absent.csv cannot be read"),
    ("fees --from 2026-02-30", NOT_UNDERSTOOD, "is no day"),
    ("fees --to yesterday", NOT_UNDERSTOOD, "is no day"),
    ("balances --at noon", NOT_UNDERSTOOD, "is no moment"),
    ("fees --format xml", NOT_UNDERSTOOD, "xml"),
    ("fees --strange", NOT_UNDERSTOOD, "strange"),
]


@pytest.mark.parametrize("history_url", [""])
def test_what_cannot_be_done_is_one_sentence_and_its_code(home: Path, call: Call) -> None:
    for line, code, told in REFUSED:
        found = call(*line.split())
        assert (found.exit_code, found.stdout) == (code, ""), line
        assert told in " ".join(found.stderr.replace("│", " ").split()), line


def test_without_a_name_all_reports_are_listed(call: Call) -> None:
    found = call()
    assert found.exit_code == DONE
    assert all(name in found.stdout for name in REPORTS)


def test_where_no_history_is_one_is_not_made(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RIALTO_HISTORY_DATABASE_URL", raising=False)
    home = tmp_path / "empty"
    found = call("fees", "--home", str(home))
    assert (found.exit_code, found.stdout) == (NOT_DONE, "")
    assert "There is no history" in found.stderr
    assert not home.exists()
    home.mkdir()
    history_database(home).write_bytes(b"")
    found = call("fees", "--home", str(home))
    assert found.exit_code == NOT_DONE
    assert "There is no history in that database." in found.stderr
    history_database(home).write_bytes(b"something else entirely" * 100)
    assert call("fees", "--home", str(home)).exit_code == NOT_DONE


def test_a_server_without_a_history_is_told(
    call: Call, tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIALTO_HISTORY_DATABASE_URL", postgres.fresh())
    found = call("fees", "--home", str(tmp_path))
    assert found.exit_code == NOT_DONE
    assert "There is no history in that database." in found.stderr


def test_a_failed_report_leaves_the_file_that_was_there(
    home: Path, call: Call, tmp_path: Path
) -> None:
    out = tmp_path / "trail.csv"
    out.write_text("the one before")
    assert call("order", "--order", "999999", "--out", str(out)).exit_code == NOT_DONE
    assert out.read_text() == "the one before"
    assert [path.name for path in tmp_path.iterdir() if "trail" in path.name] == ["trail.csv"]


@pytest.mark.parametrize("history_url", [""])
@pytest.mark.parametrize("form", ["csv", "table"])
def test_a_reader_who_has_seen_enough_is_no_traceback(home: Path, form: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", APP, "rejections", "--format", form],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        cwd=Path(__file__).parents[3],
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    told = process.stderr.read()
    process.stderr.close()
    assert process.wait(30) == NOT_DONE
    assert told == b""


@pytest.mark.parametrize("history_url", [""])
@pytest.mark.parametrize("form", ["table", "csv"])
def test_on_a_terminal_no_progress_gets_between_the_rows(home: Path, form: str) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", APP, "rejections", "--format", form],
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm"},
        cwd=Path(__file__).parents[3],
    )
    os.close(theirs)
    told = b""
    with contextlib.suppress(OSError):  # Which is how the end of a terminal is told.
        while piece := os.read(ours, 65_536):
            told += piece
    os.close(ours)
    assert process.wait(30) == DONE
    progress, _, report = told.partition(b", as of")
    assert (b"rows read" in progress) == (form == "table")
    assert b"rows read" not in report


def test_owners_are_read_with_and_without_a_head_and_refused_when_they_contradict(
    home: Path, call: Call, tmp_path: Path
) -> None:
    good, bad = tmp_path / "owners.csv", tmp_path / "bad.csv"
    good.write_text("account,owner\r\n1,Ada\r\n2,Ada\r\n3,Bob\r\n")
    found = call("wash-trades", "--owners", str(good))
    assert found.exit_code == DONE, found.output
    assert "known owner: 3" in found.stdout
    for text in ("1,Ada\n1,Bob\n", "1\n", "x,Ada\ny,Bob\n", "1,Ada\n-2,Bob\n", "1,\n"):
        bad.write_text(text)
        assert call("wash-trades", "--owners", str(bad)).exit_code == NOT_DONE

"""`rialto engine` as an operator meets it: facts, one sentence on refusal, and a question first."""

import json
import os
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from engine.cli import app
from engine.redis_link import RedisLink
from engine.watch import FOLLOWING, StandbyNote, Watch
from shared.channels import Keys

KEYS = Keys("rialto")


@pytest.fixture
def home(redis_url: str, tmp_path: Path) -> Path:
    """A home whose run is noted, on a venue that is halted at entry 1 of 1."""
    (tmp_path / "run.json").write_text(json.dumps({"pid": os.getpid(), "redis_url": redis_url}))
    with closing(RedisLink(redis_url)) as link:
        link.open()
        link.run("enqueue", [KEYS.n, KEYS.journal, KEYS.meta], [100, b"poison"])
        link.call("HSET", KEYS.meta, "halt", "it died three times", "halted_n", 1)
    return tmp_path


def engine(home: Path, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--home", str(home)])


def test_status_shows_position_journal_and_halt(home: Path) -> None:
    result = engine(home, "status")
    assert result.exit_code == 0, result.output
    rows = {line.split()[0]: line.split(maxsplit=1)[1] for line in result.output.splitlines()}
    assert rows["position"] == "0"
    assert rows["journal"] == "1 entries, 1 waiting"
    assert rows["halted"] == "it died three times"
    assert rows["engine"] == "not running"
    assert rows["standby"] == "not running"


def test_status_shows_what_the_standby_has_verified(home: Path, redis_url: str) -> None:
    note = StandbyNote(
        owner="second", state=FOLLOWING, verified_position=7, verified_hash="abc", position=9
    )
    with closing(RedisLink(redis_url)) as link:
        link.open()
        link.call("HSET", KEYS.meta, "position", 12)
        Watch(link, KEYS).write_note(note)
    output = engine(home, "status").output
    assert "following, 3 entries behind (second)" in output
    assert "entry 7, state hash abc" in output


def test_skip_wants_an_answer_and_without_a_terminal_yes(home: Path) -> None:
    result = engine(home, "skip", "1")
    assert result.exit_code == 1
    assert result.output.strip() == "Skipping entry 1 needs an answer: say --yes."
    assert "it died three times" in engine(home, "status").output


def test_skip_goes_on_once_and_refuses_what_is_not_next(home: Path) -> None:
    refused = engine(home, "skip", "2", "--yes")
    assert refused.exit_code == 1
    assert refused.output.strip().startswith("Entry 2 is not the next one")
    done = engine(home, "skip", "1", "--yes")
    assert done.exit_code == 0, done.output
    assert done.output.strip() == "Entry 1 is skipped, by entry 2; the engine goes on."
    again = engine(home, "skip", "1", "--yes")
    assert (again.exit_code, "not halted" in again.output) == (1, True)


def test_without_a_running_exchange_there_is_one_sentence(tmp_path: Path) -> None:
    for words in (["status"], ["skip", "1", "--yes"]):
        result = engine(tmp_path, *words)
        assert result.exit_code == 1
        assert result.output.startswith("No exchange runs in")
        assert len(result.output.splitlines()) == 1


def test_a_redis_that_is_gone_is_one_sentence(tmp_path: Path) -> None:
    run = {"pid": os.getpid(), "redis_url": "redis://127.0.0.1:1/0"}
    (tmp_path / "run.json").write_text(json.dumps(run))
    result = engine(tmp_path, "status")
    assert result.exit_code == 1
    assert result.output.startswith("Redis does not answer")

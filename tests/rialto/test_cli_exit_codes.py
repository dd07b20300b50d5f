"""One rule for the exit codes of all commands, as docs/OPERATIONS.md has it.

The rule of this file: each command is run as `rialto` runs it, and none needs a network.
"""

import sys
from pathlib import Path

import pytest

from rialto import cli

NOT_DONE, NOT_UNDERSTOOD = 1, 2


def exit_code(*words: str) -> int:
    """Run a command line, and return its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["rialto", *words])
        patch.setattr(cli, "join_services", lambda: None)
        with pytest.raises(SystemExit) as end:
            cli.main()
    assert isinstance(end.value.code, int)
    return end.value.code


@pytest.fixture(autouse=True, scope="module")
def joined() -> None:
    """All commands are there."""
    cli.join_services()


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("RIALTO_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize(
    "line",
    [
        "doctor kraken:spott",
        "record --feed kraken:spott",
        "record --out there.jsonl",
        "replay books there.jsonl",
        "replay books absent.jsonl",
        "replay orders absent.csv",
        "aggregator status",
        "aggregator resume kraken:spott",
        "best BTC/USD buy",
        "best BTC/USD buy 1",
        "admin credit nobody INR 1",
        "engine status",
        "verify absent",
        "status",
    ],
)
def test_what_is_not_there_or_not_done_is_1(line: str, tmp_path: Path) -> None:
    (tmp_path / "there.jsonl").write_text("no row\n")
    assert exit_code(*line.split()) == NOT_DONE


@pytest.mark.parametrize(
    "line",
    [
        "nothing",
        "doctor --waiting",
        "record --seconds soon",
        "replay books --speed 100 there.jsonl",
        "venues --port 99999",
        "best BTC/USD",
        "best BTC/USD buuy 1",
    ],
)
def test_words_that_the_command_line_does_not_know_are_2(line: str) -> None:
    assert exit_code(*line.split()) == NOT_UNDERSTOOD


def test_a_setting_that_is_wrong_is_1_as_whatever_is_not_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RIALTO_VENUES_PORT", "nine")
    assert exit_code("venues") == NOT_DONE

"""`rialto bench` as it is typed: a table for people, a JSON object a line for programs."""

import gc
import gzip
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from engine.bench.cli import app
from tests.support.tapes import SMALL, SMALL_LINES, tape, write_tape

LINES = "\n".join(SMALL_LINES).encode()
SHA256 = hashlib.sha256(LINES).hexdigest()


@pytest.fixture(autouse=True)
def collector_as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def bench(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_programs_get_one_object_a_tape(tmp_path: Path) -> None:
    first, second = write_tape(tmp_path), tmp_path / "orders_packed.bin.gz"
    second.write_bytes(gzip.compress(tape(SMALL)))
    command = [sys.executable, "-m", "rialto", "bench", "tapes", str(first), str(second)]
    reports = tmp_path / "made" / "reports"
    done = subprocess.run(
        [*command, "--json", "--reports", str(reports)], capture_output=True, text=True, check=True
    )
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [result["tape"] for result in results] == [first.name, second.name]
    for result in results:
        assert set(result) == {"tape", "messages", "messages_per_s", "sha256"}
        assert (result["messages"], result["sha256"]) == (len(SMALL), SHA256)
        assert result["messages_per_s"] > 0
    for name in ("reports_small.txt", "reports_packed.txt"):
        assert (reports / name).read_bytes() == LINES


def test_people_see_each_tape_the_worst_and_whether_it_is_right(tmp_path: Path) -> None:
    path = write_tape(tmp_path)
    alone = bench("tapes", path)
    assert alone.exit_code == 0, alone.output
    title, row, worst = alone.output.splitlines()
    assert title.split() == ["tape", "messages", "messages/s", "sha256", "reports"]
    assert row.split()[:2] == [path.name, str(len(SMALL))]
    assert row.endswith("none beside it")
    assert worst.startswith(f"worst: {path.name}")
    (tmp_path / "reports_small.txt.gz").write_bytes(gzip.compress(LINES))
    assert "as expected" in bench("tapes", path).output


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_wrong_reports_are_said_and_end_with_one(tmp_path: Path, form: list[str]) -> None:
    path = write_tape(tmp_path)
    (tmp_path / "reports_small.txt.gz").write_bytes(gzip.compress(LINES[:-1]))
    result = bench("tapes", path, *form)
    assert result.exit_code == 1
    assert SHA256[:12] in result.stdout
    sentence = "Not what the reports beside the tape say: orders_small.bin."
    assert result.stderr.strip() == sentence


def test_what_is_no_tape_ends_with_one_and_a_sentence(tmp_path: Path) -> None:
    good, bad = write_tape(tmp_path), tmp_path / "orders_bad.bin"
    bad.write_bytes(tape(SMALL)[:-1])
    result = bench("tapes", good, bad, "--json")
    assert result.exit_code == 1
    assert [json.loads(line)["tape"] for line in result.stdout.splitlines()] == [good.name]
    assert result.stderr.splitlines() == [
        f"{bad} is not whole: its header says 5 messages of 40 bytes, and 199 bytes follow."
    ]


def test_a_folder_that_cannot_be_made_ends_with_one_and_a_sentence(tmp_path: Path) -> None:
    path = write_tape(tmp_path)
    result = bench("tapes", path, "--reports", path / "below a file")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "cannot be made" in result.stderr

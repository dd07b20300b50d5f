"""The commands around outside venues, run as a person runs them, without any internet."""

import asyncio
import json
import lzma
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rialto.embedded_redis import choose_port
from tests.support.deadlines import eventually_async
from tests.support.outside_exchange import run_command, running_venues
from tests.support.processes import ROOT

RATE = 30.0
PROVEN, NOT_PROVEN = 0, 1
RECORD_S = "3"
RECORD_ALL_S = "10"  # Until 36 books are live on a machine that has other things to do.


@contextmanager
def venues_program() -> Iterator[str]:
    """Run `rialto venues`, and return its address."""
    port = choose_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "rialto", "venues", "--port", str(port)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert f"Venues at 127.0.0.1:{port}" in process.stdout.readline()
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        assert process.wait(20) == 0
        process.stdout.close()


def replayed(path: Path) -> tuple[int, list[dict[str, object]]]:
    done = run_command("replay", "books", str(path), "--json")
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def test_what_is_recorded_of_simulated_venues_proves_itself_and_the_doctor_finds_them_well(
    tmp_path: Path,
) -> None:
    with venues_program() as address:
        feeds = ("binance:spot", "bybit:linear", "coinbase:spot", "kraken:spot")
        words = [word for feed in feeds for word in ("--feed", feed)]
        out = tmp_path / "day.jsonl.xz"
        done = run_command(
            "record", *words, "--out", str(out), "--seconds", RECORD_ALL_S, "--offline", address
        )
        assert done.returncode == 0, done.stderr
        assert "36 of 36 books were live" in done.stderr

        found = run_command("doctor", environ={"RIALTO_VENUES_ADDRESS": address})
        assert found.returncode == 0, found.stdout + found.stderr

    code, books = replayed(out)
    assert code == PROVEN
    assert len(books) == 36
    assert {(book["state"], book["mismatched"], book["gaps"]) for book in books} == {("live", 0, 0)}
    assert [book["book"] for book in books if not book["verified"]] == []


async def test_a_frame_that_was_lost_on_the_way_is_in_the_recording_as_it_was(
    tmp_path: Path,
) -> None:
    out = tmp_path / "day.jsonl.xz"
    async with running_venues(RATE) as venues:
        faults = venues.faults("kraken:spot")
        words = ["record", "--feed", "kraken:spot", "--pair", "BTC/USD", "--seconds", RECORD_S]
        recording = asyncio.create_task(
            asyncio.to_thread(
                run_command,
                *words,
                *("--out", str(out), "--offline", f"127.0.0.1:{venues.port}"),
            )
        )
        await eventually_async(lambda: venues.connections("kraken:spot"))
        faults.wrong_checksums = 1
        done = await recording
    assert done.returncode == 0, done.stderr

    code, (book,) = await asyncio.to_thread(replayed, out)

    assert code == NOT_PROVEN
    assert (book["mismatched"], book["state"]) == (1, "live")


def test_one_digit_of_a_recording_is_enough_for_a_no(data_dir: Path, tmp_path: Path) -> None:
    path = data_dir / "captures" / "kraken-spot-btcusd-depth10.jsonl.xz"
    if not path.is_file():
        pytest.skip(f"No recording {path}.")
    lines = lzma.decompress(path.read_bytes()).decode().splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if r"\"update\"" in line and number > 20)
    digit = lines[at].index(r"\"qty\":") + len(r"\"qty\":")
    lines[at] = f"{lines[at][:digit]}{(int(lines[at][digit]) + 1) % 10}{lines[at][digit + 1 :]}"
    mutated, silent, strange = (tmp_path / name for name in ("mutated", "silent", "strange"))
    mutated.write_text("".join(lines))
    silent.write_text("".join(line for line in lines if r"\"book\"" not in line))
    strange.write_text("BTC;1\n")

    assert [replayed(file)[0] for file in (path, mutated, silent, strange)] == [
        PROVEN,
        *(NOT_PROVEN, NOT_PROVEN, NOT_PROVEN),
    ]
    assert replayed(tmp_path / "absent")[0] == NOT_PROVEN


def test_commands_say_in_a_sentence_that_nothing_runs(tmp_path: Path) -> None:
    settings = {"RIALTO_AGGREGATOR_PORT": str(choose_port()), "RIALTO_HOME": str(tmp_path)}
    status = run_command("aggregator", "status", environ=settings)
    resume = run_command("aggregator", "resume", environ=settings)
    unknown = run_command("aggregator", "resume", "kraken:spto", environ=settings)
    assert (status.returncode, resume.returncode, unknown.returncode) == (1, 1, 1)
    assert "No aggregator answers" in status.stderr
    assert "There is no Redis" in resume.stderr
    assert "kraken:spto is not followed" in unknown.stderr
    assert "Traceback" not in status.stderr + resume.stderr + unknown.stderr


def test_nothing_is_recorded_where_nobody_answers(tmp_path: Path) -> None:
    out = tmp_path / "day.jsonl"
    words = ("record", "--feed", "kraken:spot", "--out", str(out), "--seconds", "1")
    done = run_command(*words, "--offline", f"127.0.0.1:{choose_port()}")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "kraken:spot: 9 books were never live: " in done.stderr

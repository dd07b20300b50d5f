"""`rialto replay books` as a person or a program calls it: words, JSON, exit codes."""

import gzip
import json
import lzma
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from aggregator.captures.reading import CaptureReader
from aggregator.captures.rows import RowKind, encode_row
from rialto.cli import app

KEYS = [
    "book",
    "messages",
    "updates",
    "trades",
    "verified",
    "mismatched",
    "gaps",
    "resyncs",
    "crossed",
    "state",
    "best_bid",
    "best_ask",
    "p50_us",
    "p95_us",
    "p99_us",
]


@pytest.fixture
def captures(data_dir: Path) -> Path:
    return data_dir / "captures"


def kraken(captures: Path) -> Path:
    return captures / "kraken-spot-btcusd-depth10.jsonl.xz"


def replay(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["replay", "books", *map(str, words)])


def books_of(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_proven_recording_prints_an_object_a_book_and_exits_0(captures: Path) -> None:
    result = replay("--json", captures / "bybit-v5-linear-and-spot.jsonl.xz")

    books = books_of(result)
    assert result.exit_code == 0
    assert [list(book) for book in books] == [KEYS] * 6
    assert [book["book"] for book in books][4] == "bybit:spot:BTC/USDT"
    assert sum(int(str(book["verified"])) for book in books) == 2_148


def test_a_person_sees_a_table_and_a_sentence(captures: Path) -> None:
    result = replay(kraken(captures))

    assert result.exit_code == 0
    assert "kraken:spot:BTC/USD" in result.stdout
    assert "63004.9" in result.stdout
    assert "301 verified, 0 mismatched, 1 books." in result.stderr


def test_several_files_are_read_one_after_the_other_and_a_book_of_both_adds_up(
    captures: Path,
) -> None:
    result = replay("--json", kraken(captures), captures / "kraken-spot-btcusd-depth25.jsonl.xz")

    (book,) = books_of(result)
    assert result.exit_code == 0
    assert book["verified"] == 301 + 2052
    assert book["best_bid"] == "63418.3"


def test_parts_of_one_recording_go_on_with_the_same_books(captures: Path, tmp_path: Path) -> None:
    rows = list(CaptureReader(str(kraken(captures))))
    rows[40].part = 2
    first, second = tmp_path / "day.jsonl", tmp_path / "day.part2.jsonl.gz"
    first.write_bytes(b"".join(map(encode_row, rows[:40])))
    second.write_bytes(gzip.compress(b"".join(map(encode_row, rows[40:]))))

    (book,) = books_of(replay("--json", first, second))

    assert (book["verified"], book["resyncs"], book["mismatched"]) == (301, 0, 0)


def kraken_with_a_wrong(captures: Path, tmp_path: Path) -> Path:
    rows = list(CaptureReader(str(kraken(captures))))
    lines = [encode_row(row) for row in rows]
    at = next(n for n, row in enumerate(rows) if '"update"' in (row.data or "") and n > 50)
    checksum = json.loads(rows[at].data or "")["data"][0]["checksum"]
    lines[at] = lines[at].replace(str(checksum).encode(), str(checksum - 1).encode())
    file = tmp_path / "wrong.jsonl"
    file.write_bytes(b"".join(lines))
    return file


def test_a_mismatch_exits_1_and_is_told(captures: Path, tmp_path: Path) -> None:
    result = replay("--json", kraken_with_a_wrong(captures, tmp_path))

    assert result.exit_code == 1
    assert books_of(result)[0]["mismatched"] == 1
    assert "MISMATCH kraken:spot:BTC/USD: The checksum is" in result.stderr


def test_a_mismatch_of_a_pair_that_is_not_shown_is_not_told(captures: Path, tmp_path: Path) -> None:
    files = kraken_with_a_wrong(captures, tmp_path), captures / "coinbase-advanced-trade.jsonl.xz"
    result = replay("--pair", "ETH/USD", *files)

    assert result.exit_code == 0
    assert "MISMATCH" not in result.stderr


def test_nothing_verified_exits_1(captures: Path, tmp_path: Path) -> None:
    rows = list(CaptureReader(str(captures / "binance-spot-btcusdt.jsonl.xz")))[:500]
    file = tmp_path / "no snapshot.jsonl.xz"
    kept = [encode_row(row) for row in rows if row.kind is not RowKind.HTTP]
    file.write_bytes(lzma.compress(b"".join(kept)))

    result = replay("--json", file)

    (book,) = books_of(result)
    assert result.exit_code == 1
    assert (book["state"], book["verified"], book["best_bid"]) == ("buffering", 0, None)
    assert "Nothing was verified" in result.stderr


def test_a_recording_that_breaks_off_counts_as_far_as_it_goes(
    captures: Path, tmp_path: Path
) -> None:
    file = tmp_path / "killed.jsonl.xz"
    file.write_bytes(kraken(captures).read_bytes()[:-1_500])

    result = replay("--json", file)

    assert result.exit_code == 0
    assert 0 < int(str(books_of(result)[0]["verified"])) < 301
    assert "breaks off after line" in result.stderr


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "is empty."),
        ("pair;price\n", "line 1: no row of a recording"),
        ('{"at_ns":1,"kind":"connect","url":"u"}\n{"at_ns":2}\n', "line 2: no row of a recording"),
    ],
)
def test_what_is_no_recording_exits_1_with_one_sentence(
    tmp_path: Path, content: str, sentence: str
) -> None:
    file = tmp_path / "other"
    file.write_text(content)

    result = replay(file)

    assert result.exit_code == 1
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_speed_that_there_is_not_is_refused_with_those_that_there_are(captures: Path) -> None:
    result = replay("--speed", "100", kraken(captures))

    assert result.exit_code == 2
    said = " ".join(result.stderr.replace("│", " ").split())
    assert "'100' is not one of '1', '10', 'max'" in said


def test_a_pair_that_is_not_in_the_recording_is_an_error_with_the_nearest(captures: Path) -> None:
    result = replay("--pair", "BTC/USDT", kraken(captures))

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Nothing recorded is of BTC/USDT; the nearest is BTC/USD.\n"


def test_of_two_pairs_the_one_that_is_there_is_shown(captures: Path) -> None:
    file = captures / "coinbase-advanced-trade.jsonl.xz"
    result = replay("--json", "--pair", "ETH/USD", "--pair", "SOL/USD", file)

    assert result.exit_code == 1, "not all of what was asked for is proven"
    assert [book["book"] for book in books_of(result)] == ["coinbase:spot:ETH/USD"]
    assert "Nothing recorded is of SOL/USD; the nearest are " in result.stderr


def test_only_the_pairs_wanted_are_shown(captures: Path) -> None:
    file = captures / "coinbase-advanced-trade.jsonl.xz"

    assert [book["book"] for book in books_of(replay("--json", "--pair", "ETH/USD", file))] == [
        "coinbase:spot:ETH/USD"
    ]


def test_a_recording_comes_through_a_pipe_into_the_real_command(captures: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "rialto", "replay", "books", "--json", "-"],
        input=kraken(captures).read_bytes(),
        capture_output=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["verified"] == 301


def test_frames_that_cannot_be_read_are_counted_and_told(captures: Path, tmp_path: Path) -> None:
    rows = list(CaptureReader(str(kraken(captures))))
    for row in rows:
        row.data = row.data[: len(row.data) // 2] if row.data is not None else None
    file = tmp_path / "cut.jsonl"
    file.write_bytes(b"".join(map(encode_row, rows)))

    result = replay("--json", file)

    assert result.exit_code == 1
    assert "kraken:spot: 377 frames could not be read." in result.stderr

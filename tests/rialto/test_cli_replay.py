"""`rialto replay orders` as a person types it: the numbers, the exit code, and nothing left."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.rialto.harness import ROOT
from tests.support.tiny_day import EXPECTED_BBO, write_day, write_expectations

DEADLINE_S = 60.0
FIELDS = {
    "trades", "volume", "cancels_checked", "cancel_mismatches", "bbo_mismatches", "open_orders",
    "conserved", "state_hash", "commands_per_s", "p50_us", "p99_us",
}  # fmt: skip


def replay(temp: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command; its exchange must be gone from `temp` when it ends."""
    temp.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "rialto", "replay", "orders", *words],
        cwd=temp,
        env={**os.environ, "TMPDIR": str(temp), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert list(temp.iterdir()) == []
    assert "Traceback" not in done.stderr
    return done


def right_day(temp: Path, orders: Path) -> dict[str, Any]:
    done = replay(temp, str(orders), "--json")
    assert done.returncode == 0, done
    assert done.stderr == ""
    report: dict[str, Any] = json.loads(done.stdout)
    assert report.keys() >= FIELDS
    return report


def test_the_real_day_comes_out_right_twice_with_one_state_hash(
    data_dir: Path, tmp_path: Path
) -> None:
    orders = data_dir / "order_flow" / "real_session" / "orders.csv.gz"
    first = right_day(tmp_path / "temp", orders)
    assert (first["trades"], first["volume"]) == (996, 54_378)
    assert (first["cancels_checked"], first["cancel_mismatches"]) == (11_433, 0)
    assert (first["bbo_checked"], first["bbo_mismatches"]) == (27_056, 0)
    assert (first["trade_mismatches"], first["open_orders"], first["conserved"]) == (0, 0, True)
    assert first["in_flight"] == 128
    assert right_day(tmp_path / "temp", orders)["state_hash"] == first["state_hash"]


def test_a_day_without_expectation_files_is_compared_with_the_simple_exchange(
    tmp_path: Path,
) -> None:
    report = right_day(tmp_path / "temp", write_day(tmp_path / "day"))
    assert (report["trades"], report["volume"], report["cancels_checked"]) == (2, 8, 1)
    assert report["expected_from"] == ["an independent simple exchange"]


def test_a_wrong_expectation_gives_exit_code_1(tmp_path: Path) -> None:
    orders = write_day(tmp_path / "day")
    write_expectations(tmp_path / "day")
    wrong = tmp_path / "wrong.csv"
    wrong.write_text(EXPECTED_BBO.replace("9995", "9990"))
    done = replay(tmp_path / "temp", str(orders), "--json", "--bbo", str(wrong))
    assert done.returncode == 1
    assert json.loads(done.stdout)["bbo_mismatches"] == 1
    told = replay(tmp_path / "temp", str(orders), "--bbo", str(wrong))
    assert told.returncode == 1
    assert told.stdout.splitlines()[-1] == "The day came out WRONG."


def test_a_file_that_is_absent_is_one_sentence(tmp_path: Path) -> None:
    done = replay(tmp_path / "temp", str(tmp_path / "absent.csv"))
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "absent.csv cannot be read" in done.stderr

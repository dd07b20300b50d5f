"""The recorded tapes through the book: every report as the engines of the world agree on."""

from pathlib import Path

import pytest

from engine.bench.tapes import measure
from tests.support.tapes import SMALL, SMALL_LINES, write_tape

SMALL_TAPES = ("normal_s23_n10000", "static_s1_n10000", "swing-25_s2_n10000")
LARGE_TAPES = ("flash-crash_s23_n100000", "static_s23_n100000", "swing-40_s23_n100000")


@pytest.mark.parametrize("name", SMALL_TAPES + LARGE_TAPES)
def test_a_tape_reports_what_all_engines_agree_on(name: str, data_dir: Path) -> None:
    verdict = measure(data_dir / "order_flow" / "tapes" / f"orders_{name}.bin.gz", None)
    assert verdict.is_expected is True
    assert verdict.result.messages > 10_000
    assert verdict.result.messages_per_s > 0


def test_the_reports_of_a_tape_are_written_under_its_name(tmp_path: Path) -> None:
    verdict = measure(write_tape(tmp_path), tmp_path)
    assert (tmp_path / "reports_small.txt").read_text().split("\n") == SMALL_LINES
    assert verdict.is_expected is None
    assert verdict.result.messages == len(SMALL)

"""The verdict is that of the numbers shown."""

import pytest
from msgspec.structs import replace

from engine.replay.report import Report, holds, lines, percentile_us

GOOD = Report(
    trades=2, volume=8, cancels_checked=1, cancel_mismatches=0, bbo_mismatches=0, open_orders=0,
    conserved=True, state_hash="ab", commands_per_s=1, p50_us=1, p99_us=1, trade_mismatches=0,
    bbo_checked=7, refused={}, broken=[], commands=7, accounts=200, in_flight=128, elapsed_ms=1,
    expected_from=["paper"], ok=True,
)  # fmt: skip


def test_a_day_without_fault_holds() -> None:
    assert holds(GOOD)
    assert lines(GOOD)[-1] == "The day came out right."


@pytest.mark.parametrize(
    "fault",
    [
        {"cancel_mismatches": 1},
        {"trade_mismatches": 1},
        {"bbo_mismatches": 1},
        {"open_orders": 1},
        {"conserved": False},
        {"refused": {"UNKNOWN_ORDER": 1}},
        {"broken": ["A sentence."]},
    ],
)
def test_one_fault_of_any_kind_is_enough(fault: dict[str, object]) -> None:
    assert not holds(replace(GOOD, **fault))


def test_a_percentile_is_one_of_the_values() -> None:
    values = [count * 1_000 for count in range(1, 101)]
    assert [percentile_us(values, percent) for percent in (50, 99, 100)] == [50, 99, 100]
    assert percentile_us([7_999], 50) == 7

"""The measurements of recovery and takeover run, on a venue of a few rows, and measure that."""

from engine.bench.recovery import (
    LEASE_MS,
    measure_recovery,
    measure_takeover,
    recovery_lines,
    takeover_lines,
)


def test_a_recovery_is_measured_on_the_rows_that_were_asked_for(redis_url: str) -> None:
    figures = measure_recovery(redis_url, open_orders=40, idempotency_keys=90)
    assert (figures.open_orders, figures.idempotency_keys) == (40, 90)
    assert figures.process_s > 0
    assert any("40 open orders, 90 keys" in line for line in recovery_lines(figures))


def test_a_takeover_is_measured_from_the_kill_to_the_next_answer(redis_url: str) -> None:
    figures = measure_takeover(redis_url, rounds=2, open_orders=40, idempotency_keys=90)
    assert figures.from_memory == figures.rounds == 2
    assert LEASE_MS / 1_000 / 3 < figures.p50_s <= figures.p99_s <= figures.longest_s
    assert any("2 answered from memory" in line for line in takeover_lines(figures))

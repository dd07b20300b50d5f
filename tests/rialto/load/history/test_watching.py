"""A lag is from an order's answer to the first look at which the history had its event."""

import pytest

from rialto.load.history.bench import Beside
from rialto.load.history.rows import Series, percentile
from rialto.load.history.watching import Look, Watch


def watch_of(*looks: tuple[int, int]) -> Watch:
    watch = Watch("http://127.0.0.1:1", pid=1)
    watch.looks = [Look(at_ns, sequence, 0, 0.0) for at_ns, sequence in looks]
    return watch


@pytest.mark.parametrize(
    ("at_ns", "sequence", "lag_ns"),
    [(5, 7, 25), (5, 8, 25), (5, 9, 35), (30, 8, 0), (35, 8, 0), (10, 1, 0)],
)
def test_a_lag_ends_with_the_first_look_that_shows_the_event(
    at_ns: int, sequence: int, lag_ns: int
) -> None:
    watch = watch_of((10, 4), (20, 6), (30, 8), (40, 11), (50, 11))
    assert watch.lag_ns(at_ns, sequence) == lag_ns
    assert watch.sequence == 11


def test_a_history_that_was_not_looked_at_is_at_no_event() -> None:
    assert watch_of().sequence == 0


@pytest.mark.parametrize(("percent", "expected"), [(50, 2), (51, 3), (75, 3), (95, 4), (100, 4)])
def test_a_percentile_is_one_of_the_figures(percent: int, expected: int) -> None:
    assert percentile([1, 2, 3, 4], percent) == expected
    assert percentile([], percent) == 0


def test_figures_are_held_to_their_goals_and_a_moment_to_none() -> None:
    seen = Beside(
        catching_up_per_s=4_999,
        lags_ns=[5_000_000, 999_000_000],
        trades=10,
        cpu_us=700,
        halfway_bytes=100_000_000,
        end_bytes=131_000_000,
    )
    series, moment = Series(judges_speed=True), Series(judges_speed=False)
    for each in (series, moment):
        each.note_beside("SQLite", seen)
        each.note_alone("PostgreSQL", "trades", per_s=10_000, per_cpu_s=1, grown=0, lost=1)
        each.note_klines("SQLite", 10_000_000, [9_990_000, 1_000_000])
    reached = {row.what: row.reached for row in series.rows()}
    assert reached == {
        "SQLite, beside 2,000 orders/s: catching up": False,
        "SQLite, beside 2,000 orders/s: its CPU a trade": None,
        "SQLite, beside 2,000 orders/s: lag, p50": None,
        "SQLite, beside 2,000 orders/s: lag, p95": None,
        "SQLite, beside 2,000 orders/s: lag, max": True,
        "SQLite, beside 2,000 orders/s: memory grown": False,
        "PostgreSQL, trades: written alone": True,
        "PostgreSQL, trades: a second of our CPU": None,
        "PostgreSQL, trades: memory grown": True,
        "PostgreSQL, trades: not there afterwards": False,
        "SQLite, 500 candles of 10,000,000 trades: p50": True,
        "SQLite, 500 candles of 10,000,000 trades: p95": True,
    }
    judged = [row.what for row in moment.rows() if row.goal]
    assert judged == ["PostgreSQL, trades: not there afterwards"]

"""Candles of outside trades are exact of what was received, and say where something is missing."""

from decimal import localcontext
from random import Random
from typing import Any

import pytest

from history.outside.books import Newest, rows_of
from history.outside.hearing import Heard
from history.projection.intervals import INTERVALS_S, SECOND_NS
from tests.history.outlet.pencil import opened_ns
from tests.history.outside.market import (
    BOOK,
    FIRST,
    START_NS,
    outside_trade,
    random_trades,
    reckoned,
)


def recorded(heard: list[Heard], random: Random) -> tuple[dict[Any, Any], list[Any], Newest]:
    """The candles and gaps that come of trades in parts, some of which come twice."""
    candles: dict[Any, Any] = {}
    gaps: list[Any] = []
    newest, at = Newest(0, 0), 0
    while at < len(heard):
        part = heard[max(0, at - random.randint(0, 3)) : at + random.randint(1, 9)]
        rows = rows_of(BOOK, part, newest)
        candles |= {(row["interval_s"], row["open_at_ns"]): row for row in rows.candles}
        gaps += rows.gaps
        newest = rows.newest
        at = next(
            (n for n, each in enumerate(heard) if each.sequence > newest.sequence), len(heard)
        )
    return candles, gaps, newest


@pytest.mark.parametrize("number", range(5))
def test_candles_are_what_a_person_reckons_field_by_field(seed: int, number: int) -> None:
    random = Random(f"{seed}-{number}")
    heard = random_trades(random, 150)
    candles, gaps, _ = recorded(heard, random)
    with localcontext() as exact:
        exact.prec = 100
        for interval, interval_s in INTERVALS_S.items():
            found = {at: row for (length, at), row in candles.items() if length == interval_s}
            wanted = reckoned(heard, interval)
            assert found.keys() == wanted.keys()
            for open_at_ns, candle in wanted.items():
                row = found[open_at_ns]
                assert {name: row[name] for name in candle} == candle
                is_first = open_at_ns == opened_ns(heard[0].at_ns, interval)
                assert row["gaps"] == int(is_first), "nothing is known from before"
    assert gaps == [
        {"book": BOOK, "until_sequence": FIRST, "from_ns": 0, "until_ns": heard[0].at_ns}
    ]


def at(number: int, seconds: float) -> Heard:
    at_ns = START_NS + int(seconds * SECOND_NS)
    return Heard(number, at_ns, outside_trade(number, at_ns, "100.5", "0.1", "buy"))


def test_where_a_number_is_missing_both_candles_say_so() -> None:
    before = rows_of(BOOK, [at(1, 0), at(2, 0.1)], Newest(0, START_NS - 1)).newest
    rows = rows_of(BOOK, [at(4, 2.5), at(5, 3.5)], before)
    seconds = {row["open_at_ns"]: row for row in rows.candles if row["interval_s"] == 1}
    assert [row["gaps"] for _, row in sorted(seconds.items())] == [1, 1, 0]
    [day] = [row for row in rows.candles if row["interval_s"] == INTERVALS_S["1d"]]
    assert (day["gaps"], day["trades"]) == (1, 4), "it begins and ends in the same one"
    [gap] = rows.gaps
    assert (gap["from_ns"], gap["until_ns"]) == (START_NS + SECOND_NS // 10, at(4, 2.5).at_ns)


def test_what_is_no_amount_is_as_if_it_had_not_come() -> None:
    odd = at(2, 1)
    odd = odd._replace(trade=outside_trade(2, odd.at_ns, "1e5", "1", "buy"))
    rows = rows_of(BOOK, [at(1, 0), odd, at(3, 2)], Newest(0, START_NS - 1))
    assert [row["sequence"] for row in rows.trades] == [1, 3]
    assert [gap["until_sequence"] for gap in rows.gaps] == [3]


def test_a_clock_that_is_put_back_changes_no_candle_that_is_done() -> None:
    rows = rows_of(BOOK, [at(1, 5), at(2, 1)], Newest(0, START_NS - 1))
    assert [row["at_ns"] for row in rows.trades] == [START_NS + 5 * SECOND_NS] * 2
    assert {row["trades"] for row in rows.candles} == {2}

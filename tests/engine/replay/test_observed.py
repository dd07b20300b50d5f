"""Events are believed only when none is missing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.core.exchange import Exchange
from engine.replay.day import read_day
from engine.replay.errors import ReplayError
from engine.replay.observed import observe
from engine.replay.plan import make_plan
from engine.replay.reference import play
from shared.messages import Applied
from tests.support.tiny_day import ROWS, write_day


def applied(folder: Path) -> tuple[int, list[Applied]]:
    plan, exchange = make_plan(read_day(write_day(folder))), Exchange()
    entries = [
        Applied(n, 0, tuple(exchange.apply(command, n=n)))
        for n, command in enumerate([*plan.opening, *plan.commands], 1)
    ]
    return len(plan.opening) + 1, entries


def without(entries: list[Applied], n: int) -> Iterator[Applied]:
    return (entry for entry in entries if entry.n != n)


def test_the_events_say_what_the_simple_exchange_says(tmp_path: Path) -> None:
    first_n, entries = applied(tmp_path)
    found = observe(iter(entries), first_n, len(ROWS), 5)
    assert found == play(read_day(tmp_path / "orders.csv").rows)


def test_a_missing_entry_is_a_hole(tmp_path: Path) -> None:
    first_n, entries = applied(tmp_path)
    with pytest.raises(ReplayError, match="a hole before row 3"):
        observe(without(entries, first_n + 3), first_n, len(ROWS), 5)


def test_a_missing_end_is_noticed(tmp_path: Path) -> None:
    first_n, entries = applied(tmp_path)
    with pytest.raises(ReplayError, match="ends after row 6 of 7"):
        observe(iter(entries[:-1]), first_n, len(ROWS), 5)


def test_a_missing_depth_event_is_a_gap(tmp_path: Path) -> None:
    first_n, entries = applied(tmp_path)
    place = entries[first_n]  # The second row.
    entries[first_n] = Applied(place.n, place.at_ns, place.events[:-1])
    with pytest.raises(ReplayError, match="a gap before 3"):
        observe(iter(entries), first_n, len(ROWS), 5)

"""Windows of the clock, and tables that stay bounded."""

from api.limits.tallies import Table, Tally, Window

MINUTE = Window("weight", 60, 100)


def test_a_window_begins_anew_by_the_clock() -> None:
    tally = Tally(MINUTE, "a")
    tally.total(119.9)
    tally.used, tally.others = 70, 20
    assert tally.total(119.9) == 90
    assert tally.wait_s(119.9) == 1
    assert tally.total(120.0) == 0
    assert tally.wait_s(120.0) == 60


def test_only_what_used_a_tenth_is_anybody_elses_business() -> None:
    busy: set[Tally] = set()
    table = Table(MINUTE, size_max=10, busy=busy)
    tally = table.of("a")
    table.add(tally, 9)
    assert not busy
    table.add(tally, 1)
    assert busy == {tally}


def test_a_full_table_forgets_who_was_not_seen_for_longest() -> None:
    table = Table(MINUTE, size_max=3, busy=set())
    for name in ("a", "b", "c", "a", "d"):
        tally = table.of(name)
        tally.total(0.0)
        table.add(tally, 1)
    assert len(table) == 3
    assert [table.of(name).used for name in ("a", "c", "d")] == [2, 1, 1]
    assert table.of("b").used == 0


def test_what_is_not_limited_is_nobody_elses_business() -> None:
    busy: set[Tally] = set()
    table = Table(Window("weight", 60, 0), size_max=10, busy=busy)
    table.add(table.of("a"), 1_000)
    assert not busy

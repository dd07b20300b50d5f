"""From times to figures, and nothing is left out in silence."""

from array import array

from rialto.load.feed.figures import latencies, percentile_ms, undelivered
from rialto.load.feed.plan import Arrivals, Recorded
from rialto.load.feed.tap import Stamp

MS = 1_000_000
DEPTH = "depth:A_B"


def recorded(*arrivals: Arrivals) -> Recorded:
    return Recorded(
        elapsed_ns=1,
        messages=0,
        bytes=0,
        reads=0,
        faults=0,
        cut=0,
        lagged=0,
        sentences=[],
        arrivals=list(arrivals),
        ends={},
    )


def arrivals(channel: str, first: int, last: int, *at_ms: int) -> Arrivals:
    return Arrivals(channel, first, last, array("q", [ms * MS for ms in at_ms]).tobytes())


def test_a_message_is_late_by_its_oldest_change_and_beyond_the_interval() -> None:
    stamps = {
        (DEPTH, 1): Stamp(990 * MS, 1_000 * MS),
        (DEPTH, 2): Stamp(1_190 * MS, 1_200 * MS),
    }
    passed = recorded(arrivals(DEPTH, 1, 2, 1_260, 1_240), arrivals("trades:A_B", 1, 1, 5_000))
    late = latencies(passed, stamps, kind="depth:", interval_ns=250 * MS)
    assert late.published_ns == [-10 * MS, 10 * MS]
    assert late.committed_ns == [0, 20 * MS]
    assert late.unknown == 0


def test_what_nobody_published_is_counted() -> None:
    late = latencies(recorded(arrivals(DEPTH, 9, 9, 1, 2, 3)), {}, kind="depth:")
    assert (late.published_ns, late.unknown) == ([], 3)


def test_percentiles_are_by_nearest_rank() -> None:
    hundred = [number * MS for number in range(1, 101)]
    assert [percentile_ms(hundred, percent) for percent in (50, 99, 100)] == [50, 99, 100]
    assert percentile_ms([3 * MS], 99) == 3
    assert percentile_ms([], 99) == 0


def test_who_does_not_stand_at_the_end_is_counted() -> None:
    ends = {DEPTH: {7: 10, 6: 2, 3: 1}, "trades:A_B": {4: 13}}
    assert undelivered(ends, {DEPTH: 7, "trades:A_B": 4}) == 3
    assert undelivered(ends, {DEPTH: 7, "trades:A_B": 5}) == 16
    # Where nothing happened while it was watched, there is nothing to miss.
    assert undelivered(ends, {}) == 0

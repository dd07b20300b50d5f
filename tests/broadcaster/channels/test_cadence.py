"""Beats, pure: fixed moments, spread over the interval, and nothing left of those that ended."""

import random
import weakref
from collections import Counter
from itertools import pairwise

from broadcaster.channels.cadence import NS_PER_MS, STOPPED_KEPT_MAX, Beat, Cadence


class Member:
    """Writes down when it is called."""

    def __init__(self, cadence: Cadence, interval_ms: int) -> None:
        self.now_ms = 0
        self.at_ms: list[int] = []
        self.beat = cadence.start(self.act, interval_ms)

    def act(self) -> None:
        self.at_ms.append(self.now_ms)


def run(cadence: Cadence, members: list[Member], *at_ms: int) -> None:
    for now_ms in at_ms:
        for member in members:
            member.now_ms = now_ms
        cadence.run(now_ms * NS_PER_MS)


def gaps_ms(member: Member) -> set[int]:
    return {after - before for before, after in pairwise(member.at_ms)}


def test_a_member_is_called_once_in_every_interval_always_at_the_same_part_of_it() -> None:
    cadence = Cadence()
    members = [Member(cadence, interval_ms) for interval_ms in (10, 25, 100, 250) for _ in range(9)]
    run(cadence, members, *range(1_000))
    for member in members:
        interval_ms = member.beat.interval_ns // NS_PER_MS
        assert abs(len(member.at_ms) - 1_000 // interval_ms) <= 1
        assert gaps_ms(member) == {interval_ms}


def test_the_part_does_not_depend_on_when_a_member_came() -> None:
    parts = []
    for start_ms in (0, 123_456_789):
        cadence = Cadence()
        run(cadence, [], start_ms)
        members = [Member(cadence, 250) for _ in range(20)]
        run(cadence, members, *range(start_ms, start_ms + 250))
        parts.append([member.at_ms[0] % 250 for member in members])
    assert parts[0] == parts[1]


def test_members_are_spread_however_many_there_are_and_whichever_are_taken() -> None:
    for step in (1, 2, 4, 10):
        cadence = Cadence()
        all_members = [Member(cadence, 1_000) for _ in range(100 * step)]
        members = all_members[::step]
        run(cadence, members, *range(1_000))
        tenths = Counter(at_ms // 100 for member in members for at_ms in member.at_ms)
        assert sum(tenths.values()) == 100
        assert set(tenths) == set(range(10)), (step, tenths)
        assert max(tenths.values()) <= 14, (step, tenths)


def test_missed_beats_are_skipped_and_the_next_one_is_where_it_always_was() -> None:
    cadence = Cadence()
    members = [Member(cadence, 100) for _ in range(5)]
    run(cadence, members, *range(200))
    before = [member.at_ms[-1] for member in members]
    run(cadence, members, 1_234)
    assert [len(member.at_ms) for member in members] == [3] * 5, "once for all that was missed"
    run(cadence, members, *range(1_235, 1_335))
    for member, at_ms in zip(members, before, strict=True):
        assert (member.at_ms[-1] - at_ms) % 100 == 0
        assert len(member.at_ms) == 4


def test_what_is_stopped_is_not_called_again_also_by_another_in_the_same_run() -> None:
    cadence, called = Cadence(), []
    beats: list[Beat] = []

    def act(number: int) -> None:
        called.append(number)
        cadence.stop(beats[1 - number])

    beats.append(cadence.start(lambda: act(0), 10))
    beats.append(cadence.start(lambda: act(1), 10))
    cadence.run(100 * NS_PER_MS)
    cadence.run(200 * NS_PER_MS)
    assert len(called) == 2
    assert len(set(called)) == 1
    assert len(cadence) == 1


def test_what_has_ended_is_let_go_at_once_and_leaves_the_heap_long_before_it_is_due() -> None:
    cadence = Cadence()
    staying = [Member(cadence, 60_000) for _ in range(10)]
    for _ in range(10_000):
        member = Member(cadence, 60_000)
        gone = weakref.ref(member)
        cadence.stop(member.beat)
        cadence.stop(member.beat)
        del member
        assert gone() is None
    assert len(cadence) == len(staying)
    assert len(cadence._due) <= len(staying) + STOPPED_KEPT_MAX + 1
    run(cadence, staying, 59_999, 119_999)
    assert all(len(member.at_ms) == 2 for member in staying)


def test_many_comings_and_goings_leave_those_who_stay_on_time() -> None:
    seed = 20_261_121
    draw, cadence = random.Random(seed), Cadence()
    members: list[Member] = []
    for now_ms in range(3_000):
        run(cadence, members, now_ms)
        if draw.random() < 0.5:
            members.append(Member(cadence, draw.choice((1, 7, 100, 60_000))))
        if members and draw.random() < 0.5:
            cadence.stop(members.pop(draw.randrange(len(members))).beat)
        assert len(cadence) == len(members), seed
        assert cadence._stopped_count <= max(STOPPED_KEPT_MAX, len(members)) + 1
    for member in members:
        interval_ms = member.beat.interval_ns // NS_PER_MS
        assert gaps_ms(member) <= {interval_ms}, seed


def test_whoever_waits_for_the_next_beat_is_told_only_of_an_earlier_one() -> None:
    cadence = Cadence()
    told: list[int] = []

    def tell() -> None:
        assert cadence.next_ns is not None
        told.append(cadence.next_ns)

    run(cadence, [], 5)
    cadence.on_earlier = tell
    for interval_ms in (60_000, 50_000, 1_000, 55_000, 10):
        before, count = cadence.next_ns, len(told)
        cadence.start(lambda: None, interval_ms)
        assert len(told) - count == (cadence.next_ns != before)
    assert told == sorted(set(told), reverse=True)
    assert 2 <= len(told) < 5, "some were earlier and some were not"

"""Which frames are measured, and what is said of them."""

from aggregator.metrics import STAGES, Sampler, StageTimes


def test_one_frame_of_so_many_is_measured_beginning_with_the_first() -> None:
    sampler = Sampler(3)
    assert [sampler.wants() for _ in range(7)] == [True, False, False, True, False, False, True]


def test_none_is_measured_where_it_is_switched_off() -> None:
    sampler = Sampler(0)
    assert not any(sampler.wants() for _ in range(5))


def test_each_stage_is_told_apart() -> None:
    times = StageTimes()
    times.add("parse", 4_000)
    times.add("parse", 6_000)
    times.add("publish", 90_000)
    times.slide(1)
    said = times.report()
    assert tuple(said) == STAGES
    assert (said["parse"]["count"], said["parse"]["mean"]) == (2, 5)
    assert said["publish"]["max"] == 90
    assert said["verify"]["count"] == 0

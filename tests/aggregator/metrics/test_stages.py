"""What is said of the stages of a frame."""

from aggregator.metrics import STAGES, StageTimes


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

"""Stages are measured of one round in some."""

from dataclasses import dataclass

from aggregator.books.desk import Desk, DeskOptions
from aggregator.measuring import Measuring
from aggregator.metrics import StageTimes
from aggregator.metrics.stages import SAMPLED_1_OF
from aggregator.registry import load_connectors


@dataclass
class FakeFeed:
    is_timed: bool = False
    waited_ns: int = 0


def test_a_round_in_some_is_measured_and_the_others_are_not() -> None:
    connector, manifest = load_connectors()["kraken:spot"]
    desk = Desk(connector, manifest, ["BTC/USD"], DeskOptions(is_timed=True))
    times = StageTimes()
    feed = FakeFeed()
    measuring = Measuring([desk], {"kraken:spot": feed}, {"kraken:spot": times})
    assert desk.stopwatch is not None
    measured = 0
    for _ in range(SAMPLED_1_OF * 3):
        if desk.stopwatch.is_on:
            measured += 1
            assert feed.is_timed or measured == 1
            feed.waited_ns = 700
            desk.last_stage_ns = (1_000, 2_000, 0)
        measuring.look()
    assert 3 <= measured <= 4
    assert times.histograms["apply"].total == measured
    assert times.histograms["receive"].total == measured
    assert times.histograms["receive"].percentiles().max == 700
    assert feed.waited_ns == 0


def test_without_metrics_nothing_is_touched() -> None:
    Measuring([], {}, {}).look()

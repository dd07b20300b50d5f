"""How long a frame takes on its way, stage by stage.

The rule of this file: pure. Reading a clock four times and counting four values costs a fifth of
handling a small frame, so of one round in some a frame is measured and the others are not; which
one, is counted and not thrown for, so that it costs next to nothing. `publish` is measured of every
round in which a book has changed, and `client` of a message now and then: see `client_probe`.
"""

from aggregator.metrics.histogram import Histogram

# From the socket to the desk; reading it; changing the book; proving it. And from the socket until
# it was written to Redis, and until a client of a broadcaster has it.
STAGES = ("receive", "parse", "apply", "verify", "publish", "client")
# Prime, so that a venue that sends its kinds of messages in turn is not measured in one of them.
SAMPLED_1_OF = 17


class StageTimes:
    """The histograms of one feed."""

    __slots__ = ("histograms",)

    def __init__(self) -> None:
        self.histograms = {stage: Histogram() for stage in STAGES}

    def add(self, stage: str, value_ns: int) -> None:
        self.histograms[stage].add(value_ns)

    def slide(self, at_ns: int) -> None:
        for histogram in self.histograms.values():
            histogram.slide(at_ns)

    def report(self) -> dict[str, dict[str, int]]:
        """Return count, mean, min, max, p50, p95 and p99 of each stage in whole microseconds."""
        return {
            stage: histogram.percentiles().in_us() for stage, histogram in self.histograms.items()
        }

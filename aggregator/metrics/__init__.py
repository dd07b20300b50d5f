"""What the aggregator knows of itself: latencies, rates, the process.

The rule of this room: pure but for `process.py`, and cheap: whatever runs for each frame is a few
additions, and everything else happens once a second.
"""

from aggregator.metrics.histogram import Histogram, Percentiles
from aggregator.metrics.rates import Rates
from aggregator.metrics.stages import SAMPLED_1_OF, STAGES, StageTimes

__all__ = [
    "SAMPLED_1_OF",
    "STAGES",
    "Histogram",
    "Percentiles",
    "Rates",
    "StageTimes",
]

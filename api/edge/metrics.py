"""What the gateway counts.

The rule of this file: labels come from the routes, never from a client.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """The figures of one gateway process, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "rialto_api_requests_total",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "rialto_api_request_seconds",
            "From the request's head to the end of the answer.",
            ("method", "route"),
            buckets=BUCKETS_S,
            registry=self.registry,
        )
        self.under_way = Gauge(
            "rialto_api_requests_under_way", "Requests being answered.", registry=self.registry
        )

        self.backlog = Gauge(
            "rialto_api_backlog_commands",
            "Commands on the journal that the engine has not carried out; -1 is not known.",
            registry=self.registry,
        )

    def text(self) -> bytes:
        return generate_latest(self.registry)

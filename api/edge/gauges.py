"""What stands in the gateway now: limits, breakers, connections, queues.

The rule of this file: figures are read when they are asked for; counting costs the requests
nothing. Labels are names from this program, never from a client.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

Number = int | float | bool
Read = Callable[[], Number | Mapping[str, Number]]


class Gauges(Collector):
    """A collector of figures that are read by functions; register it with a registry."""

    def __init__(self) -> None:
        self._gauges: list[tuple[str, str, str, Read]] = []
        self._counters: list[tuple[str, str, str, Read]] = []

    def gauge(self, name: str, about: str, read: Read, *, label: str = "") -> None:
        """Add a figure; with a `label`, `read` returns one for each of its values."""
        self._gauges.append((f"rialto_api_{name}", about, label, read))

    def counter(self, name: str, about: str, read: Read, *, label: str = "") -> None:
        """Add a figure that only grows; else as `gauge`. Its name gets `_total` behind it."""
        self._counters.append((f"rialto_api_{name}", about, label, read))

    def describe(self) -> Iterable[Metric]:
        """Return nothing: what there is is known when it is collected."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield every figure as it is now."""
        for name, about, label, read in self._gauges:
            yield _filled(GaugeMetricFamily(name, about, labels=_labels(label)), read())
        for name, about, label, read in self._counters:
            yield _filled(CounterMetricFamily(name, about, labels=_labels(label)), read())


def _labels(label: str) -> tuple[str, ...]:
    return (label,) if label else ()


def _filled(
    family: GaugeMetricFamily | CounterMetricFamily, value: Number | Mapping[str, Number]
) -> Metric:
    if isinstance(value, Mapping):
        for name, number in value.items():
            family.add_metric((name,), float(number))
    else:
        family.add_metric((), float(value))
    return family

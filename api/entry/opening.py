"""Order entry by WebSocket, opened and closed.

The rule of this file: its parts meet here and nowhere else.
"""

import contextlib
from collections.abc import AsyncIterator, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.entry.clerk import Clerk
from api.entry.handshake import PATH
from api.entry.limits import SocketCount
from api.entry.sockets import EntryHub
from api.gateway import Gateway
from api.orders.desk import Desk
from api.orders.lookup import OrderLookup


@contextlib.asynccontextmanager
async def open_entry(gateway: Gateway, origins: tuple[str, ...] = ()) -> AsyncIterator[EntryHub]:
    """Give the hub of this process's connections."""
    lookup = OrderLookup(gateway.store, gateway.catalog)
    desk = Desk(gateway.bus, gateway.catalog, lookup)
    hub = EntryHub(
        gateway.callers.trader_by_token,
        Clerk(gateway.bus, gateway.catalog, desk, gateway.limits.take_orders),
        origins=origins,
        address_of=gateway.proxies.client_of,
        charge=lambda address: gateway.limits.enter(address, "GET", PATH, b"")[1],
    )
    _count(hub.counts, gateway.metrics.registry)
    hub.start()
    try:
        yield hub
    finally:
        await hub.close()


def _count(counts: SocketCount, registry: CollectorRegistry) -> None:
    registry.register(_Figures(counts))


class _Figures(Collector):
    def __init__(self, counts: SocketCount) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        open_now = GaugeMetricFamily("rialto_api_sockets", "WebSockets of order entry.")
        open_now.add_metric([], self._counts.total)
        yield open_now
        answers = CounterMetricFamily(
            "rialto_api_socket_answers", "Answers by WebSocket.", labels=["status"]
        )
        for status, count in sorted(self._counts.answers.items()):
            answers.add_metric([str(status)], count)
        yield answers

"""Which figures of a gateway's parts are shown to machines that watch.

The rule of this file: it only reads.
"""

from api.edge.gauges import Gauges
from api.gateway import Gateway
from api.limits.sharing import Sharing
from shared.breaker import Breaker
from shared.redis_client import CountedPool


def watch(gateway: Gateway, pool: CountedPool, sharing: Sharing) -> None:
    """Add what the parts of `gateway` know to its metrics."""
    gauges = Gauges()
    limits, bus = gateway.limits, gateway.bus
    breakers = {breaker.name: breaker for breaker in gateway.breakers}
    gauges.counter(
        "limited",
        "Refused for a limit, addresses banned, and what those asked since.",
        lambda: limits.refused,
        label="kind",
    )
    gauges.gauge("bans", "Addresses that are banned.", lambda: _bans_now(gateway))
    gauges.gauge("limit_table_size", "Subjects counted.", lambda: limits.sizes, label="table")
    gauges.gauge("limits_shared", "Whether gateways share limits.", lambda: sharing.is_up)
    gauges.gauge("breaker_open", "1 while it refuses.", lambda: _open(breakers), label="breaker")
    gauges.counter(
        "breaker_opened",
        "How often it began to refuse.",
        lambda: {name: breaker.opened for name, breaker in breakers.items()},
        label="breaker",
    )
    gauges.gauge("engine_up", "Whether the engine is heard.", lambda: bus.engine_is_up)
    gauges.gauge("redis_pool_size", "Connections at most.", lambda: pool.max_connections)
    gauges.gauge("redis_pool_in_use", "Connections in use.", lambda: pool.in_use)
    gauges.counter("redis_pool_waits", "Waits for a connection.", lambda: pool.waits)
    gauges.gauge("bus_in_flight", "Commands not answered yet.", lambda: bus.in_flight)
    gauges.gauge("passwords_waiting", "Passwords to hash.", lambda: gateway.passwords.waiting)
    gauges.gauge("loop_lag_seconds", "The worst since last asked.", gateway.loop_lag.take_s)
    gateway.metrics.registry.register(gauges)


def _bans_now(gateway: Gateway) -> int:
    return len(gateway.limits.bans.present(gateway.limits.clock()))


def _open(breakers: dict[str, Breaker]) -> dict[str, bool]:
    return {name: not breaker.is_closed for name, breaker in breakers.items()}

"""What a generator is told to do, and what it tells of it.

The rule of this file: shapes only; they travel between two processes as msgpack.
"""

from enum import StrEnum

from msgspec import Struct


class Kind(StrEnum):
    """What is sent again and again."""

    ORDER = "order"  # POST /order, a new order each time.
    EMPTY = "empty"  # The POST that does nothing, of the application compared with.
    BARE = "bare"  # The same without a look at the token's signature.
    DEPTH = "depth"
    OPEN = "open"
    BATCH = "batch"  # POST /order/batch with ORDERS_PER_BATCH new orders.
    SOCKET = "socket"  # Orders as frames of a WebSocket.


ORDERS_PER_BATCH = 100  # The most that a batch may hold.


class Plan(Struct, frozen=True, kw_only=True):
    """One measurement.

    `count` is how many requests (orders, where a request has several). With a `rate_per_s` they are
    sent at times fixed before, whatever the answers do; with 0 the next goes out when an answer
    has come, and each connection has `in_flight` on their way. `prefix` begins all the keys.
    """

    kind: Kind
    port: int
    tokens: list[str]
    market: str
    prefix: str
    count: int
    connections: int
    in_flight: int = 1
    rate_per_s: int = 0


class Outcome(Struct, frozen=True, kw_only=True):
    """What came of it.

    Latencies are from the time at which a request was due. `late_p99_us`: how late the generator
    itself was to send. `statuses` counts the answers; `ns` are the journal numbers of those that
    carried out an order, and `order_ids` the orders.
    """

    count: int
    elapsed_ns: int
    p50_us: int
    p99_us: int
    max_us: int
    late_p99_us: int
    statuses: dict[str, int]
    ns: list[int]
    order_ids: list[int]

    @property
    def per_s(self) -> int:
        return self.count * 10**9 // max(self.elapsed_ns, 1)

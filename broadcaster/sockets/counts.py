"""What the sockets have done so far, counted.

The rule of this file: plain numbers that only grow, so that a scraper can subtract; labels come
from a bounded set, whatever clients send.
"""

from collections import Counter
from collections.abc import Mapping

ABNORMAL = 1006  # No close frame: the connection broke.
CODES_OF_CLIENTS = frozenset({1000, 1001, 1005})  # What decent clients leave with.
OTHER = 0


class Counts:
    """The counters of one server."""

    def __init__(self) -> None:
        self.sockets = 0  # Of all kinds, pages and refused ones too.
        self.connections = 0
        self.messages_received = 0
        self.messages_sent = 0
        self.bytes_sent = 0
        self.writes = 0
        self.lagged = 0  # Of clients that have left.
        self.refused: Counter[str] = Counter()
        self.closed: Counter[int] = Counter()

    def client_left(self, code: int) -> None:
        """Count a connection that the client has ended, with a close code of its choice."""
        self.closed[code if code in CODES_OF_CLIENTS else OTHER] += 1

    def as_metrics(self) -> Mapping[str, int]:
        """Return the counters by their names in /metrics."""
        closed = {
            f'closed_total{{code="{code or "other"}"}}': count
            for code, count in sorted(self.closed.items())
        }
        refused = {
            f'refused_total{{reason="{reason}"}}': count
            for reason, count in sorted(self.refused.items())
        }
        return {
            "sockets_total": self.sockets,
            "connections_total": self.connections,
            "messages_received_total": self.messages_received,
            "messages_sent_total": self.messages_sent,
            "bytes_sent_total": self.bytes_sent,
            "writes_total": self.writes,
            **closed,
            **refused,
        }

"""How much one client, one address and all together may ask for.

The rule of this file: pure counting; the time is given. What exceeds a limit is told so by the
caller.
"""

import ipaddress
from collections import Counter

MESSAGE_SIZE_MAX = 16 * 1024  # 200 channel names fit; larger frames end the connection with 1009.
MESSAGES_BURST_MAX = 200  # A client that sets up everything it wants in separate messages.
MESSAGES_PER_S = 10  # After that; nobody changes subscriptions faster.
BAD_MESSAGES_BURST_MAX = 50  # An afternoon of a developer's typing errors; a fuzzer is cut off.
BAD_MESSAGES_PER_S = 0.1
SUBSCRIPTIONS_MAX = 200  # Per connection; more markets are for a second connection.
CONNECTIONS_MAX = 12_000  # 10,000 subscribers and a margin; fewer where descriptors are short.
CONNECTIONS_PER_ADDRESS_MAX = 50  # An office behind one address; a single host is not a crowd.
CONNECTIONS_PER_ACCOUNT_MAX = 20  # Screens and bots of one trader.

NS_PER_S = 1_000_000_000


class Allowance:
    """A bucket of `burst_max` permits, refilled at `per_s`; a clock that jumps back adds none."""

    def __init__(self, burst_max: int, per_s: float, now_ns: int) -> None:
        self._burst_max = burst_max
        self._per_s = per_s
        self._left: float = burst_max
        self._at_ns = now_ns

    def take(self, now_ns: int) -> bool:
        """Take a permit; return False when there is none."""
        elapsed_s = max(0, now_ns - self._at_ns) / NS_PER_S
        self._at_ns = now_ns
        self._left = min(self._burst_max, self._left + elapsed_s * self._per_s)
        if self._left < 1:
            return False
        self._left -= 1
        return True


class ConnectionCount:
    """Counts open connections in all and by address; this machine's own addresses are not limited.

    What comes over loopback is the operator's own, or a proxy that counts for itself.
    """

    def __init__(
        self,
        connections_max: int = CONNECTIONS_MAX,
        per_address_max: int = CONNECTIONS_PER_ADDRESS_MAX,
    ) -> None:
        self._connections_max = connections_max
        self._per_address_max = per_address_max
        self._by_address: Counter[str] = Counter()
        self.total = 0

    def has_room_for(self, address: str) -> bool:
        """Whether one more connection from there may be counted in."""
        if self.total >= self._connections_max:
            return False
        # A missing key reads as 0 and is not stored by the look.
        return self._by_address[address] < self._per_address_max or _is_loopback(address)

    def enter(self, address: str) -> bool:
        """Count a connection in; return False and count nothing when it is one too many."""
        if not self.has_room_for(address):
            return False
        self._by_address[address] += 1
        self.total += 1
        return True

    def leave(self, address: str) -> None:
        """Count out a connection that was counted in."""
        self.total -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False

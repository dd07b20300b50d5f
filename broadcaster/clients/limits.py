"""How much one client, one address and all together may ask for.

The rule of this file: pure counting; the time is given. What exceeds a limit is told so by the
caller.
"""

from collections import Counter
from collections.abc import Callable

from shared.addresses import counted_as, is_loopback

MESSAGE_SIZE_MAX = 16 * 1024  # 200 channel names fit; larger frames end the connection with 1009.
MESSAGES_BURST_MAX = 200  # A client that sets up everything it wants in separate messages.
MESSAGES_PER_S = 10  # After that; nobody changes subscriptions faster.
FRAMES_BURST_MAX = 1_000  # A large message in small fragments, and pings besides.
FRAMES_PER_S = 50  # After that; whoever sends more than this does not want to say anything.
BAD_MESSAGES_BURST_MAX = 50  # An afternoon of a developer's typing errors; a fuzzer is cut off.
BAD_MESSAGES_PER_S = 0.1
SUBSCRIPTIONS_MAX = 200  # Per connection; more markets are for a second connection.
PATTERNS_MAX = 20  # Of these; every channel that comes is compared with all of them.
CHANNELS_PER_PERMIT = 100  # What a pattern stands for, or a list names, is no one message.
# For an account's beginning thousands of orders may have to be read; a connection needs one, or a
# few. Updates that show a hole ask for another one at no cost.
ACCOUNT_PERMITS = 10
LIST_PERMITS_MAX = 100  # However many channels there are, a client may list them once in a while.
PATTERN_CHANNELS_MAX = 2_000  # Through patterns: ten venues' books; each costs some 300 bytes.
CONNECTIONS_MAX = 12_000  # 10,000 subscribers and a margin; fewer where descriptors are short.
CONNECTIONS_PER_ADDRESS_MAX = 50  # An office behind one address; a single host is not a crowd.
CONNECTIONS_PER_ACCOUNT_MAX = 20  # Screens and bots of one trader.
IDLE_S = 60  # With nothing subscribed and nothing said: whoever wants something says so by then.

NS_PER_S = 1_000_000_000


class Allowance:
    """A bucket of `burst_max` permits, refilled at `per_s`; a clock that jumps back adds none."""

    __slots__ = ("_at_ns", "_burst_max", "_left", "_per_s")

    def __init__(self, burst_max: int, per_s: float, now_ns: int) -> None:
        self._burst_max = burst_max
        self._per_s = per_s
        self._left: float = burst_max
        self._at_ns = now_ns

    def take(self, now_ns: int, permits: int = 1) -> bool:
        """Take so many permits; return False, and take none, when there are fewer."""
        elapsed_s = max(0, now_ns - self._at_ns) / NS_PER_S
        self._at_ns = now_ns
        self._left = min(self._burst_max, self._left + elapsed_s * self._per_s)
        if self._left < permits:
            return False
        self._left -= permits
        return True


class ConnectionCount:
    """Counts open connections in all and by address, an IPv6 line as one.

    Those of `is_free` are not limited: what comes over loopback is the operator's own, or a proxy.
    """

    def __init__(
        self,
        connections_max: int = CONNECTIONS_MAX,
        per_address_max: int = CONNECTIONS_PER_ADDRESS_MAX,
        is_free: Callable[[str], bool] = is_loopback,
    ) -> None:
        self.connections_max = connections_max
        self.per_address_max = per_address_max
        self.is_free = is_free
        self._by_address: Counter[str] = Counter()
        self.total = 0

    def has_room_for(self, address: str) -> bool:
        """Whether one more connection from there may be counted in."""
        if self.total >= self.connections_max:
            return False
        # A missing key reads as 0 and is not stored by the look.
        return self._by_address[counted_as(address)] < self.per_address_max or self.is_free(address)

    def enter(self, address: str) -> bool:
        """Count a connection in; return False and count nothing when it is one too many."""
        if not self.has_room_for(address):
            return False
        self._by_address[counted_as(address)] += 1
        self.total += 1
        return True

    def leave(self, address: str) -> None:
        """Count out a connection that was counted in."""
        self.total -= 1
        name = counted_as(address)
        self._by_address[name] -= 1
        if not self._by_address[name]:
            del self._by_address[name]

"""How much one connection, one address, one account and all together may do.

The rule of this file: pure counting; what exceeds a limit is told so by the caller.
"""

import ipaddress
from collections import Counter
from collections.abc import Hashable
from typing import TypeVar

from shared.addresses import counted_as

IN_FLIGHT_MAX = 256  # Orders of a connection without an answer; then it is not read until one is.
MESSAGE_SIZE_MAX = 16_384  # As a REST body; the largest sensible order is below 1 KiB.
MISTAKES_MAX = 100  # Frames that are no request, in a row: a program that will not learn.
ASIDES_MAX = 200  # Pings, tokens and mistakes in ASIDES_WITHIN_NS: twenty times what anybody needs.
OUTBOX_BYTES_MAX = 8 << 20  # 256 answers with a thousand fills each do not all fit; a reader's do.
SOCKETS_MAX = 1_000  # In all: a bot has a few, and each may have 256 orders under way.
SOCKETS_PER_ADDRESS_MAX = 50  # An office behind one address.
SOCKETS_PER_ACCOUNT_MAX = 10
ID_LENGTH_MAX = 64

ASIDES_WITHIN_NS = 10 * 10**9
AUTH_WITHIN_NS = 5 * 10**9  # A client has its token before it connects.
PING_AFTER_NS = 20 * 10**9  # Of silence; with as much again for the answer, a dead peer is gone.
SILENCE_MAX_NS = 40 * 10**9
STALL_MAX_NS = 10 * 10**9  # A client that takes no byte for so long does not read; it is cut.
CLOSING_MAX_NS = 2 * 10**9  # How long a client may take to say goodbye.

T = TypeVar("T", bound=Hashable)


class SocketCount:
    """Counts open connections in all, by address and by account.

    This machine's own addresses are not limited: what comes over loopback is the operator's own, or
    a proxy that counts for itself.
    """

    def __init__(
        self,
        sockets_max: int = SOCKETS_MAX,
        per_address_max: int = SOCKETS_PER_ADDRESS_MAX,
        per_account_max: int = SOCKETS_PER_ACCOUNT_MAX,
    ) -> None:
        self._sockets_max = sockets_max
        self._per_address_max = per_address_max
        self._per_account_max = per_account_max
        self._by_address: Counter[str] = Counter()
        self._by_account: Counter[int] = Counter()
        self.total = 0
        self.answers: Counter[int] = Counter()  # By status, since the start.

    def enter(self, address: str) -> bool:
        """Count a connection in; return False and count nothing when it is one too many."""
        name = counted_as(address)
        is_full = self._by_address[name] >= self._per_address_max and not _is_loopback(address)
        if self.total >= self._sockets_max or is_full:
            return False
        self._by_address[name] += 1
        self.total += 1
        return True

    def leave(self, address: str) -> None:
        """Count out a connection that was counted in."""
        self.total -= 1
        _take_one(self._by_address, counted_as(address))

    def log_in(self, account_id: int) -> bool:
        """Count an account's connection in; return False when it is one too many."""
        if self._by_account[account_id] >= self._per_account_max:
            return False
        self._by_account[account_id] += 1
        return True

    def log_out(self, account_id: int) -> None:
        """Count out an account's connection that was counted in."""
        _take_one(self._by_account, account_id)


def _take_one(counter: Counter[T], name: T) -> None:
    counter[name] -= 1
    if not counter[name]:
        del counter[name]


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False

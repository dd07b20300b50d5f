"""Free ports beside each other, for what takes several in a row."""

import contextlib
import socket

from rialto.embedded_redis import choose_port

ATTEMPTS_MAX = 100


def ports_in_a_row(count: int) -> int:
    """Return the first of `count` loopback ports that are free now."""
    for _ in range(ATTEMPTS_MAX):
        first = choose_port()
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(first, first + count):
                probe = stack.enter_context(socket.socket())
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
            return first
    raise AssertionError(f"there are no {count} free ports in a row")

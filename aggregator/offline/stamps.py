"""Times as venues write them.

The rule of this file: Unix nanoseconds in, texts out; no clock.
"""

import time

NS_A_S = 1_000_000_000


def iso(at_ns: int, places: int) -> str:
    """Return a time as `2026-08-01T02:53:53.184174Z`, with so many decimals of a second."""
    seconds, rest = divmod(at_ns, NS_A_S)
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{moment}.{rest // 10 ** (9 - places):0{places}d}Z"


def milliseconds(at_ns: int) -> int:
    return at_ns // 1_000_000

"""How many sockets and files this process may have open.

The rule of this file: it takes what the operator allows and asks for nothing else.
"""

import contextlib
import resource

DESCRIPTORS_WANTED = 65_536  # Above every limit of ours; shells usually begin with 1,024.
DESCRIPTORS_RESERVED = 100  # Redis, logs, listeners, and connections that are just being refused.


def raise_descriptor_limit(wanted: int = DESCRIPTORS_WANTED) -> int:
    """Raise the soft limit up to `wanted`, as far as the hard one allows; return the soft limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    allowed = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    if allowed > soft:
        # A kernel may have a lower limit still; then we live with what there is.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def connections_within(descriptors: int, connections_max: int) -> int:
    """Return how many connections fit into so many descriptors, `connections_max` at most."""
    return max(1, min(connections_max, descriptors - DESCRIPTORS_RESERVED))

"""What many venues have in common: a connector that is as they are takes these for its own.

The rule of this file: each has the signature of a connector's function.
"""

from collections.abc import Sequence

from aggregator.protocol.manifest import Manifest, Topic


def one_address(manifest: Manifest, socket: str, topics: Sequence[Topic]) -> str:
    """Return the address of a class of connections: topics are asked for in messages."""
    return manifest.socket_for(socket, topics).url


def nothing_to_ask(manifest: Manifest, symbol: str, depth: int = 0) -> None:
    """Return None: the stream brings it, or it is not to be had."""

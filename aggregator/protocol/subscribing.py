"""What connectors have in common when they ask for topics.

The rule of this file: nothing here knows a venue.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from aggregator.protocol.manifest import Kind, Topic

Member = TypeVar("Member")


def in_batches(members: Sequence[Member], size: int) -> Iterator[Sequence[Member]]:
    """Yield them in their order, `size` at a time, the last time what is left."""
    return (members[start : start + size] for start in range(0, len(members), size))


def by_kind(topics: Sequence[Topic], size: int) -> Iterator[tuple[Kind, int, Sequence[str]]]:
    """Yield a kind, a depth and at most `size` symbols to ask for in one message."""
    groups: dict[tuple[Kind, int], list[str]] = {}
    for topic in topics:
        groups.setdefault((topic.kind, topic.depth), []).append(topic.symbol)
    for (kind, depth), symbols in groups.items():
        for batch in in_batches(symbols, size):
            yield kind, depth, batch


def json_text(message: Mapping[str, object]) -> str:
    """Return a message as it is sent."""
    return msgspec.json.encode(message).decode()

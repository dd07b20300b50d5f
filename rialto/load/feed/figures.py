"""From what was recorded to figures. Pure.

The rule of this file: a time without its counterpart is not left out in silence, it is counted.
"""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from rialto.load.feed.plan import Recorded
from rialto.load.feed.tap import Stamp

NS_PER_MS = 1_000_000


class Latencies(NamedTuple):
    """From the engine's publish, and from its commit, to the clients' sockets; sorted, in ns.

    `unknown` counts the messages whose publish was not seen.
    """

    published_ns: Sequence[int]
    committed_ns: Sequence[int]
    unknown: int


def latencies(
    recorded: Recorded,
    stamps: Mapping[tuple[str, int], Stamp],
    *,
    kind: str,
    interval_ns: int = 0,
) -> Latencies:
    """Return how late each message of a kind of channel was: after the oldest change in it, and
    beyond the interval, which is the longest that a change may be kept back.
    """
    published: list[int] = []
    committed: list[int] = []
    unknown = 0
    for message in recorded.arrivals:
        if not message.channel.startswith(kind):
            continue
        at_ns = array("q", message.at_ns)
        stamp = stamps.get((message.channel, message.first))
        if stamp is None:
            unknown += len(at_ns)
            continue
        due_ns = stamp.published_ns + interval_ns
        published += [one - due_ns for one in at_ns]
        if stamp.committed_ns:
            due_ns = stamp.committed_ns + interval_ns
            committed += [one - due_ns for one in at_ns]
    return Latencies(sorted(published), sorted(committed), unknown)


def percentile_ms(sorted_ns: Sequence[int], percent: int) -> float:
    """Return the nearest-rank percentile in milliseconds, 0 of nothing."""
    rank = -(-len(sorted_ns) * percent // 100)
    return sorted_ns[max(rank, 1) - 1] / NS_PER_MS if sorted_ns else 0.0


def undelivered(ends: Mapping[str, Mapping[int, int]], last: Mapping[str, int]) -> int:
    """Return how many subscriptions do not stand at their channel's last number."""
    return sum(
        count
        for channel, counts in ends.items()
        for number, count in counts.items()
        if number != last.get(channel, number)
    )


def merged(several: Iterable[Sequence[int]]) -> list[int]:
    """Return all of several rounds, sorted."""
    return sorted(one for round_ in several for one in round_)

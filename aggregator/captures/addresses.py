"""Which feed an address in a recording belongs to, and whether an answer is to a question.

The rule of this file: addresses are compared by what is written in the manifests and requests; no
venue is known here. Recordings have addresses of other days, so the nearest one counts.
"""

from collections.abc import Mapping
from urllib.parse import SplitResult, parse_qsl, urlsplit

from aggregator.protocol import Connector, Manifest

# The address of a feed may have changed, but its hosts are all in its manifest; so much of the
# path says which one of several feeds of a host it is.
Connectors = Mapping[str, tuple[Connector, Manifest]]


def find_feed(url: str, connectors: Connectors) -> str:
    """Return the feed (`bybit:linear`) whose socket this is; empty if there is none, or not just
    one.
    """
    # Two feeds that are told apart by a step that this address does not have are not guessed at.
    feeds = find_feeds(url, connectors)
    return feeds[0] if len(feeds) == 1 else ""


def find_feeds(url: str, connectors: Connectors) -> list[str]:
    """Return the feeds of which this may be a socket, by name."""
    found = [
        (_shared_steps(urlsplit(socket.url), urlsplit(url)), feed)
        for feed, (_, manifest) in connectors.items()
        for socket in manifest.sockets
        if urlsplit(url).hostname in (urlsplit(socket.url).hostname, *manifest.hosts_before)
    ]
    most = max((steps for steps, _ in found), default=0)
    return sorted({feed for steps, feed in found if steps == most})


def find_socket(url: str, manifest: Manifest) -> int:
    """Return the index of the class of connections of a feed that is nearest to this address."""
    steps = [_shared_steps(urlsplit(socket.url), urlsplit(url)) for socket in manifest.sockets]
    return steps.index(max(steps))


def _shared_steps(known: SplitResult, seen: SplitResult) -> int:
    count = 0
    for ours, theirs in zip(_steps(known), _steps(seen), strict=False):
        if ours != theirs:
            break
        count += 1
    return count


def _steps(address: SplitResult) -> list[str]:
    return [step for step in address.path.split("/") if step]


def is_same_question(asked: str, recorded: str) -> bool:
    """Say whether an answer to `recorded` answers `asked`: the same path, and the same words.

    Limits are numbers and may differ, and so may the host and what only one of the two names.
    """
    ours, theirs = urlsplit(asked), urlsplit(recorded)
    if _steps(ours) != _steps(theirs):
        return False
    said = dict(parse_qsl(theirs.query))
    return all(
        value.isdecimal() or said.get(name, value).upper() == value.upper()
        for name, value in parse_qsl(ours.query)
    )

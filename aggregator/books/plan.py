"""Which topics go on which connections.

The rule of this file: all that a connection class carries of one symbol goes on one connection,
because a book is compared with the venue's touch in the order in which both came.
"""

from collections.abc import Collection, Iterator, Sequence

import msgspec

from aggregator.protocol import Connector, Kind, Manifest, Socket, Topic

OF_A_SYMBOL = (Kind.BOOK, Kind.TOUCH, Kind.TRADES)
OF_A_CONNECTION = (Kind.PULSE, Kind.INSTRUMENTS)


class ConnectionPlan(msgspec.Struct, frozen=True):
    """A connection that there should be: whoever opens it sends `messages` first, within the
    limits of its socket. `number` is the same for as long as the desk lives.
    """

    number: int
    socket: Socket
    url: str
    topics: tuple[Topic, ...]
    messages: tuple[str, ...]


def plan_connections(
    connector: Connector,
    manifest: Manifest,
    symbols: Sequence[str],
    kinds: Collection[Kind],
    *,
    depth: int,
    interval_ms: int,
    first_number: int = 0,
) -> list[ConnectionPlan]:
    """Return the connections for these symbols, in the order of the manifest's sockets.

    A kind that several classes carry goes on the first one. `depth` and `interval_ms` are of
    books.
    """
    plans: list[ConnectionPlan] = []
    carried: set[Kind] = set()
    for socket in manifest.sockets:
        of_symbol = [
            kind
            for kind in OF_A_SYMBOL
            if kind in socket.kinds and kind in kinds and kind not in carried
        ]
        carried.update(of_symbol)
        groups = [
            [_topic(kind, symbol, depth, interval_ms) for kind in of_symbol] for symbol in symbols
        ]
        if of_symbol:
            for topics in _fill(groups, socket, kinds):
                number = first_number + len(plans)
                plans.append(make_plan(connector, manifest, socket, topics, number))
    return plans


def make_plan(
    connector: Connector, manifest: Manifest, socket: Socket, topics: Sequence[Topic], number: int
) -> ConnectionPlan:
    return ConnectionPlan(
        number=number,
        socket=socket,
        url=connector.build_subscription_url(manifest, socket.name, topics),
        topics=tuple(topics),
        messages=tuple(subscription_texts(connector, manifest, socket, topics)),
    )


def subscription_texts(
    connector: Connector,
    manifest: Manifest,
    socket: Socket,
    topics: Sequence[Topic],
    *,
    wanted: bool = True,
) -> list[str]:
    """Return what to send for these topics, no more in one message than the venue takes."""
    size = socket.topics_per_message_max
    return [
        text
        for start in range(0, len(topics), size)
        for text in connector.get_subscription_messages(
            manifest, socket.name, topics[start : start + size], wanted=wanted
        )
    ]


def _topic(kind: Kind, symbol: str, depth: int, interval_ms: int) -> Topic:
    if kind is not Kind.BOOK:
        return Topic(kind, symbol)
    return Topic(kind, symbol, depth, interval_ms)


def _fill(
    groups: Sequence[list[Topic]], socket: Socket, kinds: Collection[Kind]
) -> Iterator[list[Topic]]:
    own = [Topic(kind) for kind in OF_A_CONNECTION if kind in socket.kinds and kind in kinds]
    topics: list[Topic] = []
    for group in groups:
        if topics and len(topics) + len(group) + len(own) > socket.topics_max:
            yield topics + own
            topics = []
        topics = topics + group
    if topics:
        yield topics + own


def plan_instruments(connector: Connector, manifest: Manifest) -> list[ConnectionPlan]:
    """Return the connection that brings the list of symbols, where the stream has it."""
    for socket in manifest.sockets:
        if Kind.INSTRUMENTS in socket.kinds:
            return [make_plan(connector, manifest, socket, [Topic(Kind.INSTRUMENTS)], 0)]
    return []

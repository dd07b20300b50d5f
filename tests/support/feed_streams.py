"""Recorded streams of a channel, with what was true at each sequence, made from a seed.

The rule of this file: it is the server's side, written anew and simply, so that a client's keeper
is checked against something that shares no code with it.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import NamedTuple, TypeVar

from shared.feed import DepthDelta, DepthSnapshot, Level

MARKET = "TATA_INR"
TICK_CENTS = 5

T = TypeVar("T")
Book = tuple[list[Level], list[Level]]  # Bids and asks, best first.


class Stream(NamedTuple):
    """Messages in order, and the book at each sequence."""

    messages: list[DepthSnapshot | DepthDelta]
    truth: dict[int, Book]


def price_text(ticks: int) -> str:
    """Return a price as the server writes it, with as many decimals as it needs."""
    whole, cents = divmod(ticks * TICK_CENTS, 100)
    return f"{whole}.{cents:02d}".rstrip("0").rstrip(".")


def crc32_of(book: Book) -> int:
    """Return the checksum, written anew from its definition in words."""
    words = [word for side in book for level in side[:25] for word in level[:2]]
    return zlib.crc32(":".join(words).encode("ascii"))


def book_stream(
    random: Random, *, messages: int, levels: int = 0, snapshot_rate: float = 0.0
) -> Stream:
    """Return a stream of a view of `levels` a side (0: all) that begins with a snapshot.

    With a `snapshot_rate` some changes come as an unasked snapshot in place of a delta.
    """
    ladders: tuple[dict[int, int], dict[int, int]] = ({}, {})
    sequence = random.randrange(1_000)
    shown: Book = ([], [])
    stream = Stream([], {})
    for number in range(messages):
        first = sequence + 1
        sequence += random.randrange(1, 4) if number else 0
        _change(ladders, random, changes=8 if not number else random.randrange(1, 6))
        after = _view(ladders, levels)
        if not number or random.random() < snapshot_rate:
            stream.messages.append(_snapshot(sequence, after, levels, is_first=not number))
        else:
            stream.messages.append(_delta(first, sequence, shown, after))
        shown = after
        stream.truth[sequence] = after
    return stream


def dropped(messages: Sequence[T], place: int) -> list[T]:
    return [*messages[:place], *messages[place + 1 :]]


def doubled(messages: Sequence[T], place: int) -> list[T]:
    return [*messages[: place + 1], *messages[place:]]


def swapped(messages: Sequence[T], place: int) -> list[T]:
    """Return the messages with the one at `place` and the next the other way round."""
    return [
        *messages[:place],
        messages[place + 1],
        messages[place],
        *messages[place + 2 :],
    ]


Mutation = Callable[[Sequence[T], int], list[T]]
MUTATIONS: tuple[Mutation[object], ...] = (dropped, doubled, swapped)


def mutants(messages: Sequence[T]) -> Iterator[tuple[str, list[T]]]:
    """Yield every stream with one message dropped, doubled or moved after the next.

    A drop of the last message has nothing after it that could show it, and is left out.
    """
    for place in range(len(messages)):
        yield f"doubled {place}", doubled(messages, place)
        if place + 1 < len(messages):
            yield f"dropped {place}", dropped(messages, place)
            yield f"swapped {place}", swapped(messages, place)


def _change(
    ladders: tuple[dict[int, int], dict[int, int]], random: Random, *, changes: int
) -> None:
    for _ in range(changes):
        side = random.randrange(2)
        ticks = random.randrange(1_900, 2_000) if side == 0 else random.randrange(2_000, 2_100)
        # Always another quantity than before, so that a lost change is a wrong book.
        lots = random.choice((0, random.randrange(1, 1_000)))
        if not lots or lots == ladders[side].get(ticks):
            ladders[side].pop(ticks, None)
        else:
            ladders[side][ticks] = lots


def _view(ladders: tuple[dict[int, int], dict[int, int]], levels: int) -> Book:
    bids = sorted(ladders[0].items(), reverse=True)[: levels or None]
    asks = sorted(ladders[1].items())[: levels or None]
    return _as_text(bids), _as_text(asks)


def _as_text(side: list[tuple[int, int]]) -> list[Level]:
    return [(price_text(ticks), str(lots)) for ticks, lots in side]


def _snapshot(sequence: int, book: Book, levels: int, *, is_first: bool) -> DepthSnapshot:
    return DepthSnapshot(
        channel=f"depth:{MARKET}",
        market=MARKET,
        sequence=sequence,
        at_ns=sequence,
        bids=book[0],
        asks=book[1],
        crc32=crc32_of(book),
        levels=levels,
        reason="" if is_first else "lagged",
        lagged=not is_first,
    )


def _delta(first: int, last: int, before: Book, after: Book) -> DepthDelta:
    bids, asks = (
        [
            *((price, "0") for price, _ in was if price not in {level[0] for level in now}),
            *(level for level in now if level not in was),
        ]
        for was, now in zip(before, after, strict=True)
    )
    return DepthDelta(
        channel=f"depth:{MARKET}",
        market=MARKET,
        first_sequence=first,
        last_sequence=last,
        at_ns=last,
        bids=bids,
        asks=asks,
        crc32=crc32_of(after),
    )

"""`rialto record`: the real feeds, with a recorder where the service publishes.

The rule of this file: what is recorded is what the service would have heard: the same connections,
the same subscriptions, the same patience.
"""

import asyncio
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from aggregator.books.desk import Desk, DeskOptions
from aggregator.captures.writing import CaptureWriter
from aggregator.feed.fleet import Fleet
from aggregator.registry import load_connectors
from shared.messages import BookState, FeedStatus

LOOK_S = 0.25  # How soon the end, or a full disk, is noticed.


class RecordError(Exception):
    """What was asked for cannot be recorded: one sentence."""


@dataclass(frozen=True)
class Wanted:
    """No feeds: all there are. No pairs: each feed's own. `seconds` 0: until it is stopped."""

    feeds: Sequence[str]
    pairs: Sequence[str]
    out: Path
    seconds: float = 0
    venues_address: str = ""


@dataclass(frozen=True)
class Recorded:
    """How it stands, or ended; `live` counts books that were live, `silent` names the others."""

    rows: int
    size: int
    dropped: int
    live: int
    books: int
    silent: Sequence[str]
    files: Sequence[Path]


def make_desks(wanted: Wanted) -> list[Desk]:
    """Return the desks to run; raises RecordError for a feed that there is not."""
    connectors = load_connectors(wanted=wanted.feeds)
    for feed in wanted.feeds:
        if feed not in connectors:
            near = get_close_matches(feed, connectors, n=3, cutoff=0) or sorted(connectors)
            raise RecordError(f"There is no feed {feed}; the nearest are {', '.join(near)}.")
    return [
        Desk(*connectors[feed], wanted.pairs or connectors[feed][1].symbols_default, DeskOptions())
        for feed in dict.fromkeys(wanted.feeds or connectors)
    ]


async def record(wanted: Wanted, watch: Callable[[Recorded], None]) -> Recorded:
    """Record until the time is over or somebody ends the process; raises RecordError."""
    if wanted.out.exists():
        raise RecordError(f"{wanted.out} is there already, and is not written over.")
    desks = make_desks(wanted)
    writer = CaptureWriter(wanted.out)
    were_live: set[str] = set()
    fleet = Fleet(
        desks,
        recorder=writer,
        on_drained=lambda: _empty(desks, were_live),
        offline_address=wanted.venues_address,
    )
    unlisted: list[str] = []

    def is_over() -> bool:
        unlisted[:] = _unlisted(wanted, desks)
        return bool(writer.fault or unlisted)

    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end.set)
    fleet.start()
    try:
        await _wait(end, wanted.seconds, is_over, lambda: watch(_report(writer, fleet, were_live)))
    finally:
        # First, so that the recording ends as it stood, and not with our own hanging up. What waits
        # is compressed in a thread, which may take a while.
        await asyncio.to_thread(writer.close)
        await fleet.close()
    if writer.fault:
        raise RecordError(f"{writer.fault}.")
    if unlisted:
        raise RecordError("\n".join([*unlisted, *_settle_parts(writer, desks)]))
    return _report(writer, fleet, were_live)


async def _wait(
    end: asyncio.Event, seconds: float, is_over: Callable[[], bool], look: Callable[[], None]
) -> None:
    started_s = time.monotonic()
    while not is_over() and not (seconds and time.monotonic() - started_s >= seconds):
        look()
        try:
            async with asyncio.timeout(LOOK_S):
                await end.wait()
            return
        except TimeoutError:
            continue


def _unlisted(wanted: Wanted, desks: Sequence[Desk]) -> list[str]:
    """Return what the feeds say of the pairs that were asked for and that none of them has."""
    said: list[str] = []
    for pair in dict.fromkeys(wanted.pairs):
        listings = [desk.listings[pair] for desk in desks]
        if all(one.instrument is None and one.state is BookState.HALTED for one in listings):
            said += [one.reason for one in listings]
    return said


def _settle_parts(writer: CaptureWriter, desks: Sequence[Desk]) -> list[str]:
    """Keep the files, and say where, if there is anything of a pair in them: a list may have come
    long after the others. Else they would only be in the way of the next try.
    """
    is_of_pairs = any(one.counts.messages for desk in desks for one in desk.listings.values())
    is_unread = any(desk.errors["frame", "unreadable"] for desk in desks)  # It may be of one.
    if writer.parts and (is_of_pairs or is_unread):
        files = " and ".join(map(str, writer.parts))
        return [f"What was recorded of the other pairs until then is kept in {files}."]
    for part in writer.parts:
        part.unlink(missing_ok=True)
    return []


def _empty(desks: Sequence[Desk], were_live: set[str]) -> None:
    # Nobody else takes what the desks have to tell.
    for desk in desks:
        desk.take_trades()
        for listing in desk.take_changed():
            listing.take_change()
            if listing.state is BookState.LIVE:
                were_live.add(listing.name)


def _report(writer: CaptureWriter, fleet: Fleet, were_live: set[str]) -> Recorded:
    statuses = fleet.status().values()
    return Recorded(
        rows=writer.written_rows,
        size=writer.written_bytes,
        dropped=writer.dropped_count,
        live=len(were_live),
        books=sum(len(status.books) for status in statuses),
        silent=[sentence for status in statuses for sentence in _silent(status, were_live)],
        files=tuple(writer.parts),
    )


def _silent(status: FeedStatus, were_live: set[str]) -> list[str]:
    by_reason: dict[str, list[str]] = {}
    for book in status.books:
        if book.book not in were_live:
            by_reason.setdefault(book.reason or status.reason or book.state, []).append(book.book)
    return [
        f"{books[0]} was never live: {reason}"
        if len(books) == 1
        else f"{status.feed}: {len(books)} books were never live: {reason}"
        for reason, books in by_reason.items()
    ]

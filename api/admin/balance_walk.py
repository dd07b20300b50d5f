"""Walking over all balances while commits go on, in pages that nobody waits for.

The rule of this file: a page is read together with the sequence that it is true at, and the events
up to there are counted before it. A row that was walked over and changes later is set right by what
the event changed; one that changes before it is walked over is read as it is by then. So at the end
all sums are of one instant, that of the last event counted, and no row but a page's is in memory.
"""

import asyncio
import time
from array import array
from collections.abc import AsyncIterator, Iterator

from api.edge.errors import ApiError
from api.gateway import Gateway
from shared.messages import BalanceChange, Event, TradeExecuted
from shared.wire import decode_batch

PAGE_ROWS = 1_000  # Redis is busy with a page for less than a millisecond.
COMMITS_PER_READ = 20  # A commit's events may be a few hundred kilobytes.
WALK_MAX_S = 60.0  # A million balances take two seconds on an idle machine.
BUCKETS = 1_024  # Rows are looked at for repeats in parts, so that no part stalls the others.

Page = tuple[int, dict[bytes, bytes]]


async def balance_pages(gateway: Gateway) -> AsyncIterator[Page]:
    """Yield pages: the sequence, and rows of the balances by their field; raises ApiError.

    A row that is there all the time comes at least once; raises REPORT_OVERTAKEN after WALK_MAX_S.
    """
    deadline_s, cursor = time.monotonic() + WALK_MAX_S, 0
    while True:
        scan = ("HSCAN", gateway.store.keys.balances, cursor, "COUNT", PAGE_ROWS)
        sequence, ((cursor, rows),) = await gateway.store.read(scan)
        yield sequence, rows
        if not cursor:
            return
        if time.monotonic() > deadline_s:
            raise ApiError("REPORT_OVERTAKEN")


class BalanceSums:
    """What all accounts together have of each asset, as of the last sequence given."""

    def __init__(self, sequence: int) -> None:
        self.sequence = sequence
        self.rows = 0
        self._walked: dict[bytes, list[int]] = {}
        self._changed: dict[bytes, list[int]] = {}  # Since the row was walked over.
        self._seen = [array("q") for _ in range(BUCKETS)]

    def add_page(self, rows: dict[bytes, bytes]) -> None:
        """Count rows that are as they were after all events counted so far."""
        self.rows += len(rows)
        for field, row in rows.items():
            available, _, held = row.partition(b" ")
            _add(self._walked, field.partition(b":")[2], int(available), int(held))
            self._changed.pop(field, None)
            digest = hash(field)
            self._seen[digest % BUCKETS].append(digest)

    def add_events(self, events: Iterator[Event]) -> None:
        for event in events:
            for account_id, change in balance_changes(event):
                field = b"%d:%b" % (account_id, change.asset.encode())
                _add(self._changed, field, change.available_change, change.held_change)

    async def check_once(self) -> None:
        """Raise ApiError REPORT_OVERTAKEN if a row came twice: the table was made smaller."""
        for bucket in self._seen:
            if len(set(bucket)) != len(bucket):
                raise ApiError("REPORT_OVERTAKEN")
            await asyncio.sleep(0)

    def totals(self) -> dict[str, tuple[int, int]]:
        """Return (available, held) in atoms by asset."""
        sums = {asset: list(amounts) for asset, amounts in self._walked.items()}
        for field, amounts in self._changed.items():
            _add(sums, field.partition(b":")[2], *amounts)
        return {asset.decode(): (available, held) for asset, (available, held) in sums.items()}


async def catch_up(gateway: Gateway, sums: BalanceSums, upto: int) -> None:
    """Count the events up to sequence `upto`; raises ApiError REPORT_OVERTAKEN if some are gone."""
    while sums.sequence < upto:
        first, last = f"({sums.sequence}-0", f"{upto}-0"
        wanted = ("XRANGE", gateway.store.keys.events, first, last, "COUNT", COMMITS_PER_READ)
        _, (commits,) = await gateway.store.read(wanted)
        if not commits:
            raise ApiError("REPORT_OVERTAKEN")
        for entry_id, fields in commits:
            applied = decode_batch(fields[b"e"])
            if applied[0].events[0].sequence != sums.sequence + 1:
                raise ApiError("REPORT_OVERTAKEN")
            for one in applied:
                sums.add_events(iter(one.events))
            sums.sequence = int(entry_id.partition(b"-")[0])
            await asyncio.sleep(0)


def balance_changes(event: Event) -> Iterator[tuple[int, BalanceChange]]:
    """Yield every change of a balance that the event tells of, with the account's number."""
    if isinstance(event, TradeExecuted):
        for fill in (event.maker, event.taker):
            yield fill.account_id, fill.base
            yield fill.account_id, fill.quote
        return
    for name in ("change", "hold", "release"):
        change = getattr(event, name, None)
        if change is not None:
            yield event.account_id, change  # type: ignore[union-attr]


def _add(sums: dict[bytes, list[int]], name: bytes, available: int, held: int) -> None:
    amounts = sums.setdefault(name, [0, 0])
    amounts[0] += available
    amounts[1] += held

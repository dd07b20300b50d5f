"""The instant of a backup: what a power cut would have left at that moment, in every store at once.

The rule of this file: the instant is proven, not hoped for. Writers wait for some ms (`CLIENT PAUSE
WRITE`) while Redis forks and every SQL database begins a snapshot. All that is read before and
after only grows; where both readings are the same, nothing has changed between them, so the fork
and the snapshots are of that very state.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import redis
import redis.asyncio

from history.backup.errors import BackupError
from history.backup.replica import Replica
from shared.channels import Keys

PAUSE_MS = 150  # The most that a writer waits, even if this process dies: half of the least lease.
PAUSE_S = PAUSE_MS / 1_000
ATTEMPTS_MAX = 10  # One is enough, unless Redis is so busy that a fork takes longer than the pause.
CHILD_DEADLINE_S = 600.0  # Redis may be rewriting its file just now: it forks one child at a time.
CHILD_POLL_S = 0.05
FORK_POLL_S = 0.001


class Standing(NamedTuple):
    """How far a venue is; every number only grows."""

    position: int
    sequence: int
    at_ns: int
    journal: int
    journal_cursor: str  # "number chain" of the archiver, "" before its first record.
    events_cursor: str
    data_version: int  # Of the rows in Redis; 0 before the first commit.


class Look(NamedTuple):
    """A standing, and what Redis is doing, read in one transaction."""

    standing: Standing
    forks: int
    has_child: bool


async def look(client: redis.asyncio.Redis, keys: Keys) -> Look:
    """Read how far the venue is; raises redis.RedisError."""
    async with client.pipeline(transaction=True) as pipe:
        pipe.hmget(keys.meta, ["position", "sequence", "at_ns", "version"])
        for name in (keys.n, keys.cursor("journal"), keys.cursor("events")):
            pipe.get(name)
        pipe.info("stats")
        pipe.info("persistence")
        meta, last_n, journal, events, stats, persistence = await pipe.execute()
    position, sequence, at_ns, version = (int(value or 0) for value in meta)
    standing = Standing(
        position,
        sequence,
        at_ns,
        int(last_n or 0),
        (journal or b"").decode(),
        (events or b"").decode(),
        version,
    )
    children = ("rdb_bgsave_in_progress", "aof_rewrite_in_progress", "aof_rewrite_scheduled")
    return Look(standing, stats["total_forks"], any(persistence[name] for name in children))


async def take_instant(
    client: redis.asyncio.Redis,
    keys: Keys,
    replica: Replica,
    begin_snapshots: Callable[[], Awaitable[None]],
) -> tuple[Standing, float]:
    """Return what the venue was at the fork whose RDB the replica is being sent, and how long
    writers waited, in seconds.

    `begin_snapshots` begins one in every other store; called again, it begins anew.
    """
    for _ in range(ATTEMPTS_MAX):
        await _until_childless(client, keys)
        begun_s = time.monotonic()
        await client.execute_command("CLIENT", "PAUSE", PAUSE_MS, "WRITE")
        try:
            standing = await _attempt(client, keys, replica, begin_snapshots)
        finally:
            await client.execute_command("CLIENT", "UNPAUSE")
        if standing is not None:
            return standing, time.monotonic() - begun_s
        await replica.close()
        await replica.open()
    raise BackupError(
        "Redis is too busy to be copied at one instant: try again when it has less to do."
    )


async def _attempt(
    client: redis.asyncio.Redis,
    keys: Keys,
    replica: Replica,
    begin_snapshots: Callable[[], Awaitable[None]],
) -> Standing | None:
    before = await look(client, keys)
    if before.has_child:
        return None
    await begin_snapshots()
    await replica.ask()
    end_s = time.monotonic() + PAUSE_S
    while time.monotonic() < end_s:
        after = await look(client, keys)
        if after.forks != before.forks:
            is_one = after.forks == before.forks + 1
            return after.standing if is_one and after.standing == before.standing else None
        await asyncio.sleep(FORK_POLL_S)
    return None


async def _until_childless(client: redis.asyncio.Redis, keys: Keys) -> None:
    try:
        async with asyncio.timeout(CHILD_DEADLINE_S):
            while (await look(client, keys)).has_child:  # noqa: ASYNC110 - another process's state.
                await asyncio.sleep(CHILD_POLL_S)
    except TimeoutError:
        raise BackupError("Redis has been writing its own files for ten minutes.") from None


async def check_standing(
    client: redis.asyncio.Redis, keys: Keys, wanted: tuple[int, int, int]
) -> None:
    """Compare position, sequence and last journal number; raises BackupError.

    The streams must reach back to the end of the archive, or entries would be in neither.
    """
    standing = (await look(client, keys)).standing
    found = standing.position, standing.sequence, standing.journal
    if found != wanted:
        raise BackupError(
            f"The restored Redis is at position, event and entry {found}, the backup says {wanted}."
        )
    ends = (
        (keys.journal, standing.journal_cursor, found[2]),
        (
            keys.events,
            standing.events_cursor,
            found[1],
        ),
    )
    for stream, cursor, last in ends:
        archived = int(cursor.partition(" ")[0] or 0)
        first: Any = await client.xrange(stream, f"({archived}-0", "+", count=1)
        if archived < last and not first:
            raise BackupError(f"{stream} ends before {last}, and the archive ends at {archived}.")

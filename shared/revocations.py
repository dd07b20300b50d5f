"""Sessions that were ended before their tokens: what every process knows of them.

The rule of this file: to ask costs a look into a table in memory, and a process that has once
heard of a revoked session never forgets it while a token of it could be good.

SQL is the truth, and only the gateway reads it. Redis is how the others hear of it at once: a
channel, and beside it a record that is read after each (re)connection, because pub/sub forgets.
Neither is among the ledger's names, and neither has to last: a gateway puts back what is missing.

name                       kind     content
sessions:revoked:{venue}   zset     session id, scored by when its last token is over; expires
sessions:revoked:{venue}   channel  JSON object, session id -> when its last token is over
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import redis

from shared.claims import LIFETIME_MAX_S
from shared.listener import Listener
from shared.logs import get_logger
from shared.redis_client import connect_async
from shared.tasks import spawn, stop

# Some 100 MB. Ending a session takes a login, and hashing passwords bounds those to 100 a second.
KNOWN_MAX = 500_000
ROUND_S = 1.0  # How often what Redis did not take is sent again.
FORGET_INTERVAL_S = 30.0
COMPARE_INTERVAL_S = 5.0  # A Redis of limits may push the record out; so long it may be missing.
RECORD_LIFETIME_S = LIFETIME_MAX_S + 3_600  # No token of a session in it is good for longer.
ANNOUNCE_TIMEOUT_S = 0.5  # Whoever revokes waits no longer than this for the others to hear it.
POOL_SIZE_MAX = 2

Revoked = Mapping[str, int]

_log = get_logger(__name__)
_decode = msgspec.json.Decoder(dict[str, int]).decode


def record_name(venue: str) -> str:
    """Return the name of the record, and of the channel."""
    return f"sessions:revoked:{{{venue}}}"


class Revocations:
    """The sessions that are known to be revoked; `start` hears of others, `close` stops that.

    `is_source`: this process reads SQL, so it puts back what the record in Redis has lost.
    """

    def __init__(
        self,
        redis_url: str,
        venue: str,
        *,
        is_source: bool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._name = record_name(venue)
        self._is_source = is_source
        self._clock = clock
        self._until_s: dict[str, int] = {}
        self._unsent: dict[str, int] = {}
        self._callbacks: list[Callable[[frozenset[str]], None]] = []
        self._client = connect_async(
            redis_url, timeout_s=ANNOUNCE_TIMEOUT_S, pool_size_max=POOL_SIZE_MAX
        )
        self._listener = Listener(redis_url, {self._name: self._hear}, on_gap=self._on_gap)
        self._forgot_at_s = 0.0
        self._compared_at_s = 0.0
        self._record_is_due = False
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._listener.start()
        self._task = spawn(self._run(), "revocations")

    async def close(self) -> None:
        await self._listener.close()
        await stop(self._task)
        await self._client.aclose()

    @property
    def is_in_step(self) -> bool:
        """Whether what others announce arrives here, and the record has been read."""
        return self._listener.connected and not self._record_is_due

    def is_revoked(self, session_id: str) -> bool:
        return session_id in self._until_s

    def call(self, callback: Callable[[frozenset[str]], None]) -> None:
        """Call back with the ids of sessions that turn out to be revoked from now on."""
        self._callbacks.append(callback)

    async def announce(self, revoked: Revoked) -> None:
        """Have every process know these; they count here at once. Raises nothing.

        Values are the Unix seconds after which the last token of the session is over.
        """
        if revoked:
            self._learn(revoked)
            self._unsent.update(revoked)
            await self._send()

    def _hear(self, data: bytes) -> None:
        try:
            self._learn(_decode(data))
        except msgspec.MsgspecError:
            _log.warning("revocation_unreadable", size=len(data))

    def _learn(self, revoked: Revoked) -> None:
        new = {
            session_id: until_s
            for session_id, until_s in revoked.items()
            if session_id not in self._until_s
        }
        self._until_s.update(new)
        if len(self._until_s) > KNOWN_MAX:
            self._forget_the_nearest_end()
        if new:
            for callback in self._callbacks:
                callback(frozenset(new))

    def _forget_the_nearest_end(self) -> None:
        _log.error("revocations_overflow", known=len(self._until_s))
        ordered = sorted(self._until_s.items(), key=lambda item: item[1], reverse=True)
        self._until_s = dict(ordered[: KNOWN_MAX // 2])

    def _on_gap(self) -> None:
        self._record_is_due = True
        self._wake.set()

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ROUND_S):
                    await self._wake.wait()
            self._wake.clear()
            self._forget_what_is_over()
            if self._record_is_due or await self._record_differs():
                await self._read_record()
            if self._unsent:
                await self._send()

    def _forget_what_is_over(self) -> None:
        now_s = self._clock()
        if abs(now_s - self._forgot_at_s) < FORGET_INTERVAL_S:
            return
        self._forgot_at_s = now_s
        for table in (self._until_s, self._unsent):
            for session_id in [name for name, until_s in table.items() if until_s < now_s]:
                del table[session_id]

    async def _record_differs(self) -> bool:
        """Return whether the record has more or fewer than are known here; asked now and then."""
        now_s = self._clock()
        if abs(now_s - self._compared_at_s) < COMPARE_INTERVAL_S:
            return False
        self._compared_at_s = now_s
        known = sum(until_s >= int(now_s) for until_s in self._until_s.values())
        try:
            return bool(await self._client.zcount(self._name, int(now_s), "+inf") != known)
        except (redis.RedisError, OSError):
            return False  # The listener knows of it, too, and reads when there is something again.

    async def _read_record(self) -> None:
        try:
            rows: Any = await self._client.zrangebyscore(
                self._name, int(self._clock()), "+inf", withscores=True
            )
        except (redis.RedisError, OSError) as error:
            _log.warning("revocations_not_read", reason=str(error))
            return
        self._record_is_due = False
        record = {member.decode(): int(score) for member, score in rows}
        self._learn(record)
        if self._is_source:
            self._unsent.update(
                (session_id, until_s)
                for session_id, until_s in self._until_s.items()
                if session_id not in record
            )

    async def _send(self) -> None:
        sent = dict(self._unsent)
        pipeline = self._client.pipeline(transaction=True)
        pipeline.zadd(self._name, sent)
        pipeline.zremrangebyscore(self._name, "-inf", f"({int(self._clock())}")
        pipeline.expire(self._name, RECORD_LIFETIME_S)
        pipeline.publish(self._name, msgspec.json.encode(sent))
        try:
            await pipeline.execute()
        except (redis.RedisError, OSError) as error:
            _log.warning("revocations_not_sent", count=len(sent), reason=str(error))
            return
        for session_id in sent:
            self._unsent.pop(session_id, None)

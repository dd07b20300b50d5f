"""What the gateways of one venue tell each other of limits and bans, through a Redis of its own.

The rule of this file: it never holds anything up. Four times a second one call takes what was used
there and brings the sums back; without that Redis each process goes on by its own memory. A tally
travels from a tenth of its limit on, so that a crowd of addresses cannot fill the Redis. With N
processes a limit L is passed by no more than (N - 1) times a tenth of L and what is used between
two calls.
"""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any, cast

import msgspec
import redis
import redis.asyncio

from api.limits.bans import Ban
from api.limits.limiter import Limits
from api.limits.tallies import Tally
from shared.logs import get_logger
from shared.redis_client import connect_async
from shared.tasks import spawn, stop

SHARE_EVERY_S = 0.25
SHARE_TIMEOUT_S = 0.5
RETRY_AFTER_S = 1.0
TALLIES_PER_ROUND_MAX = 1_000  # A call of some ten milliseconds; the rest is in the next one.

_log = get_logger(__name__)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Ban).decode


class Sharing:
    """Shares the limits of one process; use `start` before and `close` after."""

    def __init__(self, limits_url: str, venue: str, limits: Limits) -> None:
        self._client: redis.asyncio.Redis = connect_async(
            limits_url, timeout_s=SHARE_TIMEOUT_S, pool_size_max=1
        )
        self._limits = limits
        self._prefix = f"{venue}:limits:"
        self._bans_key = f"{self._prefix}bans"
        self._version_key = f"{self._prefix}bans-version"
        self._version: bytes | None = b"unknown"
        self._task: asyncio.Task[None] | None = None
        self.is_up = False
        self._was_lost = False

    async def start(self) -> None:
        """Learn what the others know, if they can be asked, and go on doing so."""
        await self._try()
        self._task = spawn(self._run(), "limits-sharing")

    async def close(self) -> None:
        await stop(self._task)
        await self._client.aclose()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(SHARE_EVERY_S if self.is_up else RETRY_AFTER_S)
            await self._try()

    async def _try(self) -> None:
        try:
            async with asyncio.timeout(SHARE_TIMEOUT_S):
                await self.share()
        except (redis.RedisError, OSError) as error:
            if not self._was_lost:
                _log.warning("limits_not_shared", reason=str(error))
            self.is_up, self._was_lost = False, True
        else:
            if self._was_lost:
                _log.info("limits_shared_again")
            self.is_up, self._was_lost = True, False

    async def share(self) -> None:
        """Tell and learn once; raises redis.RedisError, OSError."""
        limits, now_s = self._limits, self._limits.clock()
        news, lifted = set(limits.bans.news), set(limits.bans.lifted)
        pipeline = self._client.pipeline(transaction=False)
        for address in news:
            pipeline.hset(self._bans_key, address, _encode(limits.bans.known(address)).decode())
        if lifted:
            pipeline.hdel(self._bans_key, *lifted)
        if news or lifted:
            pipeline.incr(self._version_key)
        pipeline.get(self._version_key)
        commands_before = len(pipeline)
        told = self._tell(pipeline, now_s)
        answers = await pipeline.execute()
        limits.bans.news -= news
        limits.bans.lifted -= lifted
        for (tally, window_n), total in zip(told, answers[commands_before::2], strict=True):
            if tally.window_n == window_n:
                tally.others = max(0, int(total) - tally.told)
        await self._learn_bans(answers[commands_before - 1], now_s)

    def _tell(self, pipeline: Any, now_s: float) -> list[tuple[Tally, int]]:
        told: list[tuple[Tally, int]] = []
        busy = self._limits.busy
        while busy and len(told) < TALLIES_PER_ROUND_MAX:
            tally = busy.pop()
            tally.total(now_s)
            if not tally.used:
                continue  # It is of a window that is over.
            name = f"{self._prefix}{tally.window.name}:{tally.subject}:{tally.window_n}"
            pipeline.incrby(name, tally.used - tally.told)
            pipeline.expire(name, 2 * tally.window.length_s)
            # Counted as told whatever happens: what is lost with a connection must not count twice.
            tally.told = tally.used
            told.append((tally, tally.window_n))
        return told

    async def _learn_bans(self, version: bytes | None, now_s: float) -> None:
        if version == self._version:
            return
        bans = self._limits.bans
        if version is None and self._version != b"unknown":
            bans.tell_all_again()  # That Redis has lost its memory; this process has not.
        elif version is not None:
            rows = cast(dict[bytes, bytes], await self._client.hgetall(self._bans_key))
            bans.take_over({ban.address: ban for ban in _readable(rows.values())}, now_s)
            # What nobody remembers any more would make the table grow without end.
            over = [name for name in rows if bans.known(name.decode(errors="replace")) is None]
            if over:
                await self._client.hdel(self._bans_key, *over)
        self._version = version


def _readable(rows: Iterable[bytes]) -> Iterator[Ban]:
    """Yield the bans; a row that is none must not end every gateway that reads it."""
    for row in rows:
        try:
            yield _decode(row)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            _log.warning("ban_unreadable", size=len(row))

"""The command bus: from a command to its committed answer, for everything that sends commands.

The rule of this file: a sender always learns one of the five outcomes of `shared.outcomes`, and a
lost reply is looked up, never guessed. Commands that arrive while one enqueue is in flight travel
together in the next, so batches grow with the load and no timer delays a lone command.
"""

import asyncio
import contextlib
import time
import uuid
from collections import deque
from dataclasses import dataclass, field

import msgspec
import redis.asyncio

from shared.channels import Keys, result_field
from shared.enqueue import PAYLOADS_PER_CALL_MAX, Enqueuer, Journalled
from shared.listener import Listener
from shared.logs import get_logger
from shared.messages import Command
from shared.outcomes import (
    Accepted,
    Answered,
    Mismatch,
    NotAccepted,
    Outcome,
    Refusal,
    Unknown,
)
from shared.redis_client import connect_async
from shared.tasks import spawn, stop
from shared.wire import (
    WIRE_VERSION,
    CommandResult,
    DecodeError,
    Envelope,
    Reply,
    decode,
    encode,
    fingerprint,
)

PENDING_MAX = 20_000  # Commands in flight of one process: about 40 MB; more are told BUSY.
LOOKUP_AFTER_S = 0.25  # A reply this late was probably lost on the way.
LOOKUP_EVERY_S = 0.5
LOOKUP_COUNT_MAX = 500  # Results read in one call, so that one answer stays small.
SWEEP_EVERY_S = 0.05  # How finely the two waits above are kept.
assert LOOKUP_AFTER_S > SWEEP_EVERY_S

_log = get_logger(__name__)


@dataclass(slots=True)
class _Pending:
    request_id: int
    payload: bytes
    result_field: str
    fingerprint: bytes
    future: asyncio.Future[Outcome]
    n: int = 0
    lookup_at_s: float = field(default=0.0)
    give_up_at_s: float = field(default=0.0)


class CommandBus:
    """Sends commands of one process to the engine of one venue; use `start` before and `close`
    after.
    """

    def __init__(
        self,
        redis_url: str,
        keys: Keys,
        *,
        reply_timeout_s: float = 2.0,
        backlog_commands_max: int = 20_000,
        engine_silence_max_s: float = 2.0,
    ) -> None:
        self.gateway = uuid.uuid4().hex
        self._keys = keys
        self._reply_timeout_s = reply_timeout_s
        self._engine_silence_max_s = engine_silence_max_s
        self._client: redis.asyncio.Redis = connect_async(redis_url)
        self._enqueuer = Enqueuer(redis_url, keys, backlog_commands_max=backlog_commands_max)
        self._listener = Listener(
            redis_url,
            {
                keys.reply_channel(self.gateway): self._on_replies,
                keys.heartbeat_channel: self._on_heartbeat,
            },
        )
        self._heard_at_s = float("-inf")
        self._request_id = 0
        self._waiting: deque[_Pending] = deque()
        self._pending: dict[int, _Pending] = {}
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        await self._listener.start()
        self._tasks = [
            spawn(self._write_loop(), "bus-write"),
            spawn(self._sweep_loop(), "bus-sweep"),
        ]

    async def close(self) -> None:
        """Stop; commands still in flight are told what is known of them."""
        await stop(*self._tasks)
        for pending in list(self._pending.values()):
            self._resolve(pending, Accepted(pending.n) if pending.n else Unknown())
        await self._listener.close()
        await self._enqueuer.close()
        await self._client.aclose()

    @property
    def redis_is_up(self) -> bool:
        return self._listener.connected

    @property
    def engine_is_up(self) -> bool:
        """Whether the engine was heard within the longest silence that a living one keeps."""
        return time.monotonic() - self._heard_at_s <= self._engine_silence_max_s

    async def wait_until_ready(self, timeout_s: float) -> bool:
        """Wait until Redis and the engine are heard; return False when the time is over."""
        deadline_s = time.monotonic() + timeout_s
        while not (self.redis_is_up and self.engine_is_up):
            if time.monotonic() > deadline_s:
                return False
            await asyncio.sleep(SWEEP_EVERY_S)
        return True

    async def submit(self, command: Command) -> Outcome:
        """Send a command and wait for its answer, at most the reply timeout after it is journalled.

        The command must have an idempotency key: it is how a lost answer is found again.
        """
        assert command.idempotency_key, "a command on the bus has an idempotency key"
        refusal = self._refusal()
        if refusal is not None:
            return refusal
        pending = self._new_pending(command)
        self._pending[pending.request_id] = pending
        self._waiting.append(pending)
        self._wake.set()
        return await pending.future

    def _refusal(self) -> NotAccepted | None:
        if not self.redis_is_up:
            return NotAccepted(Refusal.REDIS_UNAVAILABLE, "Redis cannot be reached.")
        if not self.engine_is_up:
            return NotAccepted(Refusal.ENGINE_UNAVAILABLE, "The engine is not running just now.")
        if len(self._pending) >= PENDING_MAX:
            return NotAccepted(Refusal.BUSY, "This gateway is busy; nothing was done.")
        return None

    def _new_pending(self, command: Command) -> _Pending:
        self._request_id += 1
        data = encode(command)
        envelope = Envelope(WIRE_VERSION, self.gateway, self._request_id, msgspec.Raw(data))
        return _Pending(
            self._request_id,
            encode(envelope),
            result_field(command.account_id, command.idempotency_key),
            fingerprint(data),
            asyncio.get_running_loop().create_future(),
        )

    def _resolve(self, pending: _Pending, outcome: Outcome) -> None:
        self._pending.pop(pending.request_id, None)
        if not pending.future.done():  # A sender that went away has cancelled it.
            pending.future.set_result(outcome)

    # ---- writing ----

    async def _write_loop(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                count = min(len(self._waiting), PAYLOADS_PER_CALL_MAX)
                await self._write([self._waiting.popleft() for _ in range(count)])

    async def _write(self, batch: list[_Pending]) -> None:
        outcome = await self._enqueuer.enqueue([pending.payload for pending in batch])
        if isinstance(outcome, Journalled):
            now_s = time.monotonic()
            for n, pending in enumerate(batch, start=outcome.first_n):
                pending.n = n
                pending.lookup_at_s = now_s + LOOKUP_AFTER_S
                pending.give_up_at_s = now_s + self._reply_timeout_s
            return
        for pending in batch:
            self._resolve(pending, outcome)

    # ---- answers ----

    def _on_heartbeat(self, _data: bytes) -> None:
        self._heard_at_s = time.monotonic()

    def _on_replies(self, data: bytes) -> None:
        self._heard_at_s = time.monotonic()
        try:
            replies = decode(data, list[Reply])
        except DecodeError as error:
            _log.error("unreadable_reply", reason=str(error))
            return
        for reply in replies:
            pending = self._pending.get(reply.request_id)
            if pending is None:
                continue
            if reply.result is not None:
                self._resolve(pending, Answered(reply.n, reply.result))
            else:  # A repeat: its first answer is in the results, read it with the next sweep.
                pending.n = reply.n
                pending.lookup_at_s = 0.0
                pending.give_up_at_s = time.monotonic() + self._reply_timeout_s

    async def _sweep_loop(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            now_s = time.monotonic()
            journalled = [pending for pending in self._pending.values() if pending.n]
            late = [pending for pending in journalled if pending.lookup_at_s <= now_s]
            if late and self.redis_is_up:
                with contextlib.suppress(redis.RedisError, OSError):
                    await self._look_up(late[:LOOKUP_COUNT_MAX])
            for pending in journalled:
                if pending.give_up_at_s <= now_s:
                    self._resolve(pending, Accepted(pending.n))

    async def _look_up(self, late: list[_Pending]) -> None:
        next_at_s = time.monotonic() + LOOKUP_EVERY_S
        fields = [pending.result_field for pending in late]
        rows = await self._client.hmget(self._keys.results, fields)
        for pending, row in zip(late, rows, strict=True):
            pending.lookup_at_s = next_at_s
            if isinstance(row, bytes):
                self._resolve(pending, outcome_of_row(pending.n, pending.fingerprint, row))


def outcome_of_row(n: int, wanted_fingerprint: bytes, row: bytes) -> Answered | Mismatch:
    """Return what a stored result means for entry `n` with that fingerprint; raises DecodeError."""
    result = decode(row, CommandResult)
    if result.n == n:
        return Answered(n, result)
    if result.fingerprint == wanted_fingerprint:
        return Answered(n, result, replayed=True)
    return Mismatch(result.n)

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
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import redis.asyncio

from shared.breaker import Breaker
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
    PAYLOAD_SIZE_MAX,
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
BATCH_COMMANDS_MAX = 100  # Of one sender at once: a ladder of quotes, and a small part of a call.
LOOKUP_AFTER_S = 0.25  # A reply this late was probably lost on the way.
LOOKUP_EVERY_S = 0.5
LOOKUP_COUNT_MAX = 500  # Results read in one call, so that one answer stays small.
SWEEP_EVERY_S = 0.05  # How finely the two waits above are kept.
assert LOOKUP_AFTER_S > SWEEP_EVERY_S
assert BATCH_COMMANDS_MAX <= PAYLOADS_PER_CALL_MAX
GONE = NotAccepted(Refusal.REDIS_UNAVAILABLE, "Redis cannot be reached.")
STOPPING = NotAccepted(Refusal.BUSY, "This gateway is stopping; nothing was done.")

_log = get_logger(__name__)


@dataclass(slots=True)
class _Pending:
    request_id: int
    payload: bytes
    account_id: int
    idempotency_key: str
    command: bytes
    future: asyncio.Future[Outcome]
    followers: int = 0  # How many behind it must travel in the same call.
    n: int = 0
    lookup_at_s: float = field(default=0.0)
    give_up_at_s: float = field(default=0.0)

    # Only a late command needs these, and few are late.

    @property
    def result_field(self) -> str:
        return result_field(self.account_id, self.idempotency_key)

    @property
    def fingerprint(self) -> bytes:
        return fingerprint(self.command)


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
        lookups: redis.asyncio.Redis | None = None,
    ) -> None:
        self.gateway = uuid.uuid4().hex
        self._keys = keys
        self._reply_timeout_s = reply_timeout_s
        self._engine_silence_max_s = engine_silence_max_s
        self._client: redis.asyncio.Redis = lookups or connect_async(redis_url)
        self._owns_client = lookups is None
        self.breaker = Breaker("redis", self._ask, failures=(redis.RedisError, OSError))
        self._enqueuer = Enqueuer(redis_url, keys, backlog_commands_max=backlog_commands_max)
        self._listener = Listener(
            redis_url,
            {
                keys.reply_channel(self.gateway): self._on_replies,
                keys.heartbeat_channel: self._on_heartbeat,
            },
        )
        # A call is all or nothing, so one above the backlog's limit could never be taken.
        self._batch_max = min(PAYLOADS_PER_CALL_MAX, backlog_commands_max)
        self._heard_at_s = float("-inf")
        self._closing = False
        self._request_id = 0
        self._waiting: deque[_Pending] = deque()
        self._pending: dict[int, _Pending] = {}
        self._wake = asyncio.Event()
        self._repeated = asyncio.Event()  # An answer waits in the results: look at once.
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        await self._listener.start()
        self._tasks = [
            spawn(self._write_loop(), "bus-write"),
            spawn(self._look_up_loop(), "bus-look-up"),
            spawn(self._give_up_loop(), "bus-give-up"),
        ]

    async def close(self) -> None:
        """Stop; commands still in flight are told what is known of them."""
        self._closing = True
        await stop(*self._tasks)
        self._refuse_waiting(STOPPING)
        for pending in list(self._pending.values()):
            accepted = Accepted(pending.n, pending.fingerprint)
            self._resolve(pending, accepted if pending.n else Unknown())
        await self._listener.close()
        await self.breaker.close()
        await self._enqueuer.close()
        if self._owns_client:
            await self._client.aclose()

    @property
    def redis_is_up(self) -> bool:
        """Whether the subscription stands and no write has been waited for in vain since Redis
        last answered.
        """
        return self._listener.connected and self.breaker.is_closed

    @property
    def engine_is_up(self) -> bool:
        """Whether the engine was heard within the longest silence that a living one keeps."""
        return time.monotonic() - self._heard_at_s <= self._engine_silence_max_s

    @property
    def in_flight(self) -> int:
        """How many commands have been taken and are not answered yet."""
        return len(self._pending)

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
        return await self.post(command)

    def post(self, command: Command) -> asyncio.Future[Outcome]:
        """Send a command as `submit` does, without waiting: the answer will be in the future.

        Who cancels it before the command is on its way has never sent it.
        """
        assert command.idempotency_key, "a command on the bus has an idempotency key"
        refusal = self._refusal(1)
        if refusal is not None:
            future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
            future.set_result(refusal)
            return future
        pending = self._new_pending(command)
        self._pending[pending.request_id] = pending
        self._waiting.append(pending)
        self._wake.set()
        return pending.future

    async def submit_batch(self, commands: Sequence[Command]) -> list[Outcome]:
        """Send up to BATCH_COMMANDS_MAX commands as `submit` does, and return their outcomes in
        order.

        All of them are journalled, with contiguous numbers, or none; each is carried out, or
        refused by the engine, on its own.
        """
        assert 0 < len(commands) <= BATCH_COMMANDS_MAX, "a batch is bounded"
        refusal = self._refusal(len(commands))
        if refusal is not None:
            return [refusal] * len(commands)
        batch = [self._new_pending(command) for command in commands]
        for followers, pending in enumerate(reversed(batch)):
            pending.followers = followers
        self._pending |= {pending.request_id: pending for pending in batch}
        self._waiting += batch
        self._wake.set()
        # A sender that goes away cancels all of them at once, so a batch is never sent in part.
        return await asyncio.gather(*(pending.future for pending in batch))

    def _refusal(self, count: int) -> NotAccepted | None:
        if self._closing:
            return STOPPING
        if not self.redis_is_up:
            return GONE
        if not self.engine_is_up:
            return NotAccepted(Refusal.ENGINE_UNAVAILABLE, "The engine is not running just now.")
        if len(self._pending) + count > PENDING_MAX or count > self._batch_max:
            return NotAccepted(Refusal.BUSY, "This gateway is busy; nothing was done.")
        return None

    def _new_pending(self, command: Command) -> _Pending:
        self._request_id += 1
        data = encode(command)
        envelope = Envelope(WIRE_VERSION, self.gateway, self._request_id, msgspec.Raw(data))
        payload = encode(envelope)
        assert len(payload) <= PAYLOAD_SIZE_MAX, "a sender checks the length of its texts"
        return _Pending(
            self._request_id,
            payload,
            command.account_id,
            command.idempotency_key,
            data,
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
            while batch := self._next_batch():
                await self._write(batch)

    def _next_batch(self) -> list[_Pending]:
        batch: list[_Pending] = []
        while self._waiting and len(batch) + self._waiting[0].followers < self._batch_max:
            pending = self._waiting.popleft()
            if pending.future.done():  # Its sender went away before anything was sent.
                del self._pending[pending.request_id]
            else:
                batch.append(pending)
        return batch

    async def _write(self, batch: list[_Pending]) -> None:
        outcome = await self._enqueuer.enqueue([pending.payload for pending in batch])
        if isinstance(outcome, Journalled):
            for n, pending in enumerate(batch, start=outcome.first_n):
                self._note_journalled(pending, n)
            return
        for pending in batch:
            if not pending.n:  # Its reply may have come though the answer to its writing did not.
                self._resolve(pending, outcome)
        if self._enqueuer.timed_out:
            self.breaker.trip("a write was not answered")
            outcome = GONE
        if isinstance(outcome, NotAccepted) and outcome.refusal is Refusal.REDIS_UNAVAILABLE:
            # Those behind would wait as long again, batch by batch, for the same refusal.
            self._refuse_waiting(outcome)

    async def _ask(self) -> None:
        await self._client.ping()

    def _refuse_waiting(self, refusal: NotAccepted) -> None:
        while self._waiting:
            self._resolve(self._waiting.popleft(), refusal)

    def _note_journalled(self, pending: _Pending, n: int) -> None:
        if pending.n:
            return
        now_s = time.monotonic()
        pending.n = n
        pending.lookup_at_s = now_s + LOOKUP_AFTER_S
        pending.give_up_at_s = now_s + self._reply_timeout_s

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
            else:  # A repeat: its first answer is in the results, read it there.
                self._note_journalled(pending, reply.n)
                pending.lookup_at_s = 0.0
                self._repeated.set()

    async def _give_up_loop(self) -> None:
        # Apart from the lookups, so that a Redis that stands still cannot hold up an answer.
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            now_s = time.monotonic()
            for pending in self._journalled():
                if pending.give_up_at_s <= now_s or pending.future.done():
                    self._resolve(pending, Accepted(pending.n, pending.fingerprint))

    async def _look_up_loop(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_EVERY_S):
                    await self._repeated.wait()
            self._repeated.clear()
            now_s = time.monotonic()
            late = [pending for pending in self._journalled() if pending.lookup_at_s <= now_s]
            if not late or not self.redis_is_up:
                continue
            try:
                await self._look_up(late[:LOOKUP_COUNT_MAX])
            except (redis.RedisError, OSError) as error:
                _log.debug("lookup_failed", reason=str(error))

    def _journalled(self) -> list[_Pending]:
        return [pending for pending in self._pending.values() if pending.n]

    async def _look_up(self, late: list[_Pending]) -> None:
        for pending in late:
            pending.lookup_at_s = time.monotonic() + LOOKUP_EVERY_S
        # The position is read first, so the rows are at least as new as it says.
        pipeline = self._client.pipeline(transaction=False)
        pipeline.hget(self._keys.meta, "position")
        pipeline.hmget(self._keys.results, [pending.result_field for pending in late])
        position, rows = await pipeline.execute()
        for pending, row in zip(late, rows, strict=True):
            outcome = _outcome_of_row(pending, row, int(position or 0)) if row else None
            if outcome is not None:
                self._resolve(pending, outcome)


def _outcome_of_row(pending: _Pending, row: bytes, position: int) -> Answered | Mismatch | None:
    """Return what a stored result means for the command, None while it is not decided yet."""
    try:
        result = decode(row, CommandResult)
    except DecodeError as error:
        _log.error("unreadable_result", field=pending.result_field, reason=str(error))
        return None
    if result.n == pending.n:
        return Answered(pending.n, result)
    if position < pending.n:
        return None  # Of an earlier command, whose window may end before ours is carried out.
    if result.fingerprint == pending.fingerprint:
        return Answered(pending.n, result, replayed=True)
    return Mismatch(result.n)

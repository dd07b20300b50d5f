"""Carrying out a plan: requests out, answers counted.

The rule of this file: no answer is taken twice or left out. In an open loop the times are fixed
before it begins, and latency counts from them: a gateway that stalls is late for everybody who
would have come meanwhile.
"""

import asyncio
import random
import time
from collections import Counter, deque

import msgspec

from rialto.load.lanes import CONNECT_TIMEOUT_S, HttpLane, Lane, LoadError, SocketLane
from rialto.load.plan import ORDERS_PER_BATCH, Kind, Outcome, Plan
from rialto.load.traffic import auth_frame, requests_of

PATIENCE_S = 30.0  # For the last answers; whoever is silent for so long will not speak.
SEED = 7
NS_PER_S = 10**9


class _Done(msgspec.Struct):
    n: int
    order_id: int


class _OfBatch(msgspec.Struct):
    status: int
    body: _Done


class _Batch(msgspec.Struct):
    results: list[_OfBatch]


_decode_done = msgspec.json.Decoder(_Done).decode
_decode_batch = msgspec.json.Decoder(_Batch).decode


async def generate(plan: Plan) -> Outcome:
    """Carry out `plan`; raises LoadError when the gateway leaves it."""
    generator = _Generator(plan)
    async with asyncio.timeout(CONNECT_TIMEOUT_S):
        await generator.connect()
    try:
        await (generator.run_open() if plan.rate_per_s else generator.run_closed())
    finally:
        generator.close()
    return generator.outcome()


class _Generator:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._request = requests_of(plan)
        self._per_request = ORDERS_PER_BATCH if plan.kind is Kind.BATCH else 1
        self._total = plan.count // self._per_request
        self._lanes: list[Lane] = []
        self._next = 0
        self._due_ns = [0] * self._total
        self._late_ns: list[int] = []
        self._latencies_ns: list[int] = []
        self._answered = bytearray(self._total)
        self._statuses: Counter[str] = Counter()
        self._ns: list[int] = []
        self._order_ids: list[int] = []
        self._idle: deque[Lane] = deque()
        self._queue: deque[int] = deque()  # Due, and no connection is free.
        self._is_open = bool(plan.rate_per_s)
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._started_ns = self._ended_ns = 0

    async def connect(self) -> None:
        for index in range(self._plan.connections):
            self._lanes.append(await self._connected(index))

    async def _connected(self, index: int) -> Lane:
        loop, plan = asyncio.get_running_loop(), self._plan
        lane: HttpLane | SocketLane
        if plan.kind is not Kind.SOCKET:
            lane = HttpLane(self._on_answer, self._on_loss)
            await loop.create_connection(lambda: lane, "127.0.0.1", plan.port)
            return lane
        token = plan.tokens[index % len(plan.tokens)]
        lane = SocketLane(plan.port, auth_frame(token), self._on_answer, self._on_loss)
        await loop.create_connection(lambda: lane, "127.0.0.1", plan.port)
        await lane.opened
        return lane

    async def run_closed(self) -> None:
        self._started_ns = time.perf_counter_ns()
        for _ in range(self._plan.in_flight):
            for lane in self._lanes:
                self._send_next(lane)
        await self._wait()

    async def run_open(self) -> None:
        draw = random.Random(SEED)
        self._idle.extend(self._lanes)
        self._started_ns = due_ns = time.perf_counter_ns()
        for number in range(self._total):
            # Independent senders: the gaps between their requests are exponential.
            due_ns += int(draw.expovariate(self._plan.rate_per_s) * NS_PER_S)
            self._due_ns[number] = due_ns
        for number in range(self._total):
            wait_ns = self._due_ns[number] - time.perf_counter_ns()
            if wait_ns > 0:
                await asyncio.sleep(wait_ns / NS_PER_S)
            if self._done.done():
                break
            self._late_ns.append(time.perf_counter_ns() - self._due_ns[number])
            if self._idle:
                self._send(self._idle.popleft(), number)
            else:
                self._queue.append(number)
        await self._wait()

    async def _wait(self) -> None:
        """Wait for the last answer, however many there are, unless they stop coming."""
        seen = -1
        while not self._done.done():
            if seen == len(self._latencies_ns):
                raise LoadError(f"{self._total - seen:,} requests were never answered.")
            seen = len(self._latencies_ns)
            await asyncio.wait({self._done}, timeout=PATIENCE_S)
        self._done.result()

    def _send_next(self, lane: Lane) -> None:
        if self._next < self._total:
            number, self._next = self._next, self._next + 1
            self._due_ns[number] = time.perf_counter_ns()
            self._send(lane, number)

    def _send(self, lane: Lane, number: int) -> None:
        lane.send(number, self._request(number))

    def _on_answer(self, lane: Lane, number: int, status: int, body: bytes) -> None:
        now_ns = time.perf_counter_ns()
        if self._answered[number]:
            self._on_loss(f"Request {number} was answered twice.")
            return
        self._answered[number] = 1
        self._latencies_ns.append(now_ns - self._due_ns[number])
        self._count(status, body)
        if len(self._latencies_ns) == self._total:
            self._ended_ns = now_ns
            self._done.set_result(None)
        elif not self._is_open:
            self._send_next(lane)
        elif self._queue:
            self._send(lane, self._queue.popleft())
        else:
            self._idle.append(lane)

    def _count(self, status: int, body: bytes) -> None:
        if self._plan.kind is Kind.BATCH and status == 200:
            for one in _decode_batch(body).results:
                self._note(one.status, one.body)
            return
        if self._plan.kind in (Kind.ORDER, Kind.SOCKET) and status == 201:
            self._note(status, _decode_done(body))
            return
        self._statuses[str(status)] += 1

    def _note(self, status: int, done: _Done) -> None:
        self._statuses[str(status)] += 1
        self._ns.append(done.n)
        self._order_ids.append(done.order_id)

    def _on_loss(self, sentence: str) -> None:
        if not self._done.done():
            self._done.set_exception(LoadError(sentence))

    def close(self) -> None:
        for lane in self._lanes:
            lane.close()

    def outcome(self) -> Outcome:
        latencies_ns = sorted(self._latencies_ns)
        return Outcome(
            count=len(latencies_ns) * self._per_request,
            elapsed_ns=self._ended_ns - self._started_ns,
            p50_us=_percentile_us(latencies_ns, 50),
            p99_us=_percentile_us(latencies_ns, 99),
            max_us=_percentile_us(latencies_ns, 100),
            late_p99_us=_percentile_us(sorted(self._late_ns), 99),
            statuses=dict(self._statuses),
            ns=self._ns,
            order_ids=self._order_ids,
        )


def _percentile_us(sorted_ns: list[int], percent: int) -> int:
    """Return the nearest-rank percentile, 0 of nothing."""
    rank = -(-len(sorted_ns) * percent // 100)
    return sorted_ns[max(rank, 1) - 1] // 1_000 if sorted_ns else 0

"""`rialto bench gateway`: what the door can carry, beside an application that does nothing.

The rule of this file: each figure is measured in turn, round after round, so that what is compared
saw the same machine; every order that was sent is counted, and the ledger is asked at the end.
"""

import asyncio
import contextlib
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
import psutil

from rialto.embedded_redis import choose_port
from rialto.errors import RialtoError
from rialto.load.plan import Kind, Outcome, Plan
from rialto.load.table import Goal, Row
from rialto.load.venue import MARKET, Ledger, User, fill_book, open_venue, read_ledger
from rialto.probes import http_answers
from rialto.processes import leashed
from rialto.service import ServiceSpec
from rialto.throwaway import Throwaway, running
from shared.home import token_public_key

USERS = 16
MAKER, READER = USERS, USERS + 1  # They do not trade.
CLIENTS = 64
RATE_PER_S = 1_000
FLOOR = (Kind.EMPTY, Kind.BARE)
SOCKETS, IN_FLIGHT = 8, 128
BATCH_CLIENTS = 8
MILESTONES = (10_000, 50_000, 100_000)  # Orders after which the memory is looked at.
FLAT_MB = 15  # What the caches and the allocator may add between the last two of them.
# One machine is all the clients there are, so what keeps one of them in bounds is off. Every
# request is counted all the same.
NO_LIMITS: Mapping[str, object] = {
    "limit_weight_minute": 0,
    "limit_orders_10s": 0,
    "limit_orders_10s_address": 0,
    "limit_orders_day": 0,
    "limit_refusals_minute": 0,
}
US_PER_MS, US_PER_S = 1_000, 1_000_000
MB = 1_000_000


class Size(NamedTuple):
    """How much is measured: rounds, and requests of each kind in a round."""

    rounds: int = 3
    open_loop: int = 5_000
    closed_loop: int = 10_000
    stream: int = 40_000
    memory: float = 1.0  # Of MILESTONES.


QUICK = Size(rounds=1, open_loop=100, closed_loop=200, stream=400, memory=0.002)


async def measure(place: Throwaway, size: Size) -> list[Row]:
    """Measure the gateway of `place`; raises RialtoError when it cannot be finished."""
    users = await open_venue(place, USERS + 2)
    await fill_book(place, users[MAKER], users[READER])
    async with _floor(place) as floor_port:
        bench = _GatewayBench(place, users, floor_port, size)
        await bench.measure_all()
    return bench.rows()


class _GatewayBench:
    def __init__(
        self, place: Throwaway, users: Sequence[User], floor_port: int, size: Size
    ) -> None:
        self._place = place
        self._tokens = [user.token for user in users]
        self._floor_port = floor_port
        self._size = size
        self._process = psutil.Process(place.pids["api"])
        self._outcomes: dict[str, list[Outcome]] = defaultdict(list)
        self._cpu_us: dict[str, list[float]] = defaultdict(list)
        self._rss_mb: dict[int, float] = {}
        self._sent = 0  # Orders.
        self._before: Ledger | None = None
        self._after: Ledger | None = None

    async def measure_all(self) -> None:
        self._before = await read_ledger(self._place)
        self._rss_mb[0] = self._process.memory_info().rss / MB
        await self._fill_memory()
        size = self._size
        for _ in range(size.rounds):
            await self._run("open", Kind.ORDER, size.open_loop, CLIENTS, rate_per_s=RATE_PER_S)
            await self._run("floor", Kind.EMPTY, size.closed_loop, CLIENTS)
            await self._run("order", Kind.ORDER, size.closed_loop, CLIENTS)
            await self._run("bare", Kind.BARE, size.closed_loop, CLIENTS)
            await self._run("socket", Kind.SOCKET, size.stream, SOCKETS, in_flight=IN_FLIGHT)
            await self._run("batch", Kind.BATCH, size.stream, BATCH_CLIENTS)
            await self._run("depth", Kind.DEPTH, size.closed_loop, CLIENTS)
            await self._run("open orders", Kind.OPEN, size.closed_loop, CLIENTS)
        self._after = await read_ledger(self._place)

    async def _fill_memory(self) -> None:
        done = 0
        for milestone in MILESTONES:
            upto = max(int(milestone * self._size.memory), 1)
            await self._run("memory", Kind.ORDER, upto - done, CLIENTS)
            done = upto
            self._rss_mb[milestone] = self._process.memory_info().rss / MB

    async def _run(
        self,
        name: str,
        kind: Kind,
        count: int,
        connections: int,
        *,
        in_flight: int = 1,
        rate_per_s: int = 0,
    ) -> None:
        tokens = self._tokens[:USERS] if kind is not Kind.OPEN else [self._tokens[READER]]
        plan = Plan(
            kind=kind,
            port=self._floor_port if kind in FLOOR else self._place.settings.api_port,
            tokens=tokens,
            market=MARKET,
            prefix=f"{name.replace(' ', '')}{len(self._outcomes[name])}",
            count=count,
            connections=connections,
            in_flight=in_flight,
            rate_per_s=rate_per_s,
        )
        before_s = self._cpu_s()
        outcome = await _generate(plan, self._place)
        self._cpu_us[name].append((self._cpu_s() - before_s) * US_PER_S / outcome.count)
        self._outcomes[name].append(outcome)
        if kind in (Kind.ORDER, Kind.SOCKET, Kind.BATCH):
            self._sent += outcome.count

    def _cpu_s(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    # ---- the table ----

    def rows(self) -> list[Row]:
        return [*self._speeds(), *self._memory(), *self._counts()]

    def _speeds(self) -> Iterator[Row]:
        at_rate = self._outcomes["open"]
        yield _ms("order at 1,000/s, p50", [one.p50_us for one in at_rate], 3)
        yield _ms("order at 1,000/s, p99", [one.p99_us for one in at_rate], 10)
        yield _ms("  the generator itself late, p99", [one.late_p99_us for one in at_rate])
        yield self._per_s("empty POST, FastAPI, token verified", "floor")
        yield self._per_s("order, 64 clients", "order")
        yield self._share("  of the empty POST", "floor", 60)
        yield self._per_s("empty POST, token not verified", "bare")
        yield self._share("  order, of that", "bare")
        yield self._per_s("orders by WebSocket", "socket", 15_000)
        yield self._per_s("orders by batch", "batch", 15_000)
        yield self._per_s("depth", "depth", 3_000)
        yield self._per_s("open orders", "open orders", 3_000)
        for name in ("order", "socket", "batch", "depth", "open orders"):
            yield Row(what=f"gateway's CPU, {name}", unit="us", rounds=self._cpu_us[name], digits=1)

    def _share(self, what: str, other: str, limit: int = 0) -> Row:
        pairs = zip(self._outcomes["order"], self._outcomes[other], strict=True)
        return Row(
            what=what,
            unit="%",
            rounds=[100 * order.per_s / floor.per_s for order, floor in pairs],
            goal=Goal.AT_LEAST if limit else Goal.NONE,
            limit=limit,
        )

    def _per_s(self, what: str, name: str, limit: int = 0) -> Row:
        return Row(
            what=what,
            unit="/s",
            rounds=[outcome.per_s for outcome in self._outcomes[name]],
            goal=Goal.AT_LEAST if limit else Goal.NONE,
            limit=limit,
        )

    def _memory(self) -> Iterator[Row]:
        yield Row(what="memory before", unit="MB", rounds=[self._rss_mb[0]])
        for milestone in MILESTONES:
            last = milestone == MILESTONES[-1]
            yield Row(
                what=f"memory after {milestone:,} orders",
                unit="MB",
                rounds=[self._rss_mb[milestone]],
                goal=Goal.BELOW if last else Goal.NONE,
                limit=150,
            )
        *_, second, last_one = MILESTONES
        grown = self._rss_mb[last_one] - self._rss_mb[second]
        yield _exact("  grown between the last two", grown, FLAT_MB, unit="MB")

    def _counts(self) -> Iterator[Row]:
        assert self._before is not None
        assert self._after is not None
        outcomes = [one for several in self._outcomes.values() for one in several]
        ns = [n for outcome in outcomes for n in outcome.ns]
        order_ids = {order_id for outcome in outcomes for order_id in outcome.order_ids}
        statuses: Counter[str] = Counter()
        for outcome in outcomes:
            statuses.update(outcome.statuses)
        journalled = self._after.last_n - self._before.last_n
        yield Row(what="orders sent", unit="", rounds=[self._sent])
        yield _exact("  not acknowledged", self._sent - len(ns))
        yield _exact("  acknowledged twice as one", len(ns) - min(len(set(ns)), len(order_ids)))
        yield _exact("  in the journal beyond those sent", abs(journalled - self._sent))
        surplus = max(map(abs, self._after.surplus_atoms.values()))
        yield _exact("  money beyond what was paid in, atoms", surplus)
        refused = sum(count for status, count in statuses.items() if status[0] != "2")
        yield _exact("  refused", refused)


def _ms(what: str, rounds_us: list[int], limit: int = 0) -> Row:
    rounds = [us / US_PER_MS for us in rounds_us]
    goal = Goal.BELOW if limit else Goal.NONE
    return Row(what=what, unit="ms", rounds=rounds, goal=goal, limit=limit, digits=2)


def _exact(what: str, count: float, limit: float = 1, *, unit: str = "") -> Row:
    """Return a row of something of which there should be none, or little."""
    return Row(what=what, unit=unit, rounds=[count], goal=Goal.BELOW, limit=limit)


async def _generate(plan: Plan, place: Throwaway) -> Outcome:
    # By a file: what is in a pipe when its writer ends is not always read to the end.
    file = place.home.folder / "outcome"
    process = await asyncio.create_subprocess_exec(
        *leashed([sys.executable, "-P", "-m", "rialto.load", str(file)]),
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=place.environ,
    )
    try:
        _, err = await process.communicate(msgspec.msgpack.encode(plan))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        words = err.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        raise RialtoError(f"The {plan.kind} load could not be carried: {words[-1]}")
    return msgspec.msgpack.decode(file.read_bytes(), type=Outcome)


@contextlib.asynccontextmanager
async def _floor(place: Throwaway) -> AsyncIterator[int]:
    """Give the port of the application that the gateway is compared with."""
    port = choose_port()
    key_file = str(token_public_key(place.home.folder))
    spec = ServiceSpec(
        name="floor",
        argv=(sys.executable, "-P", "-m", "rialto.load.floor", str(port), key_file),
        environ=place.environ,
        ready=http_answers("127.0.0.1", port, "/docs", status="200"),
    )
    async with running(spec, place.home):
        yield port

"""How long a venue is without its engine: from its rows after a restart, and from a standby's
memory after a kill -9.

The rule of this file: it wants an empty Redis of its own, runs the real programs, and measures from
outside: a command that waits in the journal until somebody has carried it out.
"""

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import Struct

from engine.batch import Applier
from engine.core.exchange import Exchange, Limits
from engine.entries import Entry
from engine.loading import many_objects
from engine.redis_link import RedisLink
from engine.rows import Meta, Program, write_changes, write_meta
from engine.store import Commit, Lease, Store
from engine.watch import FOLLOWING, decode_note
from shared.channels import Keys
from shared.messages import Command, CreateAsset, CreateMarket, Deposit, PlaceOrder, Side
from shared.wire import NOBODY, WIRE_VERSION, Envelope, encode

VENUE = "bench"
ACCOUNTS = 1_000
BATCH = 2_000
LEASE_MS = 1_000
DEADLINE_S = 120.0
POLL_S = 0.002
TRADES_MAX = 1_000
BACKLOG_MAX = 1_000_000
RICH = 10**15


class Recovery(Struct, frozen=True, kw_only=True):
    """Seconds from nothing to ready with so many rows; `process_s` is that of the real program,
    from its start to the first command that it carries out.
    """

    open_orders: int
    idempotency_keys: int
    read_s: float
    restore_s: float
    process_s: float


class Takeover(Struct, frozen=True, kw_only=True):
    """Seconds from kill -9 to the first command that the standby carries out."""

    open_orders: int
    idempotency_keys: int
    lease_ms: int
    rounds: int
    p50_s: float
    p99_s: float
    longest_s: float
    from_memory: int


# ---- a venue of any size ----


def fill(redis_url: str, *, open_orders: int, idempotency_keys: int) -> None:
    """Write the rows of a venue with so many orders and keys, by the engine's own commits."""
    link, keys = RedisLink(redis_url), Keys(VENUE)
    link.open()
    with contextlib.closing(link):
        store = Store(link, keys, Lease("fill", int(DEADLINE_S * 1_000)))
        assert store.acquire(), "the bench wants a Redis of its own"
        applier, position = Applier(Exchange(_limits(idempotency_keys)), b""), 0
        entries: list[Entry] = []
        clock_ns = time.time_ns()
        for n, command in enumerate(_commands(open_orders, idempotency_keys), start=1):
            envelope = Envelope(WIRE_VERSION, NOBODY, 0, msgspec.Raw(encode(command)))
            entries.append(Entry(n, clock_ns + n, encode(envelope)))
            if len(entries) == BATCH:
                position = _commit(store, keys, applier, entries)
                entries = []
        position = _commit(store, keys, applier, entries)
        link.call("XTRIM", keys.events, "MAXLEN", 1)
        # The journal goes on behind what it would hold.
        link.call("XADD", keys.journal, f"{position}-0", "t", "0", "b", "")
        link.call("XTRIM", keys.journal, "MAXLEN", 0)
        link.call("SET", keys.n, position)
        store.release()


def _limits(idempotency_keys: int) -> Limits:
    return Limits(idempotency_keys_max=max(1, idempotency_keys))


def _commit(store: Store, keys: Keys, applier: Applier, entries: list[Entry]) -> int:
    exchange, begun_at = applier.exchange, applier.exchange.n
    batch = applier.apply(entries)
    program = Program()
    meta = Meta(
        position=exchange.n,
        sequence=exchange.sequence,
        chain=batch.chain,
        at_ns=exchange.at_ns,
        next_order_id=exchange.next_order_id,
    )
    write_meta(program, keys, meta)
    write_changes(program, keys, exchange.drain_changes(), batch.results, TRADES_MAX)
    commit = Commit(begun_at, exchange.n, exchange.sequence, batch.packed_events(), program)
    store.start_commit(commit, first=[], ahead_max=0)
    store.finish_commit()
    return exchange.n


def _commands(open_orders: int, idempotency_keys: int) -> Iterator[Command]:
    for asset in ("BASE", "QUOTE"):
        yield CreateAsset(asset=asset, scale=2)
    yield CreateMarket(
        market="BASE_QUOTE", base="BASE", quote="QUOTE", price_scale=0, price_tick=1, lot_atoms=1
    )
    for account_id in range(1, ACCOUNTS + 1):
        for asset in ("BASE", "QUOTE"):
            yield Deposit(account_id=account_id, asset=asset, amount_atoms=RICH)
    for number in range(open_orders):
        side = Side.BUY if number % 2 else Side.SELL
        away = 1 + number % 5_000
        yield PlaceOrder(
            account_id=1 + number % ACCOUNTS,
            market="BASE_QUOTE",
            side=side,
            price_ticks=10_000 - away if side is Side.BUY else 10_000 + away,
            quantity_lots=100,
            client_order_id=f"order-{number:012d}",
            idempotency_key=f"key-{number:032d}" if number < idempotency_keys else "",
        )
    for number in range(open_orders, idempotency_keys):
        yield Deposit(
            account_id=1 + number % ACCOUNTS,
            asset="QUOTE",
            amount_atoms=1,
            idempotency_key=f"key-{number:032d}",
        )


# ---- engines as processes ----


@dataclass(slots=True)
class _Engine:
    owner: str
    process: subprocess.Popen[bytes]
    log: Path

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


class _Venue:
    """The venue in Redis and the engines that run on it."""

    def __init__(self, redis_url: str, folder: Path, idempotency_keys: int) -> None:
        self._url = redis_url
        self._folder = folder
        self._keys = Keys(VENUE)
        self._idempotency_keys = idempotency_keys
        self._link = RedisLink(redis_url)
        self._link.open()
        self._count = 0
        self.engines: list[_Engine] = []

    def start(self) -> _Engine:
        self._count += 1
        owner = f"engine-{self._count}"
        settings = {
            "redis_url": self._url,
            "venue": VENUE,
            "home": str(self._folder / "home"),
            "engine_owner": owner,
            "lease_ttl_ms": str(LEASE_MS),
            "demo_markets": "false",
            "idempotency_keys_max": str(max(1, self._idempotency_keys)),
        }
        ours = {f"RIALTO_{name.upper()}": text for name, text in settings.items()}
        ours |= {"RIALTO_CONFIG": os.devnull, "PYTHONPATH": os.pathsep.join(sys.path)}
        log = self._folder / f"{owner}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "engine"],
                env={**os.environ, **ours},
                stdout=file,
                stderr=file,
            )
        engine = _Engine(owner, process, log)
        self.engines.append(engine)
        return engine

    def send(self) -> int:
        """Journal one command and return its number."""
        command = Deposit(account_id=1, asset="QUOTE", amount_atoms=1)
        payload = encode(Envelope(WIRE_VERSION, NOBODY, 0, msgspec.Raw(encode(command))))
        names = [self._keys.n, self._keys.journal, self._keys.meta]
        answer = self._link.run("enqueue", names, [BACKLOG_MAX, payload])
        assert isinstance(answer, list), "the script answers with a list"
        assert answer[0], f"the journal takes nothing: {answer}"
        return int(answer[0])

    def wait_for(self, n: int) -> None:
        """Wait until entry `n` is carried out."""
        self._wait(lambda: self._position() >= n, f"entry {n} carried out")

    def wait_for_standby(self, owner: str) -> None:
        def stands_by() -> bool:
            note = decode_note(self._link.call("GET", self._keys.standby))
            return note is not None and (note.owner, note.state) == (owner, FOLLOWING)

        self._wait(stands_by, f"{owner} standing by")

    def close(self) -> None:
        for engine in self.engines:
            engine.end()
        self._link.close()

    def _position(self) -> int:
        position = self._link.call("HGET", self._keys.meta, "position")
        return int(position) if isinstance(position, bytes) else 0

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        end_s = time.monotonic() + DEADLINE_S
        while not condition():
            if time.monotonic() > end_s:
                words = self.engines[-1].log.read_text(errors="replace")[-2_000:]
                raise TimeoutError(f"Not within {DEADLINE_S} s: {what}. {words}")
            time.sleep(POLL_S)


@contextlib.contextmanager
def _venue(redis_url: str, idempotency_keys: int) -> Iterator[_Venue]:
    with tempfile.TemporaryDirectory(prefix="rialto-bench-", ignore_cleanup_errors=True) as folder:
        venue = _Venue(redis_url, Path(folder), idempotency_keys)
        try:
            yield venue
        finally:
            venue.close()


# ---- the figures ----


def measure_recovery(
    redis_url: str, *, open_orders: int = 100_000, idempotency_keys: int = 1_000_000
) -> Recovery:
    """Measure a start from rows on a venue that is filled first; Redis must be empty."""
    fill(redis_url, open_orders=open_orders, idempotency_keys=idempotency_keys)
    link = RedisLink(redis_url)
    link.open()
    with contextlib.closing(link):
        store = Store(link, Keys(VENUE), Lease("bench", LEASE_MS))
        begun_s = time.monotonic()
        with many_objects():
            _meta, rows = store.load()
            read_s = time.monotonic()
            exchange = Exchange.restore(rows, _limits(idempotency_keys))
        restored_s = time.monotonic()
        assert len(rows.open_orders) == open_orders, "the venue was filled"
        assert exchange.n == rows.n, "the exchange is at the rows' position"
    with _venue(redis_url, idempotency_keys) as venue:
        n = venue.send()
        start_s = time.monotonic()
        venue.start()
        venue.wait_for(n)
        process_s = time.monotonic() - start_s
    return Recovery(
        open_orders=open_orders,
        idempotency_keys=idempotency_keys,
        read_s=read_s - begun_s,
        restore_s=restored_s - read_s,
        process_s=process_s,
    )


def measure_takeover(
    redis_url: str, *, rounds: int = 20, open_orders: int = 0, idempotency_keys: int = 0
) -> Takeover:
    """Kill the engine so often, and see its standby go on; Redis must be empty.

    The killed one comes back as the next standby each time.
    """
    fill(redis_url, open_orders=open_orders, idempotency_keys=idempotency_keys)
    seconds = []
    with _venue(redis_url, max(idempotency_keys, 1_000)) as venue:
        active = venue.start()
        venue.wait_for(venue.send())
        for _ in range(rounds):
            standby = venue.start()
            venue.wait_for_standby(standby.owner)
            venue.wait_for(venue.send())
            active.process.kill()
            begun_s = time.monotonic()
            venue.wait_for(venue.send())
            seconds.append(time.monotonic() - begun_s)
            active.end()
            active = standby
        logs = [engine.log.read_text(errors="replace") for engine in venue.engines]
    ordered = sorted(seconds)
    return Takeover(
        open_orders=open_orders,
        idempotency_keys=idempotency_keys,
        lease_ms=LEASE_MS,
        rounds=rounds,
        p50_s=statistics.median(ordered),
        p99_s=ordered[min(len(ordered) - 1, -(-99 * len(ordered) // 100) - 1)],
        longest_s=ordered[-1],
        from_memory=sum("taken_over_from_memory" in log for log in logs),
    )


def recovery_lines(figures: Recovery) -> Iterator[str]:
    """Yield the figures for a person."""
    yield f"rows          {figures.open_orders} open orders, {figures.idempotency_keys} keys"
    yield f"read          {figures.read_s:.2f} s"
    yield f"restore       {figures.restore_s:.2f} s"
    yield f"process       {figures.process_s:.2f} s from its start to its first commit"


def takeover_lines(figures: Takeover) -> Iterator[str]:
    """Yield the figures for a person."""
    yield f"rows          {figures.open_orders} open orders, {figures.idempotency_keys} keys"
    yield f"kills         {figures.rounds}, {figures.from_memory} answered from memory"
    yield f"lease         {figures.lease_ms} ms"
    yield f"takeover      p50 {figures.p50_s:.2f} s, p99 {figures.p99_s:.2f} s"
    yield f"longest       {figures.longest_s:.2f} s"

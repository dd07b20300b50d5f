"""How fast full commands are in one process: from the bytes of the journal to what a commit writes.

The rule of this file: everything between Redis and Redis is in the figure, and nothing else.
"""

import gc
import time
from collections.abc import Iterator, Sequence
from itertools import islice

from msgspec import Raw, Struct

from engine import compiled
from engine.batch import Applier
from engine.bench.flow import flow, opening
from engine.core.exchange import Exchange
from engine.core.invariants import check_changes
from engine.entries import Entry, decode_entry
from engine.rows import Program, write_changes
from shared.channels import Keys
from shared.messages import Command
from shared.wire import WIRE_VERSION, Envelope, encode

COMMANDS = 100_000
BATCH = 512  # As the engine commits under load.
TRADES_MAX = 1_000
SEED = 7
FIRST_AT_NS, STEP_NS = 1_700_000_000 * 10**9, 10_000  # A journal of 100,000 commands a second.
NS_PER_S = 10**9


class CoreFigures(Struct, frozen=True, kw_only=True):
    """`commands_per_s` is from payloads to events and changed rows; `applied_commands_per_s` also
    to event bytes, their chain, encoded results and checked rows; `packed_commands_per_s` also to
    the one argument of the commit.
    """

    commands: int
    events_bytes: int
    commands_per_s: int
    applied_commands_per_s: int
    packed_commands_per_s: int
    is_compiled: bool
    state_hash: str


def run(commands: int = COMMANDS, seed: int = SEED) -> CoreFigures:
    """Apply a made-up day, batch by batch, and return how fast that was."""
    bench = _CoreBench()
    bench.play(entries_of(opening()))
    entries = entries_of(list(islice(flow(seed), commands)), after=bench.applier.exchange.n)
    bench.reset()
    gc.collect()
    gc.freeze()
    bench.play(entries)
    gc.unfreeze()
    return CoreFigures(
        commands=commands,
        events_bytes=bench.events_bytes,
        commands_per_s=commands * NS_PER_S // max(_core_ns(entries), 1),
        applied_commands_per_s=commands * NS_PER_S // max(bench.apply_ns, 1),
        packed_commands_per_s=commands * NS_PER_S // max(bench.apply_ns + bench.pack_ns, 1),
        is_compiled=compiled.is_compiled(),
        state_hash=bench.applier.exchange.state_hash(),
    )


def _core_ns(entries: list[Entry]) -> int:
    """Return the time from the payloads to the exchange's events and changed rows."""
    bench = _CoreBench()
    bench.play(entries_of(opening()))
    exchange = bench.applier.exchange
    gc.collect()
    gc.freeze()
    began_ns = time.perf_counter_ns()
    for number, entry in enumerate(entries, 1):
        decoded = decode_entry(entry)
        exchange.apply(
            decoded.command, n=entry.n, at_ns=entry.at_ns, fingerprint=decoded.fingerprint
        )
        if number % BATCH == 0:
            exchange.drain_changes()
    exchange.drain_changes()
    core_ns = time.perf_counter_ns() - began_ns
    gc.unfreeze()
    return core_ns


def entries_of(commands: list[Command], *, after: int = 0) -> list[Entry]:
    """Return commands as the journal holds them, behind entry `after`."""
    return [
        Entry(
            n,
            FIRST_AT_NS + n * STEP_NS,
            encode(Envelope(WIRE_VERSION, "bench", n, Raw(encode(command)))),
        )
        for n, command in enumerate(commands, after + 1)
    ]


class _CoreBench:
    def __init__(self) -> None:
        self.applier = Applier(Exchange(), b"")
        self.reset()

    def reset(self) -> None:
        self.apply_ns = self.pack_ns = self.events_bytes = 0

    def play(self, entries: list[Entry]) -> None:
        keys, exchange, clock = Keys("bench"), self.applier.exchange, time.perf_counter_ns
        for first in range(0, len(entries), BATCH):
            began_ns = clock()
            batch = self.applier.apply(entries[first : first + BATCH])
            events = batch.packed_events()
            changes = exchange.drain_changes()
            check_changes(exchange, changes)
            applied_ns = clock()
            program = Program()
            write_changes(program, keys, changes, batch.results, TRADES_MAX)
            program.packed()
            self.apply_ns += applied_ns - began_ns
            self.pack_ns += clock() - applied_ns
            self.events_bytes += len(events)


def lines(figures: Sequence[CoreFigures]) -> Iterator[str]:
    """Yield the figures as a table for a person."""
    heads = ("commands", "commands/s", "applied/s", "packed/s", "compiled")
    yield "  ".join(f"{head:>12}" for head in heads) + "  state hash"
    for row in figures:
        cells = (
            f"{row.commands:,}",
            f"{row.commands_per_s:,}",
            f"{row.applied_commands_per_s:,}",
            f"{row.packed_commands_per_s:,}",
            "yes" if row.is_compiled else "no",
        )
        yield "  ".join(f"{cell:>12}" for cell in cells) + f"  {row.state_hash[:12]}"

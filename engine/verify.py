"""The archive, carried out once more from its beginning, or from a snapshot.

The rule of this file: it works on files alone and changes none. It says that every hash agrees, or
at which entry the first one does not.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import Struct

from engine.core import invariants
from engine.core.exchange import Exchange, Limits
from engine.entries import Entry
from engine.follower import Difference, Follower, Lost
from engine.snapshots import (
    About,
    SnapshotError,
    list_snapshots,
    newest_snapshot,
    program_version,
    read_about,
)
from shared.archive import (
    ArchiveError,
    Record,
    Writer,
    read_records,
    read_writers,
    segment_count,
)

PROGRESS_EVERY = 64  # Batches between two looks at the progress bar.


class Verdict(Struct, frozen=True, kw_only=True):
    """What a verification came to.

    `fault` is "" or one sentence; then `fault_n` is the journal entry that it is about, 0 if it is
    about the files. `unconfirmed` entries are archived without their events, as the newest may be.
    """

    ok: bool
    archive: str
    fault: str = ""
    fault_n: int = 0
    begun_after: int = 0
    entries: int = 0
    batches: int = 0
    unconfirmed: int = 0
    position: int = 0
    sequence: int = 0
    chain: str = ""
    state_hash: str = ""
    snapshots_agree: int = 0
    snapshots_bad: tuple[str, ...] = ()
    writers: tuple[Writer, ...] = ()
    program_version: str = ""
    seconds: float = 0.0


@dataclass(slots=True)
class Plan:
    """What there is to verify: found in a first pass over the journal, CRCs and all."""

    last_n: int = 0
    skip_orders: list[Entry] = field(default_factory=list)
    snapshots: dict[int, About] = field(default_factory=dict)
    bad_snapshots: list[str] = field(default_factory=list)


class Faulty(Exception):
    """The archive is not whole; the text is one sentence about the entry `n`, 0 for a file."""

    def __init__(self, n: int, sentence: str) -> None:
        super().__init__(sentence)
        self.n = n


def verify(
    folder: Path,
    limits: Limits,
    *,
    snapshots: Path | None = None,
    from_snapshot: bool = False,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Verdict:
    """Carry out the archive in `folder` and compare everything that is written in it.

    `snapshots` are compared on the way, each at its position. With `from_snapshot` it begins at the
    newest of them that is good. `on_progress` hears of the entries done and of all.
    """
    begun_s = time.monotonic()
    run = _Run(folder, limits, on_progress)
    fault, fault_n = "", 0
    try:
        run.prepare(snapshots, from_snapshot=from_snapshot)
        run.carry_out()
    except ArchiveError as error:
        fault = str(error)
    except OSError as error:
        fault = f"{error.filename or folder} cannot be read ({error.strerror})."
    except (Difference, Faulty) as error:
        fault, fault_n = run.told_of(error.n, str(error)), error.n
    exchange = run.follower.exchange
    return Verdict(
        ok=not fault,
        archive=str(folder),
        fault=fault,
        fault_n=fault_n,
        begun_after=run.begun_after,
        entries=exchange.n - run.begun_after,
        batches=run.batches,
        unconfirmed=max(0, run.plan.last_n - exchange.n),
        position=exchange.n,
        sequence=exchange.sequence,
        chain=run.follower.chain.hex(),
        state_hash="" if fault else exchange.state_hash(),
        snapshots_agree=run.snapshots_agree,
        snapshots_bad=tuple(run.plan.bad_snapshots),
        writers=tuple(read_writers(folder)),
        program_version=program_version(),
        seconds=time.monotonic() - begun_s,
    )


class _Run:
    """One verification at work."""

    def __init__(
        self, folder: Path, limits: Limits, on_progress: Callable[[int, int], None]
    ) -> None:
        self.folder = folder
        self.plan = Plan()
        self.follower = Follower(Exchange(limits), b"")
        self.begun_after = 0
        self.batches = 0
        self.snapshots_agree = 0
        self._limits = limits
        self._on_progress = on_progress

    def prepare(self, snapshots: Path | None, *, from_snapshot: bool) -> None:
        if not segment_count(self.folder):
            raise ArchiveError(f"There is no archive in {self.folder}.")
        self._look_ahead()
        for path in [] if snapshots is None else list_snapshots(snapshots):
            self._note_snapshot(path)
        if from_snapshot:
            self._begin_at(snapshots)

    def carry_out(self) -> None:
        follower, entries = self.follower, self._entries()
        for record in read_records(self.folder, "events", torn_end=True):
            if record.number <= follower.sequence:
                if record.number > self.begun_sequence:
                    raise Faulty(0, f"Events {record.number} are archived twice.")
                continue
            self._follow(record, entries)
            self.batches += 1
            self._compare_snapshot()
            if self.batches % PROGRESS_EVERY == 0:
                self._on_progress(follower.position, self.plan.last_n)
        self._on_progress(follower.position, self.plan.last_n)
        self._check_rules()

    @property
    def begun_sequence(self) -> int:
        about = self.plan.snapshots.get(self.begun_after)
        return about.sequence if about else 0

    def told_of(self, n: int, sentence: str) -> str:
        """Return the sentence, and who wrote the entry if that was another version than we are."""
        text = sentence[:1].upper() + sentence[1:].rstrip(".") + "."
        writers = [writer for writer in read_writers(self.folder) if writer.after < n]
        if n and writers and writers[-1].program_version != program_version():
            text += f" It was written by version {writers[-1].program_version}."
        return text

    # ---- the steps ----

    def _look_ahead(self) -> None:
        for entry in self._journal(0):
            self.plan.last_n = entry.n
            if b"skip_command" in entry.payload:
                self.plan.skip_orders.append(entry)

    def _journal(self, after: int) -> Iterator[Entry]:
        last_n = 0
        for record in read_records(self.folder, "journal", torn_end=True):
            if record.number != last_n + 1:
                missing = f"{last_n + 1} to {record.number - 1}"
                raise Faulty(last_n + 1, f"The archive lacks the entries {missing}")
            last_n = record.number
            if record.number > after:
                yield Entry(record.number, record.clock_us * 1_000, record.payload)

    def _entries(self) -> Iterator[Entry]:
        return self._journal(self.begun_after)

    def _note_snapshot(self, path: Path) -> None:
        try:
            about = read_about(path)
        except SnapshotError as error:
            self.plan.bad_snapshots.append(str(error))
            return
        self.plan.snapshots[about.position] = about

    def _begin_at(self, snapshots: Path | None) -> None:
        found = None
        if snapshots is not None:  # What is wrong with the others is noted already.
            found = newest_snapshot(snapshots, self._limits, up_to=self.plan.last_n)
        if found is None:
            raise ArchiveError("No snapshot is good and within the archive: verify it from zero.")
        about, exchange = found
        self.follower = Follower(exchange, bytes.fromhex(about.chain))
        self.begun_after = about.position

    def _follow(self, record: Record, entries: Iterator[Entry]) -> None:
        follower, before = self.follower, self.follower.position
        try:
            follower.follow(record.payload, entries, self.plan.skip_orders)
        except Lost as lost:
            raise Faulty(before + 1, f"The archive has a hole: {lost}") from lost
        if follower.sequence != record.number:
            raise Faulty(
                follower.position,
                f"The events up to entry {follower.position} end with {follower.sequence}, "
                f"the archive says {record.number}",
            )

    def _compare_snapshot(self) -> None:
        follower = self.follower
        about = self.plan.snapshots.get(follower.position)
        if about is None:
            return
        n = follower.position
        if about.chain != follower.chain.hex() or about.sequence != follower.sequence:
            raise Faulty(n, f"The snapshot of entry {n} has another chain")
        if about.state_hash != follower.exchange.state_hash():
            raise Faulty(n, f"The snapshot of entry {n} has another state")
        self.snapshots_agree += 1

    def _check_rules(self) -> None:
        exchange = self.follower.exchange
        try:
            invariants.check(exchange)
        except AssertionError as error:
            raise Faulty(exchange.n, f"After entry {exchange.n}: {error}") from error


def lines(verdict: Verdict) -> Iterator[str]:
    """Yield the verdict for a person, line by line."""
    yield f"archive       {verdict.archive}"
    for writer in verdict.writers:
        data = f"data version {writer.data_version}"
        yield f"written by    rialto {writer.program_version}, {data}, from {writer.after + 1} on"
    begin = f", from the snapshot of entry {verdict.begun_after}" if verdict.begun_after else ""
    yield f"carried out   {verdict.entries} entries in {verdict.batches} commits{begin}"
    if verdict.unconfirmed:
        yield f"left out      {verdict.unconfirmed} entries whose events are not archived"
    yield f"position      {verdict.position}, event {verdict.sequence}"
    yield f"chain         {verdict.chain or 'none'}"
    if verdict.state_hash:
        yield f"state hash    {verdict.state_hash}"
    if verdict.snapshots_agree:
        yield f"snapshots     {verdict.snapshots_agree} agree"
    for sentence in verdict.snapshots_bad:
        yield f"snapshots     {sentence}"
    yield f"time          {verdict.seconds:.1f} s"
    if verdict.ok:
        yield "Every hash agrees."
    elif verdict.fault_n:
        yield f"Entry {verdict.fault_n}: {verdict.fault}"
    else:
        yield verdict.fault

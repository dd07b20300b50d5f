"""One simulated run: clients, engines, faults, then healing and the last judgement.

The rule of this file: everything random comes from the seed, so a failing seed fails again.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import pytest
from msgspec import Raw
from redis.exceptions import ResponseError

import engine.loading
import engine.service
import engine.standby
import engine.store
from engine.entries import skipped_numbers
from engine.store import Store
from shared.channels import Keys
from shared.messages import (
    Command,
    RequestWithdrawal,
    SkipCommand,
    WithdrawalReturned,
    WithdrawalSettled,
)
from shared.wire import NOBODY, WIRE_VERSION, Envelope, Reply, decode, encode
from tests.simulation.commands import random_command, venue_commands
from tests.simulation.engines import (
    DEADLY,
    LIMITS,
    CountedStandby,
    ModelTime,
    MortalExchange,
    Request,
    SilentLog,
    SimulatedEngine,
    StoreMaker,
)
from tests.simulation.model_redis import Argument, ModelRedis, Response
from tests.support.replay import Replayed, check_replay, record_of

STEPS = 400  # About five starts of an engine and forty commits.
HEAL_STEPS_MAX = 6_000  # A healthy run needs a few hundred; a stuck one never ends.
COMMANDS_MAX = 45
ENGINES_MAX = 3
GATEWAY = "gateway"
BACKLOG_MAX = 25
STEP_US_MAX = 2_500
RESTORING_LEASE_MS = 600  # Two leases.
FREEZE_US_MAX = 450_000  # One lease and a half.
CRASH_RATE, FREEZE_RATE, DELIVER_RATE, CLIENT_RATE, OPERATOR_RATE = 0.012, 0.03, 0.05, 0.15, 0.02
TRIM_RATE = 0.01
DOUBT_RATE = 0.3  # Of the operator's looks at a sound venue; a standby has then halted it.
DOUBT = b"the standby disagrees, says the simulation"
START_RATE, EXTRA_START_RATE = 0.3, 0.05
MID_CHECK_RATE = 0.1
AUDIT_EVERY_S = 0.1  # Of the standbys' memory; a run takes about a second of its own time.


ENDS_OF_WITHDRAWALS = (WithdrawalSettled, WithdrawalReturned)


@dataclass
class Sent:
    """A command of a client; it may be sent again."""

    payload: bytes
    is_readable: bool = True
    asks_for_withdrawal: bool = False


@dataclass(frozen=True)
class Mutant:
    """A protocol with a hole; the checks must find it."""

    name: str
    fenced: bool = True
    make_store: StoreMaker = Store
    make_standby: type[CountedStandby] = CountedStandby
    patch: Callable[[pytest.MonkeyPatch], None] = lambda _patch: None


@dataclass
class Figures:
    """How rough a run was."""

    crashes: int = 0
    fenced: int = 0
    takeovers: int = 0
    late_deliveries: int = 0
    skips: int = 0
    resumes: int = 0
    withdrawals: int = 0  # That have ended, whichever way.
    entries: int = 0


class World:
    """All actors of one seed."""

    def __init__(self, seed: int, mutant: Mutant) -> None:
        self.random = Random(seed)
        self.redis = ModelRedis(fenced=mutant.fenced)
        self.keys = Keys("sim")
        self.make_store = mutant.make_store
        self.make_standby = mutant.make_standby
        self.batch_max = self.random.randint(1, 6)
        self.faulty = True
        self.engines: list[SimulatedEngine] = []
        self.delayed: list[Request] = []
        self.sent: list[Sent] = []
        self.acknowledged: dict[int, bytes] = {}
        self.requests: list[int] = []  # The entries that ask for a withdrawal, as clients know.
        self.figures = Figures()
        self._archived: dict[str, list[Response]] = {self.keys.journal: [], self.keys.events: []}
        self._starts = 0
        for command in venue_commands():
            self._enqueue(_payload(command, NOBODY, 0))

    # ---- one step ----

    def step(self) -> None:
        random = self.random
        self.redis.now_us += random.randint(1, STEP_US_MAX)
        start_rate = EXTRA_START_RATE if self.engines else START_RATE
        if len(self.engines) < ENGINES_MAX and random.random() < start_rate:
            self._start()
        roll = random.random()
        for rate, act in (
            (CRASH_RATE, self._crash),
            (FREEZE_RATE, self._freeze),
            (DELIVER_RATE, self._deliver),
            (CLIENT_RATE, self._client),
            (OPERATOR_RATE, self._operate),
            (TRIM_RATE, self._trim),
        ):
            if roll < rate:
                act()
                return
            roll -= rate
        self._go_on()

    def _start(self) -> None:
        self._starts += 1
        alone = self.random.random() < 0.3
        owner = f"standby-{self._starts}" if alone else "home"
        self.engines.append(SimulatedEngine(self, owner))

    def _go_on(self) -> None:
        if not self.engines:
            return
        awake = [engine for engine in self.engines if engine.wake_at_us <= self.redis.now_us]
        if not awake:
            next_one = min(self.engines, key=lambda engine: engine.wake_at_us)
            self.redis.now_us = next_one.wake_at_us
            awake = [next_one]
        chosen = self.random.choice(awake)
        chosen.go_on()
        if chosen.ended:
            self.figures.fenced += chosen.fenced
            self.engines.remove(chosen)

    def _crash(self) -> None:
        if self.engines:
            self.figures.crashes += 1
            self.engines.pop(self.random.randrange(len(self.engines))).crash(self.random)

    def _freeze(self) -> None:
        if self.engines:
            frozen = self.random.choice(self.engines)
            frozen.wake_at_us = self.redis.now_us + self.random.randint(1, FREEZE_US_MAX)

    def _deliver(self) -> None:
        if not self.delayed:
            return
        self.figures.late_deliveries += 1
        request = self.delayed.pop(self.random.randrange(len(self.delayed)))
        with contextlib.suppress(ResponseError):  # Nobody is there to hear it.
            request()

    def _trim(self) -> None:
        """The archiver copies what is committed and trims it, whoever is still reading."""
        if not self.position():
            return
        sequence = int(self.redis.hashes[self.keys.meta][b"sequence"])
        for key, last in ((self.keys.journal, self.position()), (self.keys.events, sequence)):
            stream = self.redis.call("XRANGE", key, "-", "+")
            assert isinstance(stream, list)
            self._archived[key] += [row for row in stream if int(row[0][:-2]) <= last]
            self.redis.call("XTRIM", key, "MINID", f"{last + 1}-0")

    def _read_all(self, *arguments: Argument) -> Response:
        """Read as from a Redis that was never trimmed."""
        response = self.redis.call(*arguments)
        if arguments[0] == "XRANGE":
            assert isinstance(response, list)
            return self._archived[str(arguments[1])] + response
        return response

    def _operate(self) -> None:
        """The operator skips the entry at hand, or resumes if the halt is not about it.

        Now and then a standby has just halted a sound venue.
        """
        halt = self.redis.call("HGET", self.keys.meta, "halt")
        if not isinstance(halt, bytes) or not halt:
            if self.faulty and self.random.random() < DOUBT_RATE:
                self.redis.run("doubt", [self.keys.meta], [DOUBT])
            return
        assert halt == DOUBT or halt.startswith(b"the engine died"), halt.decode()
        next_n = self.position() + 1
        keys = [self.keys.n, self.keys.journal, self.keys.meta, self.keys.attempts]
        payload = _payload(SkipCommand(skip_n=next_n), NOBODY, 0)
        if self.redis.run("skip", keys, [next_n, payload]):
            self.figures.skips += 1
        else:
            assert halt == DOUBT, "an entry that an engine has halted over can be skipped"
            self.figures.resumes += bool(self.redis.run("resume", keys[2:], []))

    # ---- clients ----

    def _client(self) -> None:
        random = self.random
        if len(self.sent) < COMMANDS_MAX and (not self.sent or random.random() < 0.75):
            self.sent.append(self._new_command())
            sent = self.sent[-1]
        else:
            sent = random.choice(self.sent)
        roll = random.random()
        if roll < 0.05:
            return  # Lost on the way.
        if roll < 0.10:
            self.delayed.append(lambda: self._enqueue(sent.payload))
            return
        n = self._enqueue(sent.payload)
        if n and roll > 0.2:  # Otherwise the reply was lost.
            self.acknowledged[n] = sent.payload
            if sent.asks_for_withdrawal:
                self.requests.append(n)
        if roll > 0.95:
            self._enqueue(sent.payload)

    def _new_command(self) -> Sent:
        number = len(self.sent) + 1
        roll = self.random.random()
        if roll < 0.03:
            return Sent(self.random.randbytes(12), is_readable=False)
        key = f"{DEADLY}{number}" if roll < 0.06 else f"key-{number}"
        if roll > 0.95 and number > 1:
            key = f"key-{self.random.randrange(1, number)}"  # Taken, most likely.
        command = random_command(self.random, key, self.requests)
        asks = isinstance(command, RequestWithdrawal)
        return Sent(_payload(command, GATEWAY, number), asks_for_withdrawal=asks)

    def _enqueue(self, payload: bytes) -> int:
        keys = [self.keys.n, self.keys.journal, self.keys.meta]
        response = self.redis.run("enqueue", keys, [BACKLOG_MAX, payload])
        assert isinstance(response, list)
        return int(response[0])

    # ---- the end ----

    def heal(self) -> None:
        """End all faults, let the late arrive, and run until everything is carried out."""
        while self.delayed:
            self._deliver()
        self.faulty = False
        for engine_ in self.engines:
            engine_.crash(self.random)
        self.engines.clear()
        for _ in range(HEAL_STEPS_MAX):
            self.redis.now_us += STEP_US_MAX
            if not self.engines:
                self._start()
            self._operate()
            self._go_on()
            if self.position() == int(self.redis.strings[self.keys.n]):
                return
        raise AssertionError("It does not come back by itself.")

    def position(self) -> int:
        return int(self.redis.hashes.get(self.keys.meta, {}).get(b"position", b"0"))

    def end(self) -> None:
        for engine_ in self.engines:
            engine_.crash(self.random)

    def check(self) -> Replayed:
        """Raise unless what is stored so far is what the journal makes of it."""
        record = record_of(self._read_all, self.keys)
        self.figures.entries = len(record.entries)
        for n, payload in self.acknowledged.items():
            assert record.entries[n - 1].payload == payload, "An acknowledged entry is lost."
        skips = skipped_numbers(record.entries)
        del record.entries[record.meta.position :]
        replayed = check_replay(record, LIMITS, skips)
        told = [event for events in replayed.events.values() for event in events]
        ends = [event for event in told if isinstance(event, ENDS_OF_WITHDRAWALS)]
        self.figures.withdrawals = len(ends)
        for channel, data in self.redis.published:
            if channel == self.keys.events_channel:
                assert data in record.batches, "Events were published that no commit holds."
            elif channel == self.keys.reply_channel(GATEWAY):
                self._check_replies(data, replayed)
        return replayed

    def _check_replies(self, data: bytes, replayed: Replayed) -> None:
        for reply in decode(data, list[Reply]):
            if reply.result is not None:
                told = encode(reply.result)
                assert told == replayed.results[reply.n], f"Entry {reply.n} was answered wrongly."


def _payload(command: Command, gateway: str, request_id: int) -> bytes:
    return encode(Envelope(WIRE_VERSION, gateway, request_id, Raw(encode(command))))


SOUND = Mutant("sound")


def run_seed(seed: int, mutant: Mutant = SOUND) -> Figures:
    """Run one seed to its end; raises AssertionError when a promise was broken."""
    world = World(seed, mutant)
    with pytest.MonkeyPatch.context() as patch:
        for module in (engine.service, engine.standby):
            patch.setattr(module, "time", ModelTime(world))
            patch.setattr(module, "_log", SilentLog())
            patch.setattr(module, "Exchange", MortalExchange)
        patch.setattr(engine.loading, "time", ModelTime(world))
        patch.setattr(engine.standby, "AUDIT_EVERY_S", AUDIT_EVERY_S)
        patch.setattr(engine.service, "RESTORING_LEASE_MS", RESTORING_LEASE_MS)
        mutant.patch(patch)
        try:
            middle = world.random.randrange(STEPS)
            for step in range(STEPS):
                world.step()
                if step == middle and world.random.random() < MID_CHECK_RATE:
                    world.check()
            world.heal()
            world.check()
        except BaseException as error:
            error.add_note(f"simulation seed {seed}, protocol {mutant.name}")
            raise
        finally:
            world.end()
    return world.figures

"""Random days of the real core, each entry with what the naive exchange says of it and with the
core's own rows after it.

The rule of this file: it tells what happened and expects nothing. To the days of the naive exchange
it adds what a history meets besides: references, repeated keys, unreadable and skipped entries, and
times right before, at and after the boundaries of intervals.
"""

from random import Random
from typing import NamedTuple

from msgspec import structs

from engine.core.exchange import Exchange
from history.projection.intervals import INTERVALS_S, close_of, open_of
from shared.messages import (
    Applied,
    Command,
    CommandReplayed,
    CommandSkipped,
    DepthChanged,
    Event,
    Order,
    Tick,
    UnreadableCommand,
)
from shared.wire import decode_batch, encode
from tests.support.naive.days import Day
from tests.support.naive.exchange import NaiveExchange
from tests.support.naive.facts import facts_of
from tests.support.naive.world import Fact

COMMANDS = 300
START_NS = 1_795_391_990_000_000_000  # A Sunday, ten seconds before the end of a week.
# What the naive exchange has no words for.
UNTOLD = (CommandReplayed, UnreadableCommand, CommandSkipped, DepthChanged)


class Told(NamedTuple):
    """A journal entry. The facts are the naive exchange's, each with the sequence of its event;
    orders and balances are those that it changed, as the core has them after it.
    """

    applied: Applied
    command: Command | None
    facts: list[tuple[int, Fact]]
    orders: dict[int, Order]
    balances: dict[tuple[int, str], tuple[int, int]]


class RecordedDay:
    """A day at both exchanges, from the first asset on."""

    def __init__(self, draw: Random, commands: int = COMMANDS) -> None:
        self.told: list[Told] = []
        self.exchange, self.naive = Exchange(), NaiveExchange()
        self._draw = draw
        self._keyed: list[Command] = []
        self._day = Day(draw, self.naive.world)
        self._day.now = START_NS
        for command in self._day.opening():
            self._apply(command)
        for _ in range(commands):
            self._next()

    def _next(self) -> None:
        roll = self._draw.random()
        if roll < 0.02:
            self._go_to_a_boundary()
        elif roll < 0.03:
            self._pass_unreadable()
        elif roll < 0.04:
            self._skip()
        elif roll < 0.06 and self._keyed:
            self._apply(self._draw.choice(self._keyed))
        else:
            self._apply(self._labelled(self._day.next()[0]))

    def _go_to_a_boundary(self) -> None:
        interval_s = self._draw.choice(list(INTERVALS_S.values()))
        boundary_ns = close_of(open_of(self._day.now, interval_s), interval_s)
        self._day.now = boundary_ns + self._draw.choice((-1, 0, 0, 1))

    def _labelled(self, command: Command) -> Command:
        n = self.exchange.n + 1
        if hasattr(command, "reference"):
            command = structs.replace(command, reference=f"ref {n}")
        if command.account_id and self._draw.random() < 0.2:
            command = structs.replace(command, idempotency_key=f"key-{n}")
            self._keyed.append(command)
        return command

    def _apply(self, command: Command) -> None:
        now = self._day.now
        events = self.exchange.apply(command, at_ns=now)
        if isinstance(events[-1], CommandReplayed):
            self._tell(None, events, self._due())
        else:
            self._tell(command, events, self.naive.apply(command, now))

    def _pass_unreadable(self) -> None:
        self._tell(None, self.exchange.unreadable(at_ns=self._day.now), self._due())

    def _skip(self) -> None:
        self.naive.world.entry += 1
        self._tell(None, self.exchange.skip(at_ns=self._day.now), [])

    def _due(self) -> list[Fact]:
        facts = self.naive.apply(Tick(), self._day.now)
        assert facts.pop() == ("time_passed",)
        return facts

    def _tell(self, command: Command | None, events: list[Event], naive: list[Fact]) -> None:
        applied = Applied(self.exchange.n, self.exchange.at_ns, tuple(events))
        [applied] = decode_batch(encode([applied]))
        known: list[Event] = [e for e in events if not isinstance(e, UNTOLD)]
        facts = [fact for fact in naive if fact[0] != "depth"]
        assert facts_of(known) == facts, f"They differ: {command}."
        sequences = [event.sequence for event in known]
        changes = self.exchange.drain_changes()
        orders = changes.open_orders | changes.closed_orders
        copies = {key: structs.replace(order) for key, order in orders.items()}
        for order in copies.values():
            order.terms = structs.replace(order.terms) if order.terms is not None else None
        numbered = list(zip(sequences, facts, strict=True))
        self.told.append(Told(applied, command, numbered, copies, dict(changes.balances)))

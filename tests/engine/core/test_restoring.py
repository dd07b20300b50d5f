"""A restart at any journal entry changes nothing after it, nor do batches or hash seeds."""

import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from engine.core import invariants
from engine.core.exchange import Exchange, Limits
from shared.messages import Command, Event, OrderType, PlaceOrder, Side
from tests.support.audited_exchange import AuditedExchange
from tests.support.naive import NaiveExchange
from tests.support.naive.days import TENTH, Day
from tests.support.scenario import MARKET, opened_exchange, play

SMALL = Limits(
    idempotency_window_ns=6 * TENTH,
    idempotency_keys_max=40,
    closed_orders_max=15,
    closed_orders_window_ns=4 * TENTH,
)
COMMANDS = 200
ROOT = Path(__file__).parents[3]


def random_journal(seed: int) -> list[tuple[Command, int]]:
    """Return a day with keys, some used twice, and a clock that mostly stands still."""
    draw, naive = Random(seed), NaiveExchange()
    day = Day(draw, naive.world)
    journal: list[tuple[Command, int]] = [(command, TENTH) for command in day.opening()]
    for command, at_ns in journal:
        naive.apply(command, at_ns)
    for number in range(COMMANDS):
        command, at_ns = day.next()
        naive.apply(command, at_ns)
        key = f"k{number if draw.random() < 0.9 else draw.randint(0, number)}"
        journal.append((replace(command, idempotency_key=key), at_ns))
    return journal


def run(journal: list[tuple[Command, int]]) -> tuple[list[list[Event]], Exchange]:
    exchange = Exchange(SMALL)
    return [exchange.apply(command, at_ns=at_ns) for command, at_ns in journal], exchange


@pytest.mark.parametrize("seed", range(15))
def test_restarts_at_random_entries_change_no_later_event(seed: int) -> None:
    journal = random_journal(seed)
    expected, straight = run(journal)
    draw, audited = Random(seed), AuditedExchange(SMALL)
    for (command, at_ns), events in zip(journal, expected, strict=True):
        assert audited.apply(command, at_ns) == events, f"seed {seed}"
        if draw.random() < 0.1:
            audited.exchange = audited.restored(seed)
    assert audited.exchange.state_hash() == straight.state_hash(), f"seed {seed}"


@pytest.mark.parametrize("seed", range(5))
def test_rows_drained_in_other_batches_are_the_same_rows(seed: int) -> None:
    journal = random_journal(seed)
    audited, batched = AuditedExchange(SMALL), AuditedExchange(SMALL)
    draw = Random(seed)
    for command, at_ns in journal:
        audited.apply(command, at_ns)
        batched.exchange.apply(command, at_ns=at_ns)
        if draw.random() < 0.2:
            drain(batched)
    drain(batched)
    kept, other = audited.keeper, batched.keeper
    for rows in ("open_orders", "closed_orders", "balances", "accounts", "totals"):
        assert getattr(kept, rows) == getattr(other, rows), rows
    assert kept.market_states == other.market_states
    assert kept.keys.keys() == other.keys.keys()
    assert kept.trades == other.trades
    assert {key: lots for key, lots in other.depth.items() if lots} == kept.depth


def drain(batched: AuditedExchange) -> None:
    changes = batched.exchange.drain_changes()
    invariants.check_changes(batched.exchange, changes)
    batched.keeper.write(changes, batched.exchange.at_ns)


def test_a_drain_without_a_command_is_empty() -> None:
    exchange = play("deposit alice 5 USD").exchange
    changes = exchange.drain_changes()
    assert not any(getattr(changes, field) for field in changes.__slots__)
    restored = Exchange.restore(exchange.rows())
    changes = restored.drain_changes()
    assert not any(getattr(changes, field) for field in changes.__slots__)


def test_closed_orders_are_forgotten_by_age_and_by_number() -> None:
    limits = Limits(closed_orders_max=2, closed_orders_window_ns=100)
    audited = opened_exchange(limits=limits)
    play_orders(audited, count=3, at_ns=1_000)
    assert sorted(audited.keeper.closed_orders) == [2, 3]
    play_orders(audited, count=1, at_ns=1_100)
    assert sorted(audited.keeper.closed_orders) == [3, 4]
    play_orders(audited, count=1, at_ns=1_101)
    assert sorted(audited.keeper.closed_orders) == [4, 5]
    play_orders(audited, count=1, at_ns=1_202)
    assert sorted(audited.keeper.closed_orders) == [6]


def play_orders(audited: AuditedExchange, *, count: int, at_ns: int) -> None:
    for _ in range(count):
        audited.apply(
            PlaceOrder(
                account_id=1,
                market=MARKET,
                side=Side.BUY,
                type=OrderType.MARKET,
                quantity_lots=1,
            ),
            at_ns,
        )


def test_every_hash_seed_gives_the_same_events_and_state() -> None:
    printed = {
        subprocess.run(
            [sys.executable, "-m", "tests.support.print_digest"],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("0", "1", "2")
    }
    assert len(printed) == 1
    assert printed.pop().strip()

"""Batches: the events, the chain and the answers do not depend on where a batch was cut."""

import random

import pytest
from msgspec import Raw

from engine.batch import Applier, next_chain
from engine.core.exchange import Exchange
from engine.demo import demo_commands
from engine.entries import Entry
from shared.messages import CancelOrder, Command, Deposit, OrderStatus, PlaceOrder, Side
from shared.wire import WIRE_VERSION, CommandResult, Envelope, decode, decode_batch, encode


def entries_of(commands: list[Command], gateway: str = "gateway") -> list[Entry]:
    return [
        Entry(n, n, encode(Envelope(WIRE_VERSION, gateway, n, Raw(encode(command)))))
        for n, command in enumerate(commands, start=1)
    ]


def a_day(seed: int) -> list[Entry]:
    draw = random.Random(seed)
    commands = demo_commands()
    for account_id in (1, 2):
        for asset in ("INR", "TATA"):
            commands.append(Deposit(account_id=account_id, asset=asset, amount_atoms=10**6))
    for i in range(200):
        place = PlaceOrder(
            account_id=draw.choice((1, 2)),
            market="TATA_INR",
            side=draw.choice((Side.BUY, Side.SELL)),
            price_ticks=draw.randint(95, 105),
            quantity_lots=draw.randint(1, 9),
            idempotency_key=f"k{draw.randint(0, 150)}",
        )
        cancel = CancelOrder(
            account_id=place.account_id, order_id=draw.randint(1, i + 1), idempotency_key=f"c{i}"
        )
        commands.append(draw.choice((place, place, cancel)))
    entries = entries_of(commands)
    entries[100] = Entry(101, 101, b"nonsense")
    return entries


@pytest.mark.parametrize("seed", range(5))
def test_any_cut_gives_the_same_events_chain_and_answers(seed: int) -> None:
    entries = a_day(seed)
    whole = Applier(Exchange(), b"").apply(entries)
    draw = random.Random(seed)
    applier, start = Applier(Exchange(), b""), 0
    events: list[bytes] = []
    results: dict[int, bytes] = {}
    while start < len(entries):
        count = draw.randint(1, 40)
        batch = applier.apply(entries[start : start + count])
        applier.exchange.drain_changes()
        events += batch.events
        results |= batch.results
        start += count
    assert events == whole.events
    assert applier.chain == whole.chain
    assert results == whole.results, f"seed {seed}"


def test_the_packed_events_are_a_list_that_readers_decode() -> None:
    batch = Applier(Exchange(), b"").apply(entries_of(demo_commands()))
    assert [applied.n for applied in decode_batch(batch.packed_events())] == [1, 2, 3, 4, 5]


def test_the_chain_is_over_every_event_in_order() -> None:
    batch = Applier(Exchange(), b"seed").apply(entries_of(demo_commands()))
    chain = b"seed"
    for applied in batch.events:
        chain = next_chain(chain, applied)
    assert batch.chain == chain
    assert next_chain(b"a", b"b") != next_chain(b"b", b"a")


def test_an_answer_shows_the_order_as_it_stood_right_after_its_command() -> None:
    commands = demo_commands()
    commands += [
        Deposit(account_id=1, asset="TATA", amount_atoms=5),
        Deposit(account_id=2, asset="INR", amount_atoms=10_000),
    ]
    for account_id, side in ((1, Side.SELL), (2, Side.BUY)):
        commands.append(
            PlaceOrder(
                account_id=account_id,
                market="TATA_INR",
                side=side,
                price_ticks=100,
                quantity_lots=5,
                idempotency_key="k",
            )
        )
    batch = Applier(Exchange(), b"").apply(entries_of(commands))
    orders = [decode(batch.results[n], CommandResult).order for n in (8, 9)]
    assert [order and order.status for order in orders] == [OrderStatus.OPEN, OrderStatus.FILLED]


def test_nobody_is_answered_where_nobody_waits() -> None:
    assert not Applier(Exchange(), b"").apply(entries_of(demo_commands(), gateway="")).replies


def test_a_hole_in_the_journal_stops_the_engine() -> None:
    entries = entries_of(demo_commands())
    with pytest.raises(AssertionError, match="lacks entry 2"):
        Applier(Exchange(), b"").apply([entries[0], entries[2]])


def test_the_entry_at_hand_is_known_when_applying_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    applier = Applier(Exchange(), b"")
    applier.apply(entries_of(demo_commands()))
    assert applier.applying_n == 0
    monkeypatch.setattr(Exchange, "unreadable", lambda *_: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        applier.apply([Entry(6, 0, b"nonsense")])
    assert applier.applying_n == 6

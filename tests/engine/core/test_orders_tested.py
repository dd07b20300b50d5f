"""A test of an order: the very answer that the order would get now, and nothing changes by it."""

from dataclasses import replace
from random import Random

import pytest
from msgspec import structs

from shared.messages import (
    CommandReplayed,
    Event,
    OrderAccepted,
    OrderTested,
    PlaceOrder,
    Rejected,
    Side,
    TestOrder,
)
from tests.support.audited_exchange import AuditedExchange
from tests.support.naive.days import Day
from tests.support.naive.exchange import NaiveExchange
from tests.support.scenario import FUNDED, MARKET, play

DAYS = 20
COMMANDS = 60
BUY = PlaceOrder(market=MARKET, side=Side.BUY, price_ticks=101, quantity_lots=5)


def told_of(events: list[Event]) -> tuple[object, ...]:
    """Return what the answer says of the order, whether it was placed or tested."""
    answers = [
        event for event in events if isinstance(event, OrderAccepted | OrderTested | Rejected)
    ]
    match answers[0]:
        case OrderAccepted(hold=hold):
            return answers[0].account_id, hold.asset, hold.held_change
        case OrderTested():
            return answers[0].account_id, answers[0].hold_asset, answers[0].hold_atoms
        case rejected:
            return (rejected,)


@pytest.mark.parametrize("seed", range(DAYS))
def test_whatever_the_order_its_test_says_what_would_become_of_it(seed: int) -> None:
    naive, audited = NaiveExchange(), AuditedExchange()
    day = Day(Random(f"tested-{seed}"), naive.world)
    for command in day.opening():
        naive.apply(command, day.now)
        audited.apply(command, day.now)
    tested = 0
    for _ in range(COMMANDS):
        command, now = day.next()
        if isinstance(command, PlaceOrder):
            tested += 1
            anybodys = structs.replace(command, account_id=77, idempotency_key="not its own")
            test = TestOrder(account_id=command.account_id, order=anybodys)
            told = told_of(audited.restored().apply(test, at_ns=now))
            assert told == told_of(audited.restored().apply(command, at_ns=now)), command
        naive.apply(command, now)
        audited.apply(command, now)
    assert tested


def test_a_test_changes_nothing_but_the_numbers_of_journal_and_events() -> None:
    audited = play(FUNDED)
    audited.apply(structs.replace(BUY, account_id=1, side=Side.SELL))
    before, state_hash = audited.exchange.rows(), audited.exchange.state_hash()
    for order in (BUY, structs.replace(BUY, quantity_lots=2)):
        (event,) = audited.apply(TestOrder(account_id=2, order=order))
        assert isinstance(event, OrderTested)
    after = audited.exchange.rows()
    assert (after.n, after.sequence) == (before.n + 2, before.sequence + 2)
    assert replace(after, n=before.n, sequence=before.sequence) == before
    assert audited.exchange.state_hash() == state_hash


def test_a_refusal_names_the_field_as_the_order_itself_would() -> None:
    audited = play(FUNDED)
    named = structs.replace(BUY, quantity_lots=0, client_order_id="mine")
    (event,) = audited.apply(TestOrder(account_id=2, order=named))
    assert isinstance(event, Rejected)
    assert (event.field, event.market, event.client_order_id) == ("quantity_lots", MARKET, "mine")


def test_a_test_is_remembered_under_its_key() -> None:
    audited = play(FUNDED)
    command = TestOrder(account_id=2, order=BUY, idempotency_key="once")
    audited.apply(command)
    n = audited.exchange.n
    assert audited.apply(command) == [CommandReplayed(audited.exchange.sequence, 2, n)]


def test_the_table_of_holds() -> None:
    play(f"""{FUNDED}
        test buy bob #1 5 @ 100               -> would hold 500 USD
        test sell bob #1 5 @ 100              -> would hold 5 BTC
        test buy bob #1 market budget 70      -> would hold 70 USD
        test buy bob #1 2 stop 110            -> would hold 220 USD
        test buy bob #1 2 @ 115 stop 110      -> would hold 230 USD
        test sell bob #1 5 trail 3            -> NO_PRICE_YET
        test buy bob #1 5 market              -> would hold 0 USD
        sell alice #2 3 @ 100                 -> accepted
        test buy bob #1 5 market              -> would hold 300 USD
        test buy bob #1 5 @ 100 fok           -> would hold 500 USD
        test buy bob #1 1 @ 100 post-only     -> POST_ONLY_WOULD_TAKE
        test buy bob #1 1001 @ 100            -> INSUFFICIENT_FUNDS
        suspend bob                           -> done
        test buy bob #1 1 @ 100               -> ACCOUNT_SUSPENDED
        resume bob                            -> done
        status halted                         -> market halted operator
        test buy bob #1 1 @ 100               -> MARKET_HALTED
    """)

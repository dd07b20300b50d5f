"""The made-up day: the same for the same seed, and mostly of commands that succeed."""

from collections import Counter
from itertools import islice

from engine.bench.flow import ACCOUNTS, flow, opening
from engine.core.exchange import Exchange
from shared.messages import AmendOrder, CancelOrder, PlaceOrder, Rejected, TradeExecuted

COUNT = 5_000


def test_the_same_seed_is_the_same_day() -> None:
    assert list(islice(flow(1), COUNT)) == list(islice(flow(1), COUNT))
    assert list(islice(flow(1), COUNT)) != list(islice(flow(2), COUNT))


def test_every_key_and_every_client_order_id_is_new() -> None:
    commands = list(islice(flow(1), COUNT))
    keys = [(command.account_id, command.idempotency_key) for command in commands]
    assert len(set(keys)) == len(keys)


def test_the_day_places_cancels_amends_and_trades_among_all_accounts() -> None:
    exchange = Exchange()
    for command in opening():
        assert not isinstance(exchange.apply(command)[0], Rejected)
    commands = list(islice(flow(1), COUNT))
    events = [event for command in commands for event in exchange.apply(command)]
    assert {type(command) for command in commands} == {PlaceOrder, CancelOrder, AmendOrder}
    assert len({command.account_id for command in commands}) > ACCOUNTS // 2
    counts = Counter(type(event) for event in events)
    assert counts[TradeExecuted] > COUNT // 10
    assert counts[Rejected] < COUNT // 4

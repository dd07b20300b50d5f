"""A statement adds up: its lines are the balances, and each says what it comes from."""

from collections import Counter
from random import Random

import pytest

from history.projection.recording import Recording
from history.projection.rows import LedgerRow, MarketRow
from shared import messages as m
from tests.history.projection.days import RecordedDay
from tests.history.projection.shelf import recorded

CAUSES = {
    "accepted": "order_accepted",
    "triggered": "order_triggered",
    "amended": "order_amended",
    "cancelled": "order_cancelled",
    "expired": "order_expired",
    "trade": "trade",
    "deposited": "deposit",
    "withdrawn": "withdrawal",
    "transferred": "transfer",
    "fees_paid_out": "fees_paid_out",
    "withdrawal_requested": "withdrawal_requested",
    "withdrawal_settled": "withdrawal_settled",
    "withdrawal_returned": "withdrawal_returned",
}
OF_MONEY = ("deposited", "withdrawn", "transferred", "fees_paid_out")
Balances = dict[tuple[int, str], tuple[int, int]]


@pytest.fixture
def ledger(day: RecordedDay, seed: int) -> list[LedgerRow]:
    return recorded((one.applied for one in day.told), Random(seed)).ledger


def test_the_lines_added_up_are_the_balances_after_every_entry(day: RecordedDay) -> None:
    recording = Recording()
    summed: Balances = {}
    core: Balances = {}
    for told in day.told:
        recording.take(told.applied)
        for line in recording.finish().ledger:
            key = line.account_id, line.asset
            available, held = summed.get(key, (0, 0))
            summed[key] = available + line.available_change, held + line.held_change
            assert (line.available, line.held) == summed[key], f"It does not follow: {line}."
        core |= told.balances
        assert summed == {key: core[key] for key in summed}
        assert not any(any(core[key]) for key in core.keys() - summed.keys())
    for (account_id, asset), balance in summed.items():
        assert day.naive.balance(account_id, asset) == balance


def test_the_fees_in_the_lines_are_what_the_venue_has_earned(
    day: RecordedDay, ledger: list[LedgerRow]
) -> None:
    earned: Counter[str] = Counter()
    for line in ledger:
        earned[line.asset] += line.fee_atoms
        if line.cause == "fees_paid_out":
            earned[line.asset] -= line.available_change
    naive = day.naive.world.earned
    assert {asset: fees for asset, fees in earned.items() if fees} == {
        asset: fees for asset, fees in naive.items() if fees
    }


def test_each_line_names_its_cause_and_its_time(day: RecordedDay, ledger: list[LedgerRow]) -> None:
    facts = {
        sequence: (told, str(fact[0]), fact) for told in day.told for sequence, fact in told.facts
    }
    references = {one.applied.n: getattr(one.command, "reference", "") for one in day.told}
    for line in ledger:
        told, kind, fact = facts[line.sequence]
        assert (line.at_ns, line.n) == (told.applied.at_ns, told.applied.n)
        assert line.cause == CAUSES[kind]
        ids = line.withdrawal_id, line.counterparty_account_id
        if kind.startswith("withdrawal_"):
            assert ids == (fact[2], 0)
            assert line.reference == references[line.withdrawal_id]
        else:
            assert ids == (0, fact[2] if kind == "transferred" else 0)
            assert line.reference == (references[line.n] if kind in OF_MONEY else "")
        is_of_order = kind in ("accepted", "triggered", "amended", "cancelled", "expired", "trade")
        assert bool(line.market) == bool(line.order_id) == is_of_order


def test_each_line_of_an_order_is_of_its_owner_and_its_market(
    day: RecordedDay, ledger: list[LedgerRow]
) -> None:
    orders = {key: order for told in day.told for key, order in told.orders.items()}
    markets = day.naive.world.markets
    for line in ledger:
        if not line.order_id:
            continue
        order, market = orders[line.order_id], markets[line.market]
        assert (line.account_id, line.market) == (order.account_id, order.market)
        held = market.quote if order.side is m.Side.BUY else market.base
        assert line.asset in ((market.base, market.quote) if line.trade_id else (held,))


def test_the_lines_of_an_order_give_back_what_it_held(
    day: RecordedDay, ledger: list[LedgerRow]
) -> None:
    """An order that has ended holds nothing; the two of a pair hold together."""
    held: Counter[int] = Counter()
    group: dict[int, int] = {}
    orders = {key: order for told in day.told for key, order in told.orders.items()}
    for order_id, order in orders.items():
        peer = order.terms.peer_order_id if order.terms is not None else 0
        group[order_id] = min(order_id, peer or order_id)
    for line in ledger:
        if line.order_id:
            held[group[line.order_id]] += line.held_change
    core: Counter[int] = Counter()
    for order_id, order in orders.items():
        core[group[order_id]] += order.held_atoms
    assert {key: has for key, has in held.items() if has} == {
        key: has for key, has in core.items() if has
    }


def test_the_four_lines_of_a_trade_with_oneself_are_told_apart() -> None:
    recording = Recording([market_row()])
    for order_id, side in ((1, m.Side.SELL), (2, m.Side.BUY)):
        recording.take(m.Applied(order_id, order_id, (accepted(order_id, side),)))
    recording.take(m.Applied(3, 3, (self_trade(),)))
    lines = [line for line in recording.finish().ledger if line.cause == "trade"]
    assert [(line.leg, line.asset, line.order_id) for line in lines] == [
        (0, "AAA", 1),
        (1, "USD", 1),
        (2, "AAA", 2),
        (3, "USD", 2),
    ]
    assert [line.fee_atoms for line in lines] == [0, 2, 3, 0]
    assert {line.trade_id for line in lines} == {9}


def test_a_line_is_there_for_a_fee_that_took_all_there_was_to_receive() -> None:
    """The smallest trade may cost its buyer all that it brings: nothing changes, and it is paid."""
    recording = Recording([market_row()])
    for order_id, side in ((1, m.Side.SELL), (2, m.Side.BUY)):
        recording.take(m.Applied(order_id, order_id, (accepted(order_id, side),)))
    recording.take(m.Applied(3, 3, (self_trade(received=0),)))
    [line] = [line for line in recording.finish().ledger if line.leg == 2]
    assert (line.asset, line.available_change, line.held_change, line.fee_atoms) == ("AAA", 0, 0, 3)


def market_row() -> MarketRow:
    return MarketRow("AAA_USD", "AAA", "USD", 0, 1, 1, 1, "received", "{}", 0)


def accepted(order_id: int, side: m.Side) -> m.OrderAccepted:
    asset = "USD" if side is m.Side.BUY else "AAA"
    hold = m.BalanceChange(asset, -20, 20, 80, 20)
    order = 7, order_id, order_id, "", "AAA_USD", side, m.OrderType.LIMIT, m.TimeInForce.GTC
    return m.OrderAccepted(order_id, *order, 5, 4, 0, hold)


def self_trade(received: int = 1) -> m.TradeExecuted:
    """Account 7 sells 4 lots at 5 to itself; the fees are 2 USD and 3 AAA."""
    filled = 4, 0, m.OrderStatus.FILLED
    base = m.BalanceChange("AAA", 0, -4, 80, 16)
    quote = m.BalanceChange("USD", 18, 0, 98, 20)
    maker = m.Fill(7, 3, 1, "", *filled, 2, base, quote)
    base = m.BalanceChange("AAA", received, 0, 80 + received, 16)
    quote = m.BalanceChange("USD", 0, -20, 98, 0)
    taker = m.Fill(7, 4, 2, "", *filled, 3, base, quote)
    return m.TradeExecuted(3, "AAA_USD", 9, 5, 4, 20, m.Side.BUY, maker, taker)

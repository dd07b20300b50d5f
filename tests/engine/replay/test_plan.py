"""A day becomes commands that need no answers, spread over two hundred funded accounts."""

from pathlib import Path

from engine.core import invariants
from engine.core.exchange import Exchange
from engine.replay.day import read_day
from engine.replay.plan import ACCOUNTS, BASE, QUOTE, make_plan
from shared.messages import AmendOrder, CancelOrder, PlaceOrder, Rejected
from tests.support.tiny_day import write_day


def test_each_row_is_one_command_that_names_its_order_by_the_recordings_id(tmp_path: Path) -> None:
    plan = make_plan(read_day(write_day(tmp_path)))
    kinds = [type(command) for command in plan.commands]
    assert kinds == [
        PlaceOrder, PlaceOrder, PlaceOrder, AmendOrder, PlaceOrder, AmendOrder, CancelOrder,
    ]  # fmt: skip
    amend, removal, cancel = plan.commands[3], plan.commands[5], plan.commands[6]
    assert isinstance(amend, AmendOrder)
    assert (amend.account_id, amend.client_order_id, amend.quantity_lots) == (1, "1", 8)
    assert isinstance(removal, AmendOrder)
    assert removal.quantity_lots == 0
    assert isinstance(cancel, CancelOrder)
    assert (cancel.account_id, cancel.client_order_id) == (1, "1")


def test_orders_are_spread_evenly_over_all_accounts(tmp_path: Path) -> None:
    rows = tuple(f"new;{uid};True;1;10;x" for uid in range(2 * ACCOUNTS))
    plan = make_plan(read_day(write_day(tmp_path, rows)))
    assert sorted(plan.owners.values()) == sorted(list(range(1, ACCOUNTS + 1)) * 2)


def test_the_deposits_are_enough_for_every_order_and_all_accounts_have_both_assets(
    tmp_path: Path,
) -> None:
    plan = make_plan(read_day(write_day(tmp_path)))
    assert len(plan.deposits) == 2 * ACCOUNTS
    assert plan.deposits[1, BASE] == 11
    assert plan.deposits[3, QUOTE] == 8 * 10_005 + 1
    exchange = Exchange()
    for command in [*plan.opening, *plan.commands]:
        assert not any(isinstance(event, Rejected) for event in exchange.apply(command)), command
    invariants.check(exchange)
    assert not exchange.state.open.by_id

"""Each check finds what it is there to find."""

from pathlib import Path

import pytest

from engine.core.exchange import Exchange
from engine.replay import checks
from engine.replay.day import read_day
from engine.replay.plan import BASE, Plan, make_plan
from engine.replay.reference import Expected, play
from tests.support.tiny_day import write_day


@pytest.fixture
def played(tmp_path: Path) -> tuple[Exchange, Plan, Expected]:
    day = read_day(write_day(tmp_path))
    plan, exchange = make_plan(day), Exchange()
    for command in [*plan.opening, *plan.commands[:-1]]:  # Order 1 is still in the book.
        exchange.apply(command)
    return exchange, plan, play(day.rows)


def test_mismatches_count_every_place_and_every_list() -> None:
    assert checks.mismatches([1, 2, 3], [1, 2, 3]) == 0
    assert checks.mismatches([1, 2, 3], [1, 2, 3], [1, 0, 3]) == 1
    assert checks.mismatches([1, 2, 3], [1, 2]) == 1
    assert checks.mismatches([], [1, 2]) == 2


def test_a_sound_exchange_passes(played: tuple[Exchange, Plan, Expected]) -> None:
    exchange, plan, found = played
    assert checks.broken_invariant(exchange) == ""
    assert checks.missing_atoms(exchange, plan) == {}
    assert checks.wrong_balances(exchange, plan, found.trades) == 0
    assert checks.wrong_depth_rows(exchange, {"a2001": 5}) == 0


def test_a_lost_atom_is_found(played: tuple[Exchange, Plan, Expected]) -> None:
    exchange, plan, found = played
    exchange.state.ledger.accounts[7].balances[BASE].available -= 1
    assert "SHARE" in checks.broken_invariant(exchange)
    assert checks.missing_atoms(exchange, plan) == {BASE: 1}
    assert checks.wrong_balances(exchange, plan, found.trades) == 1


def test_atoms_in_the_wrong_account_are_found(played: tuple[Exchange, Plan, Expected]) -> None:
    exchange, plan, found = played
    accounts = exchange.state.ledger.accounts
    accounts[3].balances[BASE].available -= 1
    accounts[4].balances[BASE].available += 1
    assert checks.missing_atoms(exchange, plan) == {}
    assert checks.wrong_balances(exchange, plan, found.trades) == 2


def test_a_stale_depth_row_is_found(played: tuple[Exchange, Plan, Expected]) -> None:
    assert checks.wrong_depth_rows(played[0], {"a2001": 5, "b1999": 3}) == 1

"""Sums over rows that change while they are walked over. Pure, but for the walk itself."""

from collections.abc import Iterator
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields

from api.admin.balance_walk import BalanceSums, balance_changes
from api.edge.errors import ApiError
from shared.messages import BalanceChange, Event, Fill, FundsDeposited

ACCOUNTS = 4


def deposit(sequence: int, account_id: int, atoms: int, now: int) -> Event:
    change = BalanceChange("INR", atoms, 0, now, 0)
    return FundsDeposited(sequence, account_id, 1, change, "")


@given(
    steps=st.lists(st.tuples(st.integers(0, ACCOUNTS - 1), st.integers(1, 9)), max_size=30),
    walk=st.permutations(range(ACCOUNTS)),
    turns=st.lists(st.booleans(), max_size=60),
)
def test_the_sum_is_that_of_the_end_in_whatever_order_rows_are_met(
    steps: list[tuple[int, int]], walk: list[int], turns: list[bool]
) -> None:
    rows = [100, 0, 5, 7]
    there = {0, 2, 3}  # One has no row until its first deposit.
    sums, to_walk, to_do = BalanceSums(0), list(walk), list(steps)
    for is_walk in [*turns, *[False] * len(steps), *[True] * ACCOUNTS]:
        if is_walk and to_walk:
            account = to_walk.pop()
            if account in there:
                sums.add_page({b"%d:INR" % account: b"%d 0" % rows[account]})
        elif to_do:
            account, atoms = to_do.pop()
            rows[account] += atoms
            there.add(account)
            sums.add_events(iter([deposit(1, account, atoms, rows[account])]))
    assert sums.totals()["INR"] == (sum(rows), 0)


async def test_a_row_that_comes_twice_is_noticed() -> None:
    sums = BalanceSums(0)
    sums.add_page({b"1:INR": b"5 0", b"2:INR": b"5 0"})
    await sums.check_once()
    sums.add_page({b"2:INR": b"5 0"})
    with pytest.raises(ApiError, match="REPORT_OVERTAKEN"):
        await sums.check_once()


def names_of_changes(kind: type) -> Iterator[str]:
    for field in fields(kind):
        if field.type is BalanceChange:
            yield field.name


@pytest.mark.parametrize("kind", get_args(Event), ids=lambda kind: kind.__name__)
def test_no_event_has_a_change_that_the_walk_does_not_know(kind: type) -> None:
    assert set(names_of_changes(kind)) <= {"change", "hold", "release"}
    if any(field.type is Fill for field in fields(kind)):
        assert kind.__name__ == "TradeExecuted"
    assert set(names_of_changes(Fill)) == {"base", "quote"}


def test_a_deposit_changes_one_balance() -> None:
    assert [account for account, _ in balance_changes(deposit(1, 7, 5, 5))] == [7]

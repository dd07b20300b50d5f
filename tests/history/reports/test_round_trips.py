"""Wash-trade candidates: what each rule takes, and what it just does not."""

from collections import Counter
from itertools import groupby
from random import Random

import pytest

from history.projection.rows import TradeRow
from history.reports.round_trips import (
    BACK_AND_FORTH,
    LEGS_MAX,
    SAME_ACCOUNT,
    SAME_OWNER,
    Search,
    buyer_of,
    candidates,
    seller_of,
)
from shared.money import PPM

ADA, BOB, CEM = 1, 2, 3
WINDOW_NS = 60
TOLERANCE_PPM = 10_000


class Tape:
    """Trades one after the other: `trade` says who bought of whom; the taker is the second."""

    def __init__(self) -> None:
        self.trades: list[TradeRow] = []
        self._order = 0

    def trade(
        self, at_ns: int, buyer: int, seller: int, lots: int, *, same_entry: bool = False
    ) -> None:
        """Let the seller sell into the buyer's order; in the entry of the one before if asked."""
        before = self.trades[-1] if same_entry else None
        self._order += 2
        n = before.n if before else len(self.trades) + 1
        taker_order_id = before.taker_order_id if before else self._order
        row = TradeRow(
            *("BTC_USD", len(self.trades) + 1, at_ns, n, 10 * n),
            *(100, lots, 100 * lots, "sell"),
            *(buyer, self._order + 1, 0),
            *(seller, taker_order_id, 0),
        )
        self.trades.append(row)

    def found(self, owners: dict[int, str] | None = None) -> list[tuple[str, list[int]]]:
        return [
            (one.rule, [trade.trade_id for leg in one.legs for trade in leg.trades])
            for one in candidates(
                self.trades,
                window_ns=WINDOW_NS,
                tolerance_ppm=TOLERANCE_PPM,
                owners=owners or {},
            )
        ]


def test_an_account_on_both_sides_is_a_candidate_at_once() -> None:
    tape = Tape()
    tape.trade(0, ADA, ADA, 5)
    tape.trade(1, ADA, BOB, 5)
    assert tape.found() == [(SAME_ACCOUNT, [1])]


def test_two_accounts_of_one_owner_are_a_candidate_and_those_of_two_are_not() -> None:
    tape = Tape()
    tape.trade(0, ADA, BOB, 5)
    tape.trade(1, BOB, CEM, 5)
    assert tape.found({ADA: "x", BOB: "x", CEM: "y"}) == [(SAME_OWNER, [1])]
    assert tape.found({ADA: "x", CEM: "x"}) == []
    assert tape.found() == []


def test_what_goes_and_comes_back_is_a_candidate() -> None:
    tape = Tape()
    tape.trade(0, ADA, BOB, 10)
    tape.trade(30, BOB, ADA, 10)
    assert tape.found() == [(BACK_AND_FORTH, [1, 2])]


@pytest.mark.parametrize(("at_ns", "is_found"), [(59, True), (60, True), (61, False)])
def test_the_last_nanosecond_of_the_window_counts(at_ns: int, is_found: bool) -> None:
    tape = Tape()
    tape.trade(0, ADA, BOB, 10)
    tape.trade(at_ns, BOB, ADA, 10)
    assert bool(tape.found()) is is_found


@pytest.mark.parametrize(
    ("back", "is_found"), [(989, False), (990, True), (1_010, True), (1_011, False)]
)
def test_one_percent_of_the_larger_is_near_enough(back: int, is_found: bool) -> None:
    tape = Tape()
    tape.trade(0, ADA, BOB, 1_000)
    tape.trade(1, BOB, ADA, back)
    assert bool(tape.found()) is is_found


def test_what_comes_back_in_parts_is_a_candidate() -> None:
    tape = Tape()
    tape.trade(0, ADA, BOB, 10)
    tape.trade(1, BOB, ADA, 4)
    tape.trade(2, BOB, ADA, 6)
    assert tape.found() == [(BACK_AND_FORTH, [1, 2, 3])]


def test_parts_of_one_order_are_one_leg() -> None:
    tape = Tape()
    tape.trade(0, ADA, BOB, 4)
    tape.trade(0, ADA, BOB, 6, same_entry=True)
    tape.trade(1, BOB, ADA, 10)
    assert tape.found() == [(BACK_AND_FORTH, [1, 2, 3])]


def test_a_part_of_an_order_alone_does_not_come_back() -> None:
    tape = Tape()
    tape.trade(0, ADA, BOB, 6)
    tape.trade(1, BOB, ADA, 6)
    tape.trade(1, BOB, ADA, 50, same_entry=True)
    assert tape.found() == []


def test_an_order_that_meets_two_accounts_has_a_leg_with_each() -> None:
    tape = Tape()
    tape.trade(0, ADA, BOB, 6)
    tape.trade(1, BOB, ADA, 6)
    tape.trade(1, CEM, ADA, 50, same_entry=True)
    assert tape.found() == [(BACK_AND_FORTH, [1, 2])]


def test_one_direction_alone_is_no_candidate() -> None:
    tape = Tape()
    tape.trade(0, ADA, BOB, 10)
    tape.trade(1, ADA, BOB, 10)
    assert tape.found() == []


def test_one_direction_alone_is_none_at_the_largest_tolerance_either() -> None:
    tape = Tape()
    tape.trade(0, ADA, BOB, 10)
    assert not list(candidates(tape.trades, window_ns=9, tolerance_ppm=PPM, owners={}))


def test_what_comes_back_by_a_third_account_is_no_candidate() -> None:
    tape = Tape()
    tape.trade(0, ADA, BOB, 10)
    tape.trade(1, BOB, CEM, 10)
    tape.trade(2, CEM, ADA, 10)
    assert tape.found() == []


def test_honest_trades_around_a_round_trip_do_not_hide_it() -> None:
    tape = Tape()
    tape.trade(0, ADA, BOB, 3)
    tape.trade(1, ADA, BOB, 1_000)
    tape.trade(2, BOB, ADA, 1_000)
    tape.trade(3, ADA, BOB, 77)
    assert tape.found() == [(BACK_AND_FORTH, [2, 3])]


def test_a_leg_is_in_one_candidate_at_most() -> None:
    tape = Tape()
    for at_ns in range(0, 40, 10):
        tape.trade(at_ns, *((ADA, BOB) if at_ns % 20 else (BOB, ADA)), 10)
    assert tape.found() == [(BACK_AND_FORTH, [1, 2]), (BACK_AND_FORTH, [3, 4])]


def test_pairs_that_were_quiet_for_long_are_forgotten() -> None:
    tape = Tape()
    for account in range(10, 60):
        tape.trade(account * WINDOW_NS, account, account + 100, 1)
    search = Search(WINDOW_NS, 0, {})
    for trade in tape.trades:
        assert not list(search.take(trade))
    assert search.pairs <= 3


def test_candidates_are_those_of_a_search_that_looks_at_everything(seed: int) -> None:
    draw = Random(seed)
    seen: Counter[str] = Counter()
    for _ in range(60):
        tape, at_ns = Tape(), 0
        for _ in range(draw.randint(1, 60)):
            at_ns += draw.choice((0, 1, 5, 20, 40))
            pair = draw.choices((ADA, BOB, CEM), k=2)
            same = bool(tape.trades) and draw.random() < 0.2
            if same:
                pair[1], at_ns = tape.trades[-1].taker_account_id, tape.trades[-1].at_ns
            tape.trade(at_ns, pair[0], pair[1], draw.choice((5, 10, 99, 100)), same_entry=same)
        owners = {CEM: "c", BOB: draw.choice("bc")}
        expected = looked_at(tape.trades, owners)
        assert sorted(tape.found(owners)) == sorted(expected)
        seen.update(rule for rule, _ in expected)
    assert set(seen) == {SAME_ACCOUNT, SAME_OWNER, BACK_AND_FORTH}


def looked_at(trades: list[TradeRow], owners: dict[int, str]) -> list[tuple[str, list[int]]]:
    """The candidates by the words of the definition, with all legs at hand."""
    legs: list[list[TradeRow]] = []
    for _, entry in groupby(trades, key=lambda trade: trade.n):
        of_maker: dict[int, list[TradeRow]] = {}
        for trade in entry:
            of_maker.setdefault(trade.maker_account_id, []).append(trade)
        legs += of_maker.values()
    found, used = [], set[int]()
    for last, leg in enumerate(legs):
        accounts = {buyer_of(leg[0]), seller_of(leg[0])}
        named = {owners.get(account, f"nobody {account}") for account in accounts}
        if len(accounts) == 1 or len(named) == 1:
            rule = SAME_ACCOUNT if len(accounts) == 1 else SAME_OWNER
            found.append((rule, [trade.trade_id for trade in leg]))
            used.add(last)
            continue
        for first in range(last - 1, -1, -1):
            within = [
                index
                for index in range(first, last + 1)
                if index not in used
                and {buyer_of(legs[index][0]), seller_of(legs[index][0])} == accounts
            ]
            if first not in within or leg[0].at_ns - legs[first][0].at_ns > WINDOW_NS:
                continue
            sums: Counter[int] = Counter()
            for index in within:
                for trade in legs[index]:
                    sums[buyer_of(trade)] += trade.quantity_lots
            if len(sums) == 2 and 100 * (max(sums.values()) - min(sums.values())) <= max(
                sums.values()
            ):
                ids = [trade.trade_id for index in within for trade in legs[index]]
                found.append((BACK_AND_FORTH, ids))
                used.update(within)
                break
    return found


def test_no_more_legs_are_looked_at_than_the_limit() -> None:
    tape = Tape()
    for _ in range(LEGS_MAX + 50):
        tape.trade(0, ADA, BOB, 1)
    tape.trade(0, BOB, ADA, LEGS_MAX + 50)
    assert tape.found() == []

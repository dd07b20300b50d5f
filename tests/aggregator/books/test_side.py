"""A side of a book against a plain dictionary."""

import sys
from random import Random

import pytest

from aggregator.books.side import Level, Side

SEED = 20261121


@pytest.mark.parametrize("sign", [1, -1])
def test_a_side_has_the_levels_of_a_plain_dictionary_in_order(sign: int) -> None:
    chance = Random(SEED)
    side, plain = Side(sign), dict[int, int]()
    for _ in range(2_000):
        levels: list[Level] = [
            (sign * chance.randrange(1, 60), chance.choice([0, 0, 1, 2]))
            for _ in range(chance.randrange(1, 6))
        ]
        unknown = 0
        for key, quantity in levels:
            unknown += not quantity and key not in plain
            plain[key] = quantity
            if not quantity:
                del plain[key]

        assert side.change(levels) == unknown, f"Seed {SEED}."
        if chance.random() < 0.1:
            removed = side.keep_best(20)
            assert removed == sorted(plain)[: len(removed)]
            plain = dict(sorted(plain.items())[len(removed) :])
        assert side.keys == sorted(plain), f"Seed {SEED}."
        assert side.quantities == plain, f"Seed {SEED}."


@pytest.mark.parametrize("count", [25, 200, 500, 1_000])
def test_levels_that_come_and_go_leave_no_room_behind(count: int) -> None:
    # given a side as it is after its snapshot
    side = Side(1)
    side.replace([(key, 1) for key in range(count)])
    fresh_bytes = sys.getsizeof(side.quantities)

    # when levels come and go, ten times as many as there are
    for key in range(count, 11 * count):
        side.change([(key, 1), (key - count, 0)])

    # then it has as many, in at most the next larger table
    assert len(side) == count
    assert sys.getsizeof(side.quantities) <= (1 if count > 100 else 2.1) * fresh_bytes


def test_the_best_bid_is_the_highest_and_the_best_ask_the_lowest() -> None:
    bids, asks = Side(1), Side(-1)
    assert [side.best_key for side in (bids, asks)] == [None, None]

    bids.replace([(99, 1), (98, 2), (97, 0)])
    asks.replace([(-101, 1), (-102, 2)])

    assert (bids.best_price, asks.best_price) == (99, 101)
    assert asks.best(5) == [(-101, 1), (-102, 2)]
    assert bids.best(1) == [(99, 1)]
    assert len(bids) == 2

"""Sorted keys against a sorted list, also when they are many and come and go anywhere."""

from collections.abc import Callable
from itertools import pairwise
from random import Random

import pytest

from engine.core import sorted_keys
from engine.core.sorted_keys import SortedKeys

BLOCK = 8  # So that a few hundred keys are many blocks.
RANGE = 600

Draw = Callable[[Random, int], int]

# Where a new key falls: anywhere, among the largest, above all or below all so far.
SHAPES: dict[str, Draw] = {
    "anywhere": lambda draw, step: draw.randrange(RANGE),
    "near the top": lambda draw, step: RANGE - int(draw.expovariate(0.05)),
    "rising": lambda draw, step: step,
    "falling": lambda draw, step: -step,
}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorted_keys, "BLOCK_KEYS_MAX", BLOCK)


def compare(keys: SortedKeys, expected: list[int]) -> None:
    assert keys.keys == expected
    assert list(keys.largest_first()) == expected[::-1]
    assert keys.smallest() == (expected[0] if expected else None)
    assert bool(keys.near) == bool(expected)
    assert keys.near == expected[len(expected) - len(keys.near) :]
    blocks = [*keys._far, keys.near]
    assert all(0 < len(block) <= BLOCK for block in keys._far)
    assert all(below[-1] < above[0] for below, above in pairwise(blocks) if above)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(4))
def test_keys_stay_what_a_sorted_list_is(shape: str, seed: int) -> None:
    draw, keys, expected = Random(seed), SortedKeys(), list[int]()
    near = keys.near
    for share_new in (0.8, 0.3, 0.7, 0.1):
        for step in range(300):
            key = SHAPES[shape](draw, step)
            if draw.random() < share_new:
                if key not in expected:
                    keys.insert(key)
                    expected = sorted([*expected, key])
            elif expected:
                key = draw.choice([expected[0], expected[-1], draw.choice(expected)])
                keys.delete(key)
                expected.remove(key)
            compare(keys, expected)
    while expected:
        keys.delete(expected.pop(draw.choice((0, -1))))
        compare(keys, expected)
    assert keys.near is near


def test_a_list_that_only_rose_is_cut_into_blocks_by_the_first_key_inside() -> None:
    changes: tuple[Callable[[SortedKeys], None], ...] = (
        lambda keys: keys.insert(-1),
        lambda keys: keys.delete(50),
    )
    for change in changes:
        keys, expected = SortedKeys(), list(range(100))
        for key in expected:
            keys.insert(key)
        assert len(keys.near) == len(expected)
        change(keys)
        assert len(keys.near) <= BLOCK
        assert len(keys.keys) in (99, 101)
        compare(keys, sorted(keys.keys))


def test_keys_next_to_a_short_near_list_come_near() -> None:
    keys = SortedKeys()
    for key in range(40, 0, -1):
        keys.insert(10 * key)
    while len(keys.near) > 1:
        keys.delete(keys.near[-1])
    below = keys.near[0] - 5
    keys.insert(below)
    assert below in keys.near
    compare(keys, sorted(keys.keys))

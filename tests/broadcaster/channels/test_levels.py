"""The book of levels, pure: its checksum is that of the plain function, after whatever happens."""

import random

import pytest

from broadcaster.channels.levels import LevelBook, LevelChange
from broadcaster.channels.packed import packed
from shared.feed import CHECKED_LEVELS_MAX, Level, book_crc32

COUNTS = (0, 1, 5, 24, 25, 26, 100)


def level(ticks: int, lots: int) -> Level:
    return (str(ticks), str(lots))


def random_changes(draw: random.Random, start: int) -> list[LevelChange]:
    changes: list[LevelChange] = []
    for _ in range(draw.choice((0, 1, 1, 2, 30))):
        ticks = start + draw.randrange(60)
        changes.append((ticks, None if draw.random() < 0.5 else level(ticks, draw.randint(1, 2))))
    return changes


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_kept_checksum_is_always_that_of_the_plain_function(seed: int) -> None:
    draw, book, kept = random.Random(seed), LevelBook(), 0
    plain: tuple[dict[int, Level], dict[int, Level]] = ({}, {})
    for sequence in range(1, 3_000):
        before = book._crc32s.get(CHECKED_LEVELS_MAX)
        bids, asks = random_changes(draw, 0), random_changes(draw, 60)
        changed = book.change(sequence, sequence, bids, asks)
        kept += before is not None and book._crc32s.get(CHECKED_LEVELS_MAX) == before
        for side, changes in zip(plain, (bids, asks), strict=True):
            for ticks, new in changes:
                side.pop(ticks, None)
                if new is not None:
                    side[ticks] = new
        best = (
            [plain[0][ticks] for ticks in sorted(plain[0], reverse=True)],
            [plain[1][ticks] for ticks in sorted(plain[1])],
        )
        assert book.best(0) == best
        for count in draw.sample(COUNTS, 3):
            cut = count or CHECKED_LEVELS_MAX
            assert book.crc32(count) == book_crc32(best[0][:cut], best[1][:cut]), seed
        assert changed.last_sequence == book.sequence == sequence
    assert kept > 100, "nothing was ever kept: it proves too little"


def test_a_change_says_what_was_before_all_of_it() -> None:
    book = LevelBook()
    book.load(4, 0, [(9, level(9, 1)), (8, level(8, 1))], [])
    changed = book.change(
        5, 0, [(9, level(9, 2)), (9, None), (7, level(7, 1)), (7, None), (3, None)], []
    )
    assert changed.bids == {-9: packed(level(9, 1)), -7: None}
    assert book.best(0) == ([level(8, 1)], [])


def test_a_change_that_does_not_follow_is_a_broken_invariant() -> None:
    book = LevelBook()
    book.load(4, 0, [], [])
    with pytest.raises(AssertionError):
        book.change(4, 0, [], [])

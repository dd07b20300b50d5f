"""One side of a book, against a plain dict that is sorted at each question."""

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from broadcaster.channels import ladder as module
from broadcaster.channels.ladder import CHECKED_KEPT_MAX, NO_EDGE, Ladder
from broadcaster.channels.packed import Packed, packed, removal_of, unpacked
from shared.feed import Level, book_crc32, text_crc32

LEVEL_BYTES_MAX = 200  # Of a level of a merged book, of which a tuple of texts takes 330.

KEYS = st.integers(min_value=-9, max_value=9)
# Two texts or more, of somebody who may say anything.
TEXTS = st.sampled_from(["", "1", "2", ":", "\n", '"', "\\", '\\"', ",", '","', "],[", "é"])
LEVELS = st.none() | st.lists(TEXTS, min_size=2, max_size=4).map(tuple)
PLAIN_LEVELS = st.none() | st.tuples(st.just("0"), st.sampled_from(["1", "2"]))


def read(level: Packed | None) -> Level | None:
    return None if level is None else unpacked(level)


def said_of(ladder: Ladder) -> list[tuple[int, Level]]:
    return [(key, unpacked(level)) for key, level in ladder.between(-NO_EDGE, NO_EDGE)]


@given(st.lists(st.tuples(KEYS, LEVELS)) | st.lists(st.tuples(KEYS, PLAIN_LEVELS)))
def test_a_ladder_holds_what_was_put_there_last(changes: list[tuple[int, Level | None]]) -> None:
    plain: dict[int, Level] = {}
    ladder = Ladder()
    for key, level in changes:
        assert read(ladder.replace(key, level)) == plain.pop(key, None)
        if level is not None:
            plain[key] = level
    assert said_of(ladder) == sorted(plain.items())
    assert ladder.first() == [level for _, level in said_of(ladder)]
    assert all(read(ladder.get(key)) == plain.get(key) for key in range(-10, 11))
    assert text_crc32(ladder.checked(3)) == book_crc32(ladder.first(3), ())


@given(st.dictionaries(KEYS, st.just(("0", "1"))), st.integers(0, 9), KEYS, KEYS)
def test_a_ladder_answers_as_a_sorted_dict_would(
    plain: dict[int, Level], count: int, after_key: int, until_key: int
) -> None:
    ladder, ranked = Ladder(plain.items()), sorted(plain)
    assert len(ladder) == len(plain)
    assert ladder.first(count) == [plain[key] for key in ranked[: count or None]]
    assert ladder.edge(count) == (ranked[count - 1] if 0 < count <= len(ranked) else NO_EDGE)
    within = [(key, packed(plain[key])) for key in ranked if after_key < key <= until_key]
    assert ladder.between(after_key, until_key) == within
    assert list(ladder.until(until_key)) == [key for key in ranked if key <= until_key]


@given(st.lists(st.tuples(KEYS, LEVELS)), st.integers(0, 25))
def test_what_is_checked_is_always_what_the_plain_function_checks(
    changes: list[tuple[int, Level | None]], count: int
) -> None:
    ladder = Ladder()
    for key, level in changes:
        ladder.replace(key, level)
        best = ladder.first(count) if count else []
        assert text_crc32(ladder.checked(count)) == book_crc32(best, ())


def test_what_is_kept_for_the_checksum_does_not_grow() -> None:
    ladder = Ladder((key, ("0", f"{key}")) for key in range(50))
    for number in range(10 * CHECKED_KEPT_MAX):
        ladder.replace(0, ("0", f"{number}"))
        assert text_crc32(ladder.checked(25)) == book_crc32(ladder.first(25), ())
        assert len(ladder._checked) < CHECKED_KEPT_MAX + 25


@given(TEXTS, st.lists(TEXTS, min_size=1, max_size=3))
def test_a_level_is_removed_by_its_price(price: str, others: list[str]) -> None:
    assert unpacked(removal_of(packed((price, *others)))) == (price, "0")


def test_what_was_given_out_does_not_change_with_the_ladder() -> None:
    ladder = Ladder([(1, ("1", "1"))])
    given_out = ladder.first()
    ladder.replace(1, None)
    assert given_out == [("1", "1")]


def test_a_level_takes_little_memory_whatever_becomes_of_it() -> None:
    # given a side of a merged book
    count = 1_000
    tracemalloc.start()
    ladder = Ladder((key, merged_level(key)) for key in range(count))

    # when levels have come and gone, ten times as many as there are
    for key in range(count, 11 * count):
        ladder.replace(key, merged_level(key))
        ladder.replace(key - count, None)

    # then it takes what its texts take, and no more room than it needs
    # Whatever else this process does meanwhile.
    ours = [tracemalloc.Filter(True, str(name)) for name in (module.__file__, __file__)]
    taken = tracemalloc.take_snapshot().filter_traces(ours).statistics("filename")
    tracemalloc.stop()
    assert len(ladder) == count
    assert 0 < sum(each.size for each in taken) < LEVEL_BYTES_MAX * count


def merged_level(key: int) -> Level:
    return f"{key}.5", f"{key}", "bybit:linear:BTC/USDT", f"{key}"

"""One side of a book, against a plain dict that is sorted at each question."""

from hypothesis import given
from hypothesis import strategies as st

from broadcaster.channels.ladder import NO_EDGE, Ladder
from shared.feed import Level

KEYS = st.integers(min_value=-9, max_value=9)
LEVELS = st.none() | st.sampled_from(["1", "2"]).map(lambda text: ("0", text))


def said_of(ladder: Ladder) -> list[tuple[int, Level]]:
    return ladder.between(-NO_EDGE, NO_EDGE)


@given(st.lists(st.tuples(KEYS, LEVELS)))
def test_a_ladder_holds_what_was_put_there_last(changes: list[tuple[int, Level | None]]) -> None:
    plain: dict[int, Level] = {}
    ladder = Ladder()
    for key, level in changes:
        assert ladder.replace(key, level) == plain.pop(key, None)
        if level is not None:
            plain[key] = level
    assert said_of(ladder) == sorted(plain.items())
    assert ladder.first() == [level for _, level in said_of(ladder)]
    assert all(ladder.get(key) == plain.get(key) for key in range(-10, 11))


@given(st.dictionaries(KEYS, st.just(("0", "1"))), st.integers(0, 9), KEYS, KEYS)
def test_a_ladder_answers_as_a_sorted_dict_would(
    plain: dict[int, Level], count: int, after_key: int, until_key: int
) -> None:
    ladder, ranked = Ladder(plain.items()), sorted(plain)
    assert len(ladder) == len(plain)
    assert ladder.first(count) == [plain[key] for key in ranked[: count or None]]
    assert ladder.edge(count) == (ranked[count - 1] if 0 < count <= len(ranked) else NO_EDGE)
    within = [(key, plain[key]) for key in ranked if after_key < key <= until_key]
    assert ladder.between(after_key, until_key) == within
    assert list(ladder.until(until_key)) == [key for key in ranked if key <= until_key]


def test_what_was_given_out_does_not_change_with_the_ladder() -> None:
    ladder = Ladder([(1, ("1", "1"))])
    given_out = ladder.first()
    ladder.replace(1, None)
    assert given_out == [("1", "1")]

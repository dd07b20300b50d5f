"""What was published of a side, against a plain dict."""

from hypothesis import given
from hypothesis import strategies as st

from aggregator.merge.told import Told

CHANGES = st.lists(st.tuples(st.integers(-9, 9), st.sampled_from(["", "a", "b"])))


@given(CHANGES)
def test_what_was_told_last_is_kept_by_price(changes: list[tuple[int, str]]) -> None:
    plain: dict[int, str] = {}
    told = Told()
    for key, text in changes:
        assert told.replace(key, text) == (plain.pop(key, "") != text)
        if text:
            plain[key] = text
    assert list(told.items()) == sorted(plain.items())
    assert list(told.best_first()) == sorted(plain.items(), reverse=True)
    assert len(told) == len(plain)
    assert all(told.get(key) == plain.get(key, "") for key in range(-10, 11))

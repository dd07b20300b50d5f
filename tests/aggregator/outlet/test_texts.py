"""Texts of units, remembered within bounds."""

from aggregator.outlet.texts import Texts
from aggregator.protocol import to_units


def test_a_text_is_the_shortest_and_is_made_once() -> None:
    texts = Texts()
    assert texts[to_units("100.10")] == "100.1"
    assert texts[to_units("100.10")] is texts[to_units("100.1")]


def test_memory_is_bounded() -> None:
    texts = Texts(texts_max=10)
    assert [texts[to_units(str(number))] for number in range(100)] == list(map(str, range(100)))
    assert len(texts) <= 10

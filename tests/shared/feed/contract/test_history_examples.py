"""Each thing that the history says live has an example, which is one, field for field."""

from typing import Any

import msgspec
import pytest

from shared.feed import history
from shared.feed.contract.history_examples import HISTORY_EXAMPLES

ALL = [
    pytest.param(kind, message["data"], id=title)
    for kind, examples in HISTORY_EXAMPLES.items()
    for title, message in examples.items()
]


def test_every_shape_has_an_example_and_nothing_else_has() -> None:
    shapes = {
        each
        for each in vars(history).values()
        if isinstance(each, type) and each.__module__ == history.__name__
    }
    assert set(HISTORY_EXAMPLES) == shapes


@pytest.mark.parametrize(("kind", "data"), ALL)
def test_an_example_is_read_as_its_shape_and_written_as_it_stands(
    kind: type[msgspec.Struct], data: dict[str, Any]
) -> None:
    read = msgspec.json.decode(msgspec.json.encode(data), type=kind)
    assert msgspec.json.encode(msgspec.to_builtins(read)) == msgspec.json.encode(read)
    assert msgspec.json.decode(msgspec.json.encode(read)) == data


@pytest.mark.parametrize(("kind", "data"), ALL)
def test_an_example_names_its_fields_in_the_order_of_its_shape(
    kind: type[msgspec.Struct], data: dict[str, Any]
) -> None:
    assert list(data) == list(kind.__struct_fields__)

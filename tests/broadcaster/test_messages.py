"""The contract in docs/PROTOCOL.md: its examples are what the types say, and every type has one."""

from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from broadcaster.messages import Answer, Op, Update

PAGE = Path(__file__).resolve().parents[2] / "docs" / "PROTOCOL.md"
TYPES: tuple[type[msgspec.Struct], ...] = get_args(Op) + get_args(Answer) + get_args(Update)


def examples() -> list[str]:
    """Return the lines of the JSON blocks of the section on the WebSocket."""
    section = PAGE.read_text(encoding="utf-8").partition("\n## WebSocket\n")[2]
    blocks = section.partition("\n## ")[0].split("```json\n")[1:]
    return [line for block in blocks for line in block.partition("\n```")[0].splitlines()]


def types_of(message: dict[str, Any]) -> list[type[msgspec.Struct]]:
    """Return the types that the message is an example of: all its fields, and no others."""
    found = []
    for kind in TYPES:
        info = msgspec.structs.fields(kind)
        config = kind.__struct_config__
        tag_field = str(config.tag_field)
        required = {field.name for field in info if field.required} | {tag_field}
        known = {field.name for field in info} | {tag_field}
        if message.get(tag_field) == config.tag and required <= message.keys() <= known:
            msgspec.convert(message, kind)
            found.append(kind)
    return found


@pytest.mark.parametrize("example", examples())
def test_an_example_of_the_protocol_page_is_a_message(example: str) -> None:
    assert types_of(msgspec.json.decode(example)), "no type has exactly these fields"


def test_every_message_has_an_example() -> None:
    shown = {kind for example in examples() for kind in types_of(msgspec.json.decode(example))}
    assert {kind.__name__ for kind in TYPES} == {kind.__name__ for kind in shown}


NUMBERS = ("_id", "sequence", "_ns", "_s", "_ppm", "tier", "count")


def test_money_is_text_and_only_ids_counts_and_times_are_numbers() -> None:
    for kind in TYPES:
        for field in msgspec.structs.fields(kind):
            if field.type in (int, int | None):
                assert field.name.endswith(NUMBERS), (kind, field.name)
            assert field.type is not float

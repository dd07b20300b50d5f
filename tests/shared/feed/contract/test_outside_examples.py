"""Each message about outside exchanges has an example, which is one, and stands on the page."""

import json
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from shared.feed.contract.outside_examples import OUTSIDE_DATA
from shared.messages import OutsideSaid

PAGE = Path(__file__).resolve().parents[4] / "docs" / "PROTOCOL.md"
ALL = [pytest.param(kind, message, id=kind.__name__) for kind, (_, message) in OUTSIDE_DATA.items()]


def section() -> str:
    return PAGE.read_text("utf-8").partition("\n## Outside venues\n")[2].partition("\n## ")[0]


def test_every_message_has_an_example_and_nothing_else_has() -> None:
    assert set(OUTSIDE_DATA) == set(get_args(OutsideSaid))


@pytest.mark.parametrize(("kind", "message"), ALL)
def test_an_example_is_read_as_its_type_and_written_as_it_stands(
    kind: type[msgspec.Struct], message: dict[str, Any]
) -> None:
    read = msgspec.json.decode(msgspec.json.encode(message), type=OutsideSaid)
    assert type(read) is kind
    assert msgspec.json.decode(msgspec.json.encode(read)) == message


@pytest.mark.parametrize(("kind", "message"), ALL)
def test_an_example_is_on_the_page_where_it_belongs(
    kind: type[msgspec.Struct], message: dict[str, Any]
) -> None:
    where, _ = OUTSIDE_DATA[kind]
    shown = json.dumps(message, separators=(",", ":"))
    assert f"`{kind.__name__}`, {where}:\n\n```json\n{shown}\n```\n" in section()


def test_the_page_shows_no_other_message() -> None:
    assert section().count("```json") == len(OUTSIDE_DATA)
